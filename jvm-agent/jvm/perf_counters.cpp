#include "jvm-agent/jvm/perf_counters.h"

#include <cstring>

namespace aerostat::agent {
namespace {

constexpr std::uint32_t kMagic = 0xcafec0c0;  // stored big-endian (perfMemory.hpp)

// PerfDataEntry and PerfDataPrologue, version 2.0: fixed by the jvmstat format, which other processes read.
struct Prologue {
    std::uint8_t magic[4];
    std::uint8_t byte_order, major, minor, accessible;
    std::int32_t used, overflow;
    std::int64_t modified;
    std::int32_t entry_offset, entries;
};
struct Entry {
    std::int32_t length, name_offset, vector_length;
    std::uint8_t type, flags, units, variability;
    std::int32_t data_offset;
};

template <class T>
T copy_from(std::uintptr_t at) {
    T value;
    std::memcpy(&value, reinterpret_cast<const void*>(at), sizeof value);
    return value;
}

bool magic_is_right(const Prologue& p) {
    const std::uint32_t magic = (std::uint32_t{p.magic[0]} << 24) | (std::uint32_t{p.magic[1]} << 16) |
                                (std::uint32_t{p.magic[2]} << 8) | p.magic[3];
    return magic == kMagic && p.major == 2;
}

}  // namespace

PerfCounters PerfCounters::open(const HotspotTables& tables) {
    PerfCounters counters;
    const auto start = tables.static_field("PerfMemory", "_start");
    const auto end = tables.static_field("PerfMemory", "_end");
    if (!start || !end) return counters;
    const auto begin = HotspotTables::load<std::uintptr_t>(*start);
    const auto limit = HotspotTables::load<std::uintptr_t>(*end);
    if (begin == 0 || limit < begin + sizeof(Prologue) || !magic_is_right(copy_from<Prologue>(begin))) return counters;
    counters.begin_ = begin;
    counters.end_ = limit;
    return counters;
}

PerfCounters::Found PerfCounters::look_for(std::string_view name) const {
    if (begin_ == 0) return {};
    const auto prologue = copy_from<Prologue>(begin_);
    std::uintptr_t at = begin_ + static_cast<std::uintptr_t>(prologue.entry_offset);
    for (int i = 0; i < prologue.entries && at + sizeof(Entry) <= end_; ++i) {
        const auto entry = copy_from<Entry>(at);
        if (entry.length <= 0 || at + static_cast<std::uintptr_t>(entry.length) > end_) break;
        const auto* const text = reinterpret_cast<const char*>(at + static_cast<std::uintptr_t>(entry.name_offset));
        const bool fits = entry.vector_length >= 0 && entry.data_offset + entry.vector_length <= entry.length;
        if (fits && name == text)
            return {at + static_cast<std::uintptr_t>(entry.data_offset), static_cast<char>(entry.type),
                    static_cast<std::size_t>(entry.vector_length)};
        at += static_cast<std::uintptr_t>(entry.length);
    }
    return {};
}

PerfCounter PerfCounters::find(std::string_view name) const {
    const Found found = look_for(name);
    return found.type == 'J' && found.elements == 0 ? PerfCounter(found.data) : PerfCounter();
}

PerfText PerfCounters::find_text(std::string_view name) const {
    const Found found = look_for(name);
    return found.type == 'B' && found.elements > 0 ? PerfText(found.data, found.elements) : PerfText();
}

bool PerfText::equals(std::string_view text) const {
    if (at_ == 0 || text.size() >= room_) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (HotspotTables::load<char>(at_ + i) != text[i]) return false;
    }
    return HotspotTables::load<char>(at_ + text.size()) == '\0';
}

}  // namespace aerostat::agent
