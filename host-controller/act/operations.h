#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "contract/control.h"
#include "contract/messages.h"
#include "host-controller/act/balloon_mover.h"
#include "host-controller/decide/balloon_account.h"
#include "host-controller/decide/plan.h"

namespace aerostat::host::act {

/// What operations need of the world.
struct OperationPorts {
    /// False if the guest cannot be reached now.
    std::function<bool(const GuestId& guest, Message message)> send;
    /// Measures a guest from outside and answers once, absent if that was not possible.
    std::function<void(const GuestId& guest, std::function<void(std::optional<Bytes>)> answer)> measure;
};

/// What is to be done to one guest.
struct OperationOrder {
    std::string command;  ///< "squeeze", "give", "release", "balance"
    GuestId guest;
    std::string target;              ///< as people named it
    std::vector<LayerOrder> layers;  ///< absolute
    Bytes asked;
    Millis deadline{5'000};
    OnShortfall on_shortfall = OnShortfall::keep;
    std::optional<Millis> hold;
    bool verify = false;                   ///< measure before and after, and say what really became free
    bool os_follows = false;               ///< the OS balloon goes along, by the account of what it leaves room for
    bool os_gives_all = false;             ///< it gives whatever it has
    std::optional<LayerOrder> os;          ///< the guest OS layer's own part
    Bytes os_takes;                        ///< for it the OS balloon takes so much beyond what the heaps gave,
    Bytes os_gives;                        ///< or gives so much beyond what they are to have
    std::optional<GuestTarget> os_target;  ///< a container's: its own daemon moves it
    Bytes os_gives_most{Bytes::kLimit};    ///< else at most this: guests' figures are in the account
    std::string os_takes_not;              ///< why it must not take; empty: it may
    Bytes os_never_below;
};

/// How it ended.
struct EndedOperation {
    OperationView view;
    GuestId guest;
    std::vector<LayerOrder> layers;
    std::vector<JvmOutcome> outcomes;
    std::optional<LayerOrder> os{};
    Bytes os_missing{};  ///< of what the guest OS layer was to give
};

/// Orders on their way through guests: sent, tracked, verified, ended.
///
/// An operation always ends: with the guest's result, with its cancellation, or at its deadline plus a grace, also when the
/// guest never answers. It survives a lost connection (the same order goes out again with the time that is left, once the
/// guest has its heaps back). The layers' order: heaps give first, then the OS balloon takes; the OS balloon gives first,
/// then heaps may grow. Else a heap would grow into pages its guest does not have. Thread: loop thread; callbacks run from
/// inside the calls below or from the ports' answers.
class Operations {
public:
    using OnEnded = std::function<void(const EndedOperation&)>;

    Operations(OperationPorts ports, const Clock& clock) : ports_(std::move(ports)), clock_(clock) {}

    /// Guests' OS balloons, absent where guests have none. Must outlive its use: nullptr ends it.
    void use_balloons(BalloonMover* balloons) { balloons_ = balloons; }

    /// Begins; the answer is the operation's id. `on_ended` is called once, never from inside this call.
    std::string start(OperationOrder order, OnEnded on_ended);
    /// Asks the guest to stop; the operation ends with its answer, or soon without. Fails: `not_found`.
    [[nodiscard]] Result<OperationView> cancel(const std::string& op);

    /// Results of operations nobody knows (any more) are accepted silently: a restart forgets them.
    void take_result(const GuestId& guest, const OperationResult& result);
    /// A guest is back: what it was told is told again as soon as it reports the heaps that are meant.
    void rejoined(const GuestId& guest);
    void reported(const GuestId& guest, const GuestReport& report);
    void gone(const GuestId& guest);
    /// What the guests' OS balloons leave room for.
    [[nodiscard]] BalloonAccount& balloon_account() { return account_; }
    /// Ends what is due.
    void tick();
    /// When tick() has something to do; absent: nothing is running.
    [[nodiscard]] std::optional<TimePoint> next_due() const;

    /// Newest first, the last 64 and all that run.
    [[nodiscard]] std::vector<OperationView> views() const;

private:
    enum class Phase { measuring_before, giving_os, sent, taking_os, measuring_after, ended };
    struct Operation {
        std::string op;
        OperationOrder order;
        OnEnded on_ended;
        Phase phase = Phase::measuring_before;
        TimePoint started;
        TimePoint due;  ///< of the present phase
        std::optional<Bytes> before;
        bool reached = false;  ///< the order went out at least once
        bool connected = true;
        bool cancelled = false;
        bool send_again = false;  ///< the guest has come back without having been told
        bool sent_again = false;
        BalloonShare os;
        Bytes os_missing;
        OperationView outcome;
        std::vector<JvmOutcome> jvms;
    };
    Operation* find(const std::string& op);
    void begin(Operation& operation);
    void give_os(Operation& operation);
    void take_os(Operation& operation);
    void os_moved(const std::string& op, bool giving, const BalloonOutcome& outcome);
    void note_moved(Operation& operation, bool giving, const BalloonOutcome& outcome);
    void note_container(Operation& operation, const OperationResult& result);
    [[nodiscard]] Bytes due_of(const Operation& operation) const;
    void dispatch(Operation& operation);
    void send_again_if_known(Operation& operation, const GuestReport& report);
    [[nodiscard]] bool is_superseded(const Operation& operation) const;
    [[nodiscard]] static Bytes obtained_since(const OperationOrder& order, const OperationResult& result);
    void conclude(Operation& operation, EndReason reason, const std::string& detail);
    void measure_after(Operation& operation);
    void end(Operation& operation);
    void forget_oldest();
    [[nodiscard]] TimePoint deadline_of(const Operation& operation) const {
        return operation.started + operation.order.deadline;
    }
    [[nodiscard]] OperationView view_of(const Operation& operation) const;

    OperationPorts ports_;
    BalloonMover* balloons_ = nullptr;
    BalloonAccount account_;
    const Clock& clock_;
    std::list<Operation> operations_;  ///< newest first
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace aerostat::host::act
