#include "guest-balloon/app/os_layer.h"

#include <algorithm>

#include "guest-balloon/decide/offers.h"
#include "guest-balloon/decide/os_probe.h"

namespace aerostat::guest {
namespace {

std::shared_ptr<OsBalloon> balloon_for(const GuestSensor& sensor, const OsLayerSettings& settings, bool has_virtio_balloon) {
    if (sensor.cgroup() && settings.moves)
        return cgroup_balloon(sensor.cgroup()->version, sensor.cgroup()->directory, settings.kept_file);
    if (sensor.cgroup()) {
        const std::string name = sensor.cgroup()->version == 2 ? "cgroup-v2" : "cgroup-v1";
        return observed_balloon(name, "os.balloon is switched off in the configuration");
    }
    if (settings.by_application) return observed_balloon("application", "the host drives it");
    if (has_virtio_balloon) return observed_balloon("virtio", "the host drives it");
    return observed_balloon("none", "this guest is no container and has no balloon device");
}

// The nearest to the container's own stalls.
std::string stalls_of(const GuestSensor& sensor) {
    const auto own = sensor.own_pressure_files();
    return own.empty() ? sensor.machine_pressure_file() : own.front();
}

}  // namespace

OsLayer::OsLayer(asio::io_context& loop, OsLayerSettings settings, Ports ports, const Clock& clock)
    : clock_(clock),
      settings_(std::move(settings)),
      ports_(std::move(ports)),
      sensor_(settings_.cgroup),
      balloon_(balloon_for(sensor_, settings_, sensor_.has_virtio_balloon())),
      machine_watch_(loop, {sensor_.machine_pressure_file()}, settings_.pressure,
                     [this] { ports_.on_pressure(Stalled::machine); }),
      own_watch_(loop, sensor_.own_pressure_files(), settings_.pressure, [this] { ports_.on_pressure(Stalled::container); }),
      probed_at_(clock.now()) {
    if (sensor_.cgroup() && balloon_->why_not().empty())
        mover_ = std::make_unique<OsMover>(loop, clock_, balloon_, *sensor_.cgroup(), ports_.on_moved);
    if (mover_ && settings_.stall_budget) mover_->keep_within(*settings_.stall_budget, stalls_of(sensor_));
}

GuestSight OsLayer::look(Bytes by_application) {
    GuestSight sight = sensor_.look();
    by_application_ = by_application;
    sight.memory.total = saturating_sub(sight.memory.total, by_application);
    sight.os.total = saturating_sub(sight.os.total, by_application);
    seen_ = sight.os;
    book_.observe(seen_, clock_.now());
    use_.observe(seen_, book_, clock_.now());
    sight.os.cache_in_use = use_.in_use(seen_, book_);
    machine_watch_.poll(clock_.now());
    own_watch_.poll(clock_.now());
    const auto price = book_.has_learned_stall() ? std::optional(book_.stall_per_refault()) : std::nullopt;
    if (mover_ && seen_.cgroup) mover_->watch({seen_.cgroup->current, seen_.stalled, seen_.refaults}, price, unheld_limit());
    if (settings_.probes) probe();
    for (std::string& sentence : degraded()) sight.degraded.push_back(std::move(sentence));
    return sight;
}

std::string OsLayer::held_file() const {
    if (!sensor_.cgroup()) return {};
    const procfs::MemoryCgroup& cgroup = *sensor_.cgroup();
    return cgroup.directory + (cgroup.version == 2 ? "/memory.current" : "/memory.usage_in_bytes");
}

void OsLayer::probe() {
    if (!mover_ || mover_->is_moving()) return;
    const Bytes bytes = probe_size(seen_, clock_.now() - probed_at_);
    if (bytes.is_zero()) return;
    probed_at_ = clock_.now();
    mover_->probe(bytes);
}

// What the container may hold when we do not hold it. In version 1 the hold stands in place of its limit.
Bytes OsLayer::unheld_limit() const {
    Bytes most = std::max(seen_.machine, seen_.total);
    if (!balloon_->held()) return seen_.total;
    if (seen_.cgroup && seen_.cgroup->version == 2) most = std::min(most, seen_.cgroup->limit.value_or(most));
    return std::min(most, balloon_->allowed().value_or(most));
}

OsReport OsLayer::report(Bytes heaps, Bytes reserve, const CostCurve& offers) {
    const std::optional<Bytes> held = balloon_->held();
    const Bytes taken = held ? saturating_sub(unheld_limit(), *held) : seen_.balloon.value_or(Bytes()) + by_application_;
    const OsPicture& layer = picture_ = os_picture_of(seen_, book_, {heaps, reserve, taken, offers});
    OsReport report;
    report.size = layer.size;
    report.floor = layer.floor;
    if (!layer.offered.is_zero()) report.offered = layer.offered;
    report.spare = layer.spare;
    report.taken = taken;
    report.driver = balloon_->name();
    report.can_move = mover_ != nullptr && seen_.cgroup.has_value();
    report.holds = seen_.cgroup ? seen_.cgroup->current : saturating_sub(seen_.total, seen_.unused);
    report.limit = seen_.total;
    report.target = held;
    report.learned = book_.has_learned_stall();
    report.curve = layer.curve;
    return report;
}

// A container gives of what it holds, not of what it might.
Bytes OsLayer::due_for_target(Bytes target) const {
    const Bytes taken = seen_.cgroup ? saturating_sub(seen_.cgroup->current, target) : Bytes();
    const Bytes in_use = saturating_sub(picture_.size, picture_.spare);
    return taken.is_zero() ? Bytes() : due_of_offers(picture_.own, picture_.offers, saturating_sub(in_use, taken));
}

Bytes OsLayer::due_for_balloon(Bytes takes) const {
    return due_of_offers(picture_.own, picture_.offers, saturating_sub(picture_.size, takes));
}

void OsLayer::move(const MoveOs& order, Bytes reserve) {
    if (mover_) return mover_->move(order, reserve, !seen_.swap_free.is_zero(), unheld_limit());
    OsOutcome outcome;
    outcome.reason = EndReason::unsupported;
    outcome.detail = balloon_->why_not();
    ports_.on_moved(order.op, outcome);
}

// Not left to the destructors: a worker that hangs in the kernel keeps the balloon alive.
void OsLayer::stop() {
    release_now();
    mover_.reset();
}

std::vector<std::string> OsLayer::degraded() const {
    std::vector<std::string> sentences = machine_watch_.trouble();
    for (std::string& sentence : own_watch_.trouble()) sentences.push_back(std::move(sentence));
    if (sensor_.cgroup() && settings_.moves && !mover_)
        sentences.push_back("the container's memory cannot be moved: " + balloon_->why_not());
    if (mover_ && settings_.probes && !balloon_->reclaims_without_limit())
        sentences.push_back("page cache is not probed: os.probe needs memory.reclaim (cgroup version 2, Linux 5.19)");
    return sentences;
}

}  // namespace aerostat::guest
