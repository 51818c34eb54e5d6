#pragma once

#include <string>

#include "contract/clock.h"
#include "jvm-agent/decide/heap_facts.h"

namespace aerostat::agent {

/// What the plan is shown.
struct LeisureSight {
    HeapFacts heap;
    Bytes target;            ///< in force; the most that may be resident
    Bytes least;             ///< that the heap is to be committed: the target, or what its program and its collector need
    Bytes most_at_once;      ///< by which it may be made smaller in one step
    bool unfilled = false;   ///< there are no chunks in it
    bool also_busy = false;  ///< the collector can be kept from committing more for pauses: a busy heap is held so, too
    bool able = false;       ///< a target is held, and nothing stands against the heap's being smaller
    bool ready = false;      ///< and nothing else goes on
    bool ordered = false;    ///< an order is being carried out: what grows meanwhile grows by its collections
    bool disturbed = false;  ///< collections that run now are, or may be, the agent's doing, or its balloon is not whole yet
};

/// Whether a heap that sizes itself by its pauses (G1) may be held by its size instead of by a whole heap of chunks, and
/// when it is to be made smaller by one step more. What the collector keeps beside the program is a share of its size.
///
/// Such a collector commits more when pauses take too much of the time. So only a heap that has been far below that for a
/// while is held so; when it is made larger all the same the plan lets go of it, for longer each time. One that is small yet
/// is held so from the start: to fill it with chunks would make the collector commit all of its maximum. Pure: time is an
/// argument. Thread: owner's.
class LeisurePlan {
public:
    /// Nothing holds it yet, and it is far below its maximum.
    [[nodiscard]] static bool is_small_yet(const LeisureSight& seen);
    /// To be told often, also while there is no target.
    void observe(const LeisureSight& seen, TimePoint now);
    /// Chunks are to take only what is committed beyond the target.
    [[nodiscard]] bool holds_by_size() const { return by_size_; }

    /// It will be made smaller before long.
    [[nodiscard]] bool has_steps_to_come(const LeisureSight& seen, TimePoint now) const;
    /// It would, but too little may be taken at once.
    [[nodiscard]] bool lacks_room(const LeisureSight& seen, TimePoint now) const;
    /// The least it has been committed meanwhile, or the target.
    [[nodiscard]] Bytes size() const { return size_; }

    /// How much smaller to make it now; zero: not now.
    [[nodiscard]] Bytes step(const LeisureSight& seen, TimePoint now) const;
    /// How much larger: its target leaves it more than it has, and its collector works; zero: not now.
    [[nodiscard]] Bytes growth(const LeisureSight& seen, TimePoint now) const;
    /// Until it has ended the next is far. One that is given up need not be told.
    void step_began(const LeisureSight& seen, TimePoint now);
    void step_ended(const LeisureSight& seen, TimePoint now);
    /// For people: how the heap is held, and what the next step waits for.
    [[nodiscard]] std::string state(const LeisureSight& seen, TimePoint now) const;
    /// True once after the last of some steps that have made it smaller.
    [[nodiscard]] bool take_converted();

    /// The program is in distress, or grows: the heap is its own, and is left alone for a while.
    void cancel(TimePoint now);
    /// There is no target any more.
    void forget() { by_size_ = false; }

private:
    /// Twice as long each time, unless all has been well for a while since the last.
    struct Rest {
        Duration length{};
        TimePoint until{};
        void begin(TimePoint now);
    };
    void watch_pauses(const LeisureSight& seen, TimePoint now);
    [[nodiscard]] bool wants_steps(const LeisureSight& seen, TimePoint now) const;
    [[nodiscard]] bool has_grown(const LeisureSight& seen) const;
    [[nodiscard]] bool is_at_ease(const LeisureSight& seen) const;
    [[nodiscard]] bool may_begin(const LeisureSight& seen) const;

    bool watching_ = false, by_size_ = false, shrunk_ = false, converted_ = false;
    bool pressed_ = false;  ///< pauses took more than is bearable in the last whole window
    TimePoint window_at_{};
    Duration stopped_{};
    int calm_windows_ = 0;
    std::uint64_t young_gcs_ = 0;
    bool collects_ = false;  ///< it collected in the last whole window
    Bytes size_;             ///< while by_size_: the least it was committed, or the target
    Bytes size_at_step_, step_;
    bool grows_ = false;  ///< the step makes it larger
    TimePoint next_step_{};
    Rest after_growth_, after_vain_step_;
};

}  // namespace aerostat::agent
