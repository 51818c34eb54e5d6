#include "host-controller/local/process_gauge.h"

#include "procfs/java_heap_file.h"
#include "procfs/process.h"

namespace aerostat::host::local {

std::optional<CountedMemory> ProcessGauge::count() const {
    const auto parts = procfs::resident_parts_of(pid_);
    if (!parts) return std::nullopt;
    CountedMemory counted{parts->anonymous, parts->file, parts->shared, std::nullopt};
    if (heap_file_.empty()) return counted;
    // The process may have closed it and opened another file in its place.
    const auto blocks = procfs::is_java_heap_file(heap_file_) ? procfs::file_blocks(heap_file_)
                                                              : fail(ErrorCode::not_found, "the heap is elsewhere");
    if (blocks) counted.heap_file = *blocks;
    return counted;
}

Result<Bytes> ProcessGauge::walk(TimePoint now) {
    walked_.reset();
    const auto memory = procfs::process_memory_parts(pid_);
    if (!memory) return tl::unexpected(memory.error());
    heap_file_ = memory->heap_file;
    if (const auto counted = count()) walked_ = WalkedMemory{memory->rest.rss, memory->rest.pss, *counted, now};
    return memory->rest.pss + memory->heap;
}

std::optional<Bytes> ProcessGauge::glance(TimePoint now) const {
    const auto counted = walked_ ? count() : std::nullopt;
    return counted ? pss_since(*walked_, *counted, now) : std::nullopt;
}

}  // namespace aerostat::host::local
