#include "jvm-agent/jvm/gc_threads.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "procfs/process.h"

namespace aerostat::agent {
namespace {

constexpr Duration kFindAgainAfter = std::chrono::seconds(30);

/// Names as the kernel keeps them, cut to 15 bytes. Workers of ZGC and Shenandoah work in pauses too, for a few percent of
/// it.
constexpr std::string_view kConcurrent[] = {"G1 Conc#", "G1 Main Marker",  "ZWorker",
                                            "ZDriver",  "Shenandoah GC T", "Shenandoah Cont"};
constexpr std::string_view kOthers[] = {"GC Thread#", "G1 Refine#", "G1 Service",      "VM Thread",      "ZDirector",
                                        "ZUnmapper",  "ZUncommit",  "Shenandoah Unco", "Shenandoah Regu"};

bool has_prefix_of(std::string_view name, std::span<const std::string_view> prefixes) {
    return std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view prefix) { return name.starts_with(prefix); });
}

bool is_concurrent(std::string_view name) { return has_prefix_of(name, kConcurrent); }
bool is_collector(std::string_view name) { return is_concurrent(name) || has_prefix_of(name, kOthers); }

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
        if (cpu) it->last = std::max(it->last, *cpu);  // a thread id may be given anew
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
