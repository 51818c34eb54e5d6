#include "guest-balloon/sense/guest_sensor.h"

#include "procfs/meminfo.h"
#include "procfs/vmstat.h"

namespace aerostat::guest {
namespace {

void look_at_meminfo(GuestSight& sight, const std::string& root) {
    const auto info = procfs::read_meminfo(root);
    if (!info) {
        sight.degraded.push_back("the guest's memory is unknown: " + info.error().message);
        return;
    }
    sight.os.total = sight.os.machine = info->total;
    sight.os.available = info->available;
    sight.os.unused = info->free;
    sight.os.active_file = info->active_file;
    sight.os.inactive_file = info->inactive_file;
    sight.os.mapped = info->mapped;
    sight.os.anonymous = info->anonymous;
    sight.os.swap_free = info->swap_free;
}

void take_pressure(GuestSight& sight, const Result<procfs::MemoryPressure>& pressure) {
    if (!pressure) {
        sight.degraded.push_back("memory pressure is unknown: " + pressure.error().message);
        return;
    }
    sight.os.psi_some_avg10 = pressure->some_avg10;
    sight.os.psi_full_avg10 = pressure->full_avg10;
    sight.os.stalled = pressure->some_total;
}

// The container's own figures in place of the machine's, as far as it has them.
void narrow(OsSight& os, const procfs::CgroupMemory& seen) {
    if (seen.limit) os.total = std::min(os.total, *seen.limit);
    if (seen.high) os.total = std::min(os.total, *seen.high);
    os.active_file = seen.active_file;
    os.inactive_file = seen.inactive_file;
    os.mapped = seen.mapped_file;
    os.anonymous = seen.anonymous;
    os.unused = std::min(os.unused, saturating_sub(os.total, seen.current));
    // Some of the cache is always needed (programs that run); the kernel's own estimate leaves half of it, too.
    const Bytes cache = os.cache();
    const Bytes needed = std::min(cache / 2, os.total / 32);
    const Bytes room = saturating_sub(os.total, seen.current) + saturating_sub(cache, needed);
    os.cache_left_out = std::min(needed, saturating_sub(os.available, room));
    os.available = std::min(os.available, room);
    if (seen.refaults_file) os.refaults = seen.refaults_file;
    if (seen.refaults_anon) os.refaults_anon = seen.refaults_anon;
    os.stolen.reset();  // the machine's count says nothing about this container
}

}  // namespace

GuestSensor::GuestSensor(GuestCgroup where) : root_(std::move(where.root)), traffic_(root_) {
    has_virtio_balloon_ = procfs::has_virtio_balloon(root_);
    if (where.wanted == "none") return;
    const bool named = where.wanted != "auto";
    auto found = named ? procfs::memory_cgroup_at(root_ + where.wanted) : procfs::own_memory_cgroup(root_);
    if (!found) {
        if (named) cgroup_trouble_ = "the container's cgroup cannot be used: " + found.error().message;
        return;
    }
    const auto seen = procfs::read_memory_cgroup(*found);
    if (seen && (named || seen->limit)) cgroup_ = *std::move(found);
}

std::vector<std::string> GuestSensor::own_pressure_files() const {
    if (!cgroup_ || cgroup_->version != 2) return {};
    return {cgroup_->directory + "/memory.pressure"};
}

GuestSight GuestSensor::look() {
    GuestSight sight;
    look_at_meminfo(sight, root_);
    take_pressure(sight, procfs::read_memory_pressure(root_));
    look_at_counters(sight);
    look_at_reading(sight);
    if (!cgroup_trouble_.empty()) sight.degraded.push_back(cgroup_trouble_);
    if (cgroup_) look_at_cgroup(sight);
    sight.memory = GuestMemory{sight.os.total, sight.os.available, sight.os.psi_some_avg10, sight.os.psi_full_avg10};
    return sight;
}

void GuestSensor::look_at_counters(GuestSight& sight) const {
    sight.os.has_virtio_balloon = has_virtio_balloon_;
    const auto stat = procfs::read_vmstat(root_);
    if (!stat) {
        sight.degraded.push_back("refaults and swapping are unknown: " + stat.error().message);
        return;
    }
    sight.os.refaults = stat->refaults_file;
    sight.os.refaults_anon = stat->refaults_anon;
    sight.os.swapped_out = stat->swapped_out;
    sight.os.stolen = stat->stolen;
    sight.os.major_faults = stat->major_faults;
    sight.os.read_in = stat->read_in;
    sight.os.balloon = stat->balloon;
    if (!stat->refaults_file)
        sight.degraded.emplace_back("this kernel counts no refaults: page cache keeps its assumed price");
}

// What is read changes slowly, and there may be many who read.
void GuestSensor::look_at_reading(GuestSight& sight) {
    constexpr int kEvery = 5;
    if (looks_++ % kEvery == 0) sight.os.read_from_memory = traffic_.look(cgroup_);
    const auto waits = procfs::read_memory_pressure_file(root_ + "/proc/pressure/io");
    if (waits) sight.os.io_stalled = waits->some_total;
}

void GuestSensor::look_at_cgroup(GuestSight& sight) const {
    const auto seen = procfs::read_memory_cgroup(*cgroup_);
    if (!seen) {
        sight.degraded.push_back("the container's memory is unknown: " + seen.error().message);
        return;
    }
    narrow(sight.os, *seen);
    sight.os.cgroup = CgroupSight{cgroup_->version, seen->current,   seen->limit,      seen->high,
                                  seen->swap,       seen->oom_kills, seen->high_events};
    if (cgroup_->version != 2) return;
    const auto pressure = procfs::read_memory_pressure_file(cgroup_->directory + "/memory.pressure");
    if (pressure) take_pressure(sight, pressure);
}

}  // namespace aerostat::guest
