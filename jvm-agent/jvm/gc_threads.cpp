#include "jvm-agent/jvm/gc_threads.h"

#include <algorithm>
#include <string_view>

#include "procfs/process.h"

namespace aerostat::agent {
namespace {

constexpr Duration kFindAgainAfter = std::chrono::seconds(30);

bool is_concurrent(std::string_view name) { return name.starts_with("G1 Conc#") || name.starts_with("G1 Main Marker"); }
bool is_collector(std::string_view name) {
    return is_concurrent(name) || name.starts_with("GC Thread#") || name.starts_with("G1 Refine#") ||
           name.starts_with("G1 Service") || name.starts_with("VM Thread");
}

}  // namespace

void GcThreads::find() {
    const auto all = procfs::own_threads();
    if (!all) return;
    for (const auto& thread : *all) {
        const bool known =
            std::any_of(threads_.begin(), threads_.end(), [&](const Known& k) { return k.tid == thread.tid; });
        if (!known && is_collector(thread.name)) threads_.push_back({thread.tid, is_concurrent(thread.name), Duration{}});
    }
    found_at_ = clock_.now();
}

GcCpuPort::Used GcThreads::used() {
    if (threads_.empty() || clock_.now() - found_at_ > kFindAgainAfter) find();
    Used sum = ended_;
    for (auto it = threads_.begin(); it != threads_.end();) {
        const auto cpu = procfs::own_thread_cpu(it->tid);
        if (cpu) it->last = *cpu;
        sum.all += it->last;
        if (it->concurrent) sum.concurrent += it->last;
        if (cpu) {
            ++it;
            continue;
        }
        ended_.all += it->last;
        if (it->concurrent) ended_.concurrent += it->last;
        it = threads_.erase(it);
    }
    return sum;
}

}  // namespace aerostat::agent
