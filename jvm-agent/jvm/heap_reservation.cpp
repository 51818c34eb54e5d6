#include "jvm-agent/jvm/heap_reservation.h"

namespace aerostat::agent {

Result<procfs::AddressRange> find_heap_reservation(const HotspotTables& tables, Bytes least) {
    const auto heap = tables.static_field("Universe", "_collectedHeap");
    const auto reserved = tables.offset("CollectedHeap", "_reserved");
    const auto start = tables.offset("MemRegion", "_start");
    const auto words = tables.offset("MemRegion", "_word_size");
    if (!heap || !reserved || !start || !words)
        return fail(ErrorCode::unsupported, "this JVM does not describe where its heap lies");
    const auto object = HotspotTables::load<std::uintptr_t>(*heap);
    if (object == 0) return fail(ErrorCode::unsupported, "this JVM has no heap yet");
    const auto begin = HotspotTables::load<std::uintptr_t>(object + *reserved + *start);
    const auto size = HotspotTables::load<std::size_t>(object + *reserved + *words) * sizeof(void*);
    const procfs::AddressRange range{begin, begin + size};
    if (begin == 0 || range.end <= begin || range.size() < least)
        return fail(ErrorCode::unsupported, "this JVM's description of where its heap lies is not plausible");
    return range;
}

}  // namespace aerostat::agent
