#include <algorithm>

#include <asio/post.hpp>

#include "host-controller/app/host_daemon.h"
#include "host-controller/decide/balloon_account.h"
#include "host-controller/decide/booking.h"

// The guests' OS balloons: which there are, and what of an order is theirs.
namespace aerostat::host::app {
namespace {

constexpr Bytes kLeastGuest{128ULL << 20};                          // no virtual machine is left less RAM than this
constexpr Duration kPunchAnswersWithin = std::chrono::seconds(10);  // a stop ends later than the time of its order

Result<balloon::PunchAnswer> punch_answer(const Result<std::string>& line) {
    if (!line) return tl::unexpected(line.error());
    return balloon::parse_punch_answer(*line);
}

}  // namespace

// Nobody is dialled that no guest needs.
void HostDaemon::open_punch() {
    const auto needs = [](const GuestRule& rule) { return rule.limits.application_balloon; };
    const bool needed = std::any_of(config_.rules.guests.begin(), config_.rules.guests.end(), needs);
    if (punch_ || !application_balloons_ || !needed) return;
    punch_ = std::make_unique<balloon::LineCaller>(loop_, config_.punch_dir + "/punch.sock", balloon::LineCaller::Handlers{},
                                                   clock_);
    punch_->start();
}

void HostDaemon::open_balloons(OsBalloons& virtio) {
    application_balloons_ = make_application_balloons(virtio);
    balloons_ = std::make_unique<WatchedBalloons>(
        *application_balloons_, [this](const GuestId& guest, Bytes actual) { take_balloon_sight(guest, actual); },
        [this](const GuestId& guest, Bytes target) { watch_.ordered(guest, target, clock_.now()); });
    mover_ = make_mover(*balloons_);
    operations_.use_balloons(mover_.get());
    open_punch();
}

bool HostDaemon::has_application_balloon(const std::string& name) const {
    const auto limits = config_.rules.limits_for(name);
    return limits && limits->application_balloon;
}

std::function<void(Duration, std::function<void()>)> HostDaemon::timers() {
    return [this](Duration pause, std::function<void()> then) {
        const auto timer =
            std::make_shared<asio::steady_timer>(loop_, std::chrono::duration_cast<asio::steady_timer::duration>(pause));
        timer->async_wait([timer, then = std::move(then)](asio::error_code error) {
            if (!error) then();
        });
    };
}

std::unique_ptr<act::ApplicationBalloons> HostDaemon::make_application_balloons(OsBalloons& virtio) {
    act::ApplicationBalloonPorts ports{virtio, clock_, {}, {}, {}, {}, {}, timers(), {}};
    ports.free = [this] { return config_.act ? plan_.free : Bytes(); };
    ports.is_on = [this](const GuestId& guest) { return has_application_balloon(name_of(guest)); };
    ports.ram_of = [this](const GuestId& guest) { return backend_->takeable_ram(guest); };
    ports.why_frozen = [this](const GuestId& guest) { return backend_->why_left_alone(guest); };
    ports.tell = [this](const GuestId& guest, const std::string& line) {
        return backend_ && backend_->send(guest, BalloonWords{{}, line});
    };
    ports.punch = [this](const balloon::PunchOrder& order, auto answer) {
        if (!punch_)
            return asio::post(loop_, [answer = std::move(answer)] {
                answer(fail(ErrorCode::disconnected, "no guest's section has application_balloon = true"));
            });
        punch_->call(order.id, balloon::line_of(balloon::PunchRequest(order)), kPunchAnswersWithin,
                     [answer = std::move(answer)](const Result<std::string>& line) { answer(punch_answer(line)); });
    };
    return std::make_unique<act::ApplicationBalloons>(std::move(ports));
}

std::unique_ptr<act::BalloonMover> HostDaemon::make_mover(OsBalloons& balloons) {
    act::MoverPorts ports{balloons, clock_, {}, {}, {}};
    ports.later = timers();
    ports.available = [this](const GuestId& guest) -> std::optional<act::SaidAvailable> {
        const sense::GuestRecord* record = register_.find(guest);
        if (!record || !record->report) return std::nullopt;
        return act::SaidAvailable{record->report->memory_available, record->report_at};
    };
    ports.obeys_another = [this](const GuestId& guest) { return watch_.obeys_another(guest, clock_.now()); };
    return std::make_unique<act::BalloonMover>(std::move(ports));
}

/// The guest's OS balloon goes along: first it gives what the heaps are to get, last it takes what they gave.
void HostDaemon::follow_with_balloon(act::OperationOrder& order) const {
    const auto limits = config_.rules.limits_for(name_of(order.guest));
    order.os_follows = true;
    order.os_gives_most = plan_.free;
    for (const LayerOrder& layer : order.layers) order.os_gives_most += saturating_sub(layer.target.footprint, layer.from);
    for (const GuestSeen& guest : seen().guests) {
        if (guest.id != order.guest) continue;
        order.os_takes_not = why_balloon_stays(guest, order.layers);
        follow_with_os_layer(order, guest);
    }
    order.os_never_below = std::max(kLeastGuest, limits ? limits->min.value_or(Bytes()) : Bytes());
}

// The guest OS layer's own part: a container is told by its target, a virtual machine by its balloon.
void HostDaemon::follow_with_os_layer(act::OperationOrder& order, const GuestSeen& guest) const {
    std::vector<LayerOrder> layers = order.layers;
    if (order.os) layers.push_back(*order.os);
    order.os_target = container_target(guest, state_, layers);
    const sense::GuestRecord* record = register_.find(order.guest);
    if (!order.os || order.os_target || !record || !record->balloon) return;
    const OsLayerShare share = os_layer_share(guest, record->balloon->actual, *order.os);
    order.os_takes = share.takes;
    order.os_gives = share.gives;
    order.os_gives_most += share.gives;
}

}  // namespace aerostat::host::app
