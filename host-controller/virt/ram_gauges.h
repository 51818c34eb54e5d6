#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "host-controller/virt/guest_ram.h"

namespace aerostat::host::virt {

/// The gauges of all guests' RAM. A guest is charged for what its QEMU holds until that has really ended, whatever libvirt
/// says: a listing that lacks a domain is not enough to give its memory to others.
/// Thread: any; one measurement of a guest at a time.
class RamGauges {
public:
    /// A domain runs: from now on its QEMU is measured. Replaces an earlier run's.
    void follow(const GuestId& guest, const std::string& uuid, RamShape shape);
    /// libvirt no longer lists it as active: not finding its QEMU now means that it has ended.
    void note_inactive(const GuestId& guest);
    /// Blocking. As GuestRam::measure. A guest that is not known, or has ended, has no processes.
    [[nodiscard]] Result<GuestResidency> measure(const GuestId& guest);

private:
    struct Gauge {
        GuestRam ram;
        bool active = true;
    };

    std::shared_ptr<QemuFinder> finder_ = std::make_shared<QemuFinder>();
    std::mutex mutex_;
    std::map<GuestId, std::shared_ptr<Gauge>> gauges_;
};

}  // namespace aerostat::host::virt
