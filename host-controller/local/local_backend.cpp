#include "host-controller/local/local_backend.h"

namespace aerostat::host::local {
namespace {

// The gauge belongs to the function: a measurement may outlive the backend.
MeasurePool::Measure measure_by(std::shared_ptr<GroupGauge> gauge) {
    return [gauge = std::move(gauge)](const GuestId& guest, Look look) -> Result<GuestResidency> {
        const auto group = parse_group(guest);
        if (!group) return tl::unexpected(group.error());
        return gauge->measure(*group, look);
    };
}

}  // namespace

LocalBackend::LocalBackend(asio::io_context& loop, wire::SocketSpec socket, const Clock& clock)
    : loop_(loop), socket_(std::move(socket)), clock_(clock), pool_(loop, measure_by(std::make_shared<GroupGauge>(clock))) {}

Status LocalBackend::open(Handlers handlers) {
    auto door = GuestDoor::open(loop_, socket_, std::move(handlers), clock_);
    if (!door) return tl::unexpected(door.error());
    door_ = *std::move(door);
    return {};
}

bool LocalBackend::send(const GuestId& guest, Message message) { return door_ && door_->send(guest, std::move(message)); }

void LocalBackend::measure(const GuestId& guest, std::function<void(Result<GuestResidency>)> answer) {
    pool_.ask(guest, std::move(answer), Look::closely);
}

void LocalBackend::glance(const GuestId& guest, std::function<void(Result<GuestResidency>)> answer) {
    pool_.ask(guest, std::move(answer), Look::glance);
}

}  // namespace aerostat::host::local
