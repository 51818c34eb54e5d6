#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "guest-balloon/app/os_mover.h"
#include "guest-balloon/decide/cache_use.h"
#include "guest-balloon/decide/guard.h"
#include "guest-balloon/decide/os_cost.h"
#include "guest-balloon/sense/guest_sensor.h"
#include "guest-balloon/sense/pressure_watch.h"

namespace aerostat::guest {

struct OsLayerSettings {
    GuestCgroup cgroup;
    PressureThreshold pressure;
    bool moves = true;                     ///< a container's limit may be set by us
    std::optional<double> stall_budget{};  ///< stalled seconds a second that a hold may cause
    bool probes = false;                   ///< a little page cache is taken now and then, to learn what it is worth
    bool by_application = false;           ///< the application balloon takes memory from this guest
    std::string kept_file;
    bool operator==(const OsLayerSettings&) const = default;
};

/// The guest OS layer put together: what is seen of it, what was learned, its balloon, and the kernel's word of pressure.
/// Thread: the loop's.
class OsLayer {
public:
    struct Ports {
        std::function<void(Stalled who)> on_pressure;  ///< allocates nothing before it is called
        OsMover::OnMoved on_moved;
    };
    OsLayer(asio::io_context& loop, OsLayerSettings settings, Ports ports, const Clock& clock);

    /// Once a second. `by_application`: what the application balloon holds; the guest has so much less.
    [[nodiscard]] GuestSight look(Bytes by_application = {});
    /// `offers`: what applications offer (decide/offers.h).
    [[nodiscard]] OsReport report(Bytes heaps, Bytes reserve, const CostCurve& offers);
    /// What it is best that applications give, as of the last report, before the container is brought to `target`,
    [[nodiscard]] Bytes due_for_target(Bytes target) const;
    /// or a balloon takes so much of what the guest has available.
    [[nodiscard]] Bytes due_for_balloon(Bytes takes) const;
    void move(const MoveOs& order, Bytes reserve);
    void cancel(const CancelOs& order) {
        if (mover_) mover_->cancel(order);
    }
    /// What is held is let go, and a move ends. Allocates nothing.
    void release_now() noexcept {
        if (mover_) mover_->pressure();
    }
    /// What is held is let go for good; no move begins any more.
    void stop();
    /// The container is held by us, and the kernel does not tell of its stalls alone.
    [[nodiscard]] bool held_unseen() const noexcept {
        return mover_ && !own_watch_.speaks() && balloon_->held().has_value();
    }
    /// The file that says what the container holds; empty where the guest is none.
    [[nodiscard]] std::string held_file() const;
    /// For people: what cannot be done here, beside what look() could not see.
    [[nodiscard]] std::vector<std::string> degraded() const;

private:
    void probe();
    [[nodiscard]] Bytes unheld_limit() const;

    const Clock& clock_;
    OsLayerSettings settings_;
    Ports ports_;
    GuestSensor sensor_;
    std::shared_ptr<OsBalloon> balloon_;
    std::unique_ptr<OsMover> mover_;  ///< absent: the balloon cannot be moved from here
    PressureWatch machine_watch_;
    PressureWatch own_watch_;
    RefaultBook book_;
    CacheUse use_;
    OsSight seen_;
    OsPicture picture_;
    Bytes by_application_;
    TimePoint probed_at_;
};

}  // namespace aerostat::guest
