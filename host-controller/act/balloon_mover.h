#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "host-controller/backend/backend.h"
#include "host-controller/decide/balloon_step.h"

namespace aerostat::host::act {

/// How one move of an OS balloon ended.
struct BalloonOutcome {
    Bytes before;  ///< `actual` at the beginning
    Bytes after;
    Bytes maximum;  ///< the guest's RAM; zero if it was never seen
    EndReason reason = EndReason::met;
    std::string detail;
};

/// What the guest itself says it has available (its daemon's report), and when.
struct SaidAvailable {
    Bytes bytes;
    TimePoint at;
};

struct MoverPorts {
    OsBalloons& balloons;
    const Clock& clock;
    std::function<void(Duration, std::function<void()>)> later;
    std::function<std::optional<SaidAvailable>(const GuestId&)> available;
    /// Whether another's order is in force: it is not overwritten where a move ends. Empty: there are no others.
    std::function<bool(const GuestId&)> obeys_another{};
};

/// Moves OS balloons step by step towards a goal, one move a guest at a time. When a move ends short
/// of its goal, the driver is told to keep what the guest has now: nothing is taken afterwards, unless by another's order.
/// Thread: loop thread; `done` is called from the ports' answers, and that of a superseded move from inside the call that
/// begins the next one.
class BalloonMover {
public:
    using Done = std::function<void(const BalloonOutcome&)>;
    explicit BalloonMover(MoverPorts ports) : ports_(std::move(ports)) {}
    ~BalloonMover() { *alive_ = false; }
    BalloonMover(const BalloonMover&) = delete;
    BalloonMover& operator=(const BalloonMover&) = delete;

    /// Takes `amount` from the guest, or gives it, counted from what it has now; never beyond its RAM. A move of this guest
    /// that is under way ends first, `superseded`.
    void take(const GuestId& guest, Bytes amount, Bytes never_below, TimePoint deadline, Done done);
    void give(const GuestId& guest, Bytes amount, TimePoint deadline, Done done);
    /// As give(), to a guest in need: the sentence of a move that ends for it says so.
    void help(const GuestId& guest, Bytes amount, TimePoint deadline, Done done);
    /// Ends a move where it stands.
    void cancel(const GuestId& guest);
    /// Tells the driver to keep what it has: an order of a process that died may still be outstanding.
    void settle(const GuestId& guest);
    [[nodiscard]] bool is_moving(const GuestId& guest) const { return moves_.contains(guest); }

private:
    struct Move {
        std::uint64_t number = 0;
        bool taking = false;
        Bytes amount;
        Bytes never_below;
        TimePoint deadline;
        Done done;
        std::optional<Bytes> goal;  ///< known after the first look
        std::optional<Bytes> ordered;
        OsBalloon seen;
        Bytes before;
        Bytes nearest;  ///< the `actual` that came nearest to the goal so far
        TimePoint progress_at;
        std::deque<std::pair<TimePoint, Bytes>> actuals;
        bool cancelled = false;
    };
    [[nodiscard]] static Move giving(Bytes amount, TimePoint deadline, Done done);
    void start(const GuestId& guest, Move move, const char* why);
    void look(const GuestId& guest, std::uint64_t number);
    void looked(const GuestId& guest, Move& move, const OsBalloon& seen);
    void order(const GuestId& guest, Move& move, Bytes target);
    void end(const GuestId& guest, EndReason reason, std::string detail);
    void keep_what_it_has(const GuestId& guest, Bytes actual);
    [[nodiscard]] Move* find(const GuestId& guest, std::uint64_t number);
    [[nodiscard]] Bytes available(const GuestId& guest, const Move& move) const;
    [[nodiscard]] Bytes taken_since(const Move& move, TimePoint when) const;

    MoverPorts ports_;
    std::map<GuestId, Move> moves_;
    std::uint64_t next_number_ = 1;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace aerostat::host::act
