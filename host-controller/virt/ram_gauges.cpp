#include "host-controller/virt/ram_gauges.h"

namespace aerostat::host::virt {

void RamGauges::follow(const GuestId& guest, const std::string& uuid, RamShape shape) {
    const std::lock_guard lock(mutex_);
    gauges_[guest] = std::make_shared<Gauge>(Gauge{GuestRam(uuid, std::move(shape), finder_)});
}

void RamGauges::note_inactive(const GuestId& guest) {
    const std::lock_guard lock(mutex_);
    const auto known = gauges_.find(guest);
    if (known != gauges_.end()) known->second->active = false;
}

Result<GuestResidency> RamGauges::measure(const GuestId& guest) {
    std::shared_ptr<Gauge> gauge;
    {
        const std::lock_guard lock(mutex_);
        const auto known = gauges_.find(guest);
        if (known == gauges_.end()) return GuestResidency{};
        gauge = known->second;
    }
    auto measured = gauge->ram.measure();
    const std::lock_guard lock(mutex_);
    const bool has_ended = measured ? measured->processes == 0 : measured.error().code == ErrorCode::not_found;
    if (gauge->active || !has_ended) return measured;
    const auto known = gauges_.find(guest);
    if (known != gauges_.end() && known->second == gauge) gauges_.erase(known);
    return GuestResidency{};
}

}  // namespace aerostat::host::virt
