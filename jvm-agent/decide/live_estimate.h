#pragma once

#include <optional>

#include "contract/clock.h"
#include "jvm-agent/decide/heap_facts.h"
#include "jvm-agent/decide/old_garbage.h"

namespace aerostat::agent {

/// The live set as far as it is known: what a young collection left behind after a cycle that saw the whole heap, or a full
/// collection. Of G1, Parallel and Serial less what is old garbage by experience (OldGarbage): cycles of G1 free only what
/// is dead as a whole region, mixed collections more; the others have nothing but full collections, and what one has found
/// may have been a start's: until another confirms it, all that is promoted counts as alive.
///
/// It is withdrawn when the program has since occupied a good part of it again. And it is withdrawn when the program falls
/// silent: data can die without an allocation or a collection that would show it, and then the number would keep the
/// cheapest memory of all, an idle heap's garbage, out of reach. A cycle that an order made run is believed for longer, and
/// longer still each time it finds the same: asking again costs a cycle. But only while the silence lasts.
/// Thread: owner's.
class LiveEstimate {
public:
    /// To be told after each pause; of a collector that says when it works (HeapFacts::whole_gcs), at any time.
    /// `application`: what the program occupied at the pause's end, or after the last cycle, without the balloon.
    void observe(const HeapFacts& heap, Bytes application, TimePoint now);

    /// To be told often where observe() comes with pauses: a program that allocates two regions in three seconds is at work
    /// for a minute after a cycle, however rarely it has to collect. `occupied`: by it, at this moment.
    void watch(Bytes occupied, Bytes region, TimePoint now);

    /// Absent before the first whole-heap cycle, when too much was occupied since, and when it is too old for a silent
    /// program.
    [[nodiscard]] std::optional<Bytes> value(TimePoint now) const;
    /// What a floor has to assume: the live set where it is known; what the last collection left while the program is at
    /// work and no cycle has shown better; nothing for a silent program, which may be asked (see above).
    [[nodiscard]] std::optional<Bytes> assumed(TimePoint now) const;
    /// A cycle that began after the last call of forget_cycles() has marked the whole heap, and a collection has shown what
    /// it left.
    [[nodiscard]] bool seen_since_forgotten() const { return seen_; }
    void forget_cycles() {
        seen_ = false;
        asking_ = true;
        forgotten_at_ = cycle_pauses_;
        forgotten_whole_ = whole_gcs_ + (collecting_ ? 1 : 0);  // one that runs began before
    }

private:
    /// Whether two regions are allocated in three seconds, by what is occupied: always or never at a steady pace.
    class SignOfWork {
    public:
        bool observe(Bytes occupied, Bytes region, TimePoint now);
        void forget(Bytes occupied, TimePoint now) { occupied_ = occupied, since_ = now; }

    private:
        Bytes occupied_;
        TimePoint since_{};
    };
    void observe_cycles(const HeapFacts& heap, Bytes application, TimePoint now);
    void take(Bytes application);
    void follow(Bytes application);
    void believe_longer(TimePoint now);
    [[nodiscard]] bool is_silent(TimePoint now) const;

    std::optional<Bytes> live_;
    TimePoint last_pause_at_{}, last_cycle_at_{}, allocated_at_{};
    TimePoint believed_since_{}, believed_until_{};
    Duration belief_{};
    std::optional<Bytes> asked_live_;  ///< what the last cycle made by an order found
    std::uint64_t young_gcs_ = 0;
    std::uint64_t cycle_pauses_ = 0;
    std::uint64_t full_gcs_ = 0;
    std::uint64_t whole_gcs_ = 0;
    bool collecting_ = false;
    SignOfWork work_;
    bool started_ = false;
    bool fresh_cycle_ = false;
    bool unproven_ = false;  ///< nothing but full collections tells, and no two have told the same
    bool seen_ = false;
    bool asking_ = false;  ///< an order waits for a cycle
    std::uint64_t forgotten_at_ = 0;
    std::uint64_t forgotten_whole_ = 0;
    Bytes last_application_;
    Bytes grown_since_;  ///< since the last cycle
    OldGarbage garbage_;
    std::uint64_t searches_ = 0;  ///< of garbage_, when last looked
};

}  // namespace aerostat::agent
