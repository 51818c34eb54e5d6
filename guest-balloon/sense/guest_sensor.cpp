#include "guest-balloon/sense/guest_sensor.h"

#include "procfs/meminfo.h"

namespace aerostat::guest {

GuestSight observe_guest() {
    GuestSight sight;
    if (auto info = procfs::read_meminfo()) {
        sight.memory.total = info->total;
        sight.memory.available = info->available;
    } else {
        sight.degraded.push_back("the guest's memory is unknown: " + info.error().message);
    }
    if (auto pressure = procfs::read_memory_pressure()) {
        sight.memory.psi_some_avg10 = pressure->some_avg10;
        sight.memory.psi_full_avg10 = pressure->full_avg10;
    } else {
        sight.degraded.push_back("memory pressure is unknown: " + pressure.error().message);
    }
    return sight;
}

}  // namespace aerostat::guest
