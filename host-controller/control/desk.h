#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "contract/control.h"
#include "host-controller/decide/plan.h"
#include "host-controller/decide/reservations.h"
#include "host-controller/decide/squeeze.h"

namespace aerostat::host::control {

/// What an operator may want carried out, ready to be sent.
struct Errand {
    Command command = Command::squeeze;
    GuestId guest;
    std::string target;
    OperatorOrder order;
    Millis deadline{5'000};
    OnShortfall on_shortfall = OnShortfall::keep;
    std::optional<Millis> hold;
};

/// A virtual machine's RAM and how much of it is in its OS balloon.
struct OsSize {
    Bytes ram;
    Bytes balloon;
};

/// The daemon as the operators' desk sees it. Thread: loop thread.
class Host {
public:
    virtual ~Host() = default;
    [[nodiscard]] virtual HostSnapshot seen() const = 0;
    [[nodiscard]] virtual HostPlan dry_run() const = 0;
    [[nodiscard]] virtual const HostState& state() const = 0;
    [[nodiscard]] virtual const HostRules& rules() const = 0;
    [[nodiscard]] virtual bool acts() const = 0;                ///< mode "act"
    [[nodiscard]] virtual StatusView status_frame() const = 0;  ///< the daemon's own part: counters, warnings
    /// The last reports and their ages, by guest: the views show them as they came.
    [[nodiscard]] virtual const GuestReport* report_of(const GuestId& guest) const = 0;
    /// Absent: not a virtual machine, or not looked at yet.
    [[nodiscard]] virtual std::optional<OsSize> os_size_of(const GuestId& guest) const = 0;
    [[nodiscard]] virtual Millis report_age(const GuestId& guest) const = 0;
    [[nodiscard]] virtual std::vector<OperationView> operations() const = 0;

    /// Begins; `done` once when it has ended. The answer is the operation as it begins.
    virtual OperationView carry_out(Errand errand, std::function<void(const OperationView&)> done) = 0;
    [[nodiscard]] virtual Result<OperationView> cancel(const std::string& op) = 0;
    virtual void pause(const std::optional<GuestId>& guest) = 0;
    /// Ends the pause and the operators' ceilings, of one guest or (absent) of all.
    virtual void resume(const std::optional<GuestId>& guest) = 0;
    /// Ends the operators' ceilings of all guests; pauses stay. The answer is how many there were.
    virtual std::size_t end_all_ceilings() = 0;

    /// Squeezes others until the memory is verified free, or it is clear that it will not be in time; `done` once with the
    /// verdict, never from inside. Where hostd only watches, a hook is told so at once, as a success: the verdict is not
    /// kept. Fails: as Reservations::open.
    virtual Result<OperationView> reserve(ReservationWish wish, std::function<void(const OperationView&)> done) = 0;
    [[nodiscard]] virtual bool knows_reservation(const std::string& id) const = 0;
    /// By its id, or (`guest` set) all of a guest. Fails: `not_found`.
    [[nodiscard]] virtual Status release_reservation(const std::string& id, const GuestId& guest) = 0;
    /// What a doctor sees from inside of the daemon.
    [[nodiscard]] virtual std::vector<Finding> examine() const = 0;
    /// What people should know of a guest: why it is left alone, what went wrong with it.
    [[nodiscard]] virtual std::vector<std::string> notes_on(const GuestId& guest) const = 0;
    /// Of the budget, what is reserved and has not arrived; and what bad memory has cost.
    [[nodiscard]] virtual Bytes reserved() const = 0;
    [[nodiscard]] virtual Bytes lost() const = 0;
};

using Respond = std::function<void(ControlReply)>;

/// Answers one operator's request. `respond` is called once, at once or when the operation has ended.
void answer(Host& host, const ControlRequest& request, const Respond& respond);

/// CPU seconds per second and GiB, from per byte.
[[nodiscard]] double per_gib(double price);

[[nodiscard]] StatusView status_view(const Host& host);
[[nodiscard]] PlanView plan_view(const HostPlan& plan);

}  // namespace aerostat::host::control
