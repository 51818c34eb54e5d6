#include "tests/support/fake_hotspot.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#define AEROSTAT_EXPORTED __attribute__((visibility("default"), used)) std::uint64_t

extern "C" {
// By these names, and as 64-bit numbers, libjvm.so has them.
AEROSTAT_EXPORTED gHotSpotVMStructs = 0;
AEROSTAT_EXPORTED gHotSpotVMStructEntryArrayStride = 0;
AEROSTAT_EXPORTED gHotSpotVMStructEntryTypeNameOffset = 0;
AEROSTAT_EXPORTED gHotSpotVMStructEntryFieldNameOffset = 0;
AEROSTAT_EXPORTED gHotSpotVMStructEntryIsStaticOffset = 0;
AEROSTAT_EXPORTED gHotSpotVMStructEntryOffsetOffset = 0;
AEROSTAT_EXPORTED gHotSpotVMStructEntryAddressOffset = 0;
AEROSTAT_EXPORTED gHotSpotVMTypes = 0;
AEROSTAT_EXPORTED gHotSpotVMTypeEntryArrayStride = 0;
AEROSTAT_EXPORTED gHotSpotVMTypeEntryTypeNameOffset = 0;
AEROSTAT_EXPORTED gHotSpotVMTypeEntrySizeOffset = 0;
}

namespace aerostat::testing {
namespace {

constexpr std::size_t kPerfBytes = 16 * 1024;
constexpr std::size_t kTextRoom = 64;
constexpr int kIntx = 3;  ///< of JVMFlag's types
constexpr std::size_t kMostFlags = 64;

// The jvmstat format, version 2.0.
struct Prologue {
    std::uint8_t magic[4];
    std::uint8_t byte_order, major, minor, accessible;
    std::int32_t used, overflow;
    std::int64_t modified;
    std::int32_t entry_offset, entries;
};
struct Entry {
    std::int32_t length, name_offset, vector_length;
    char type;
    std::uint8_t flags, units, variability;
    std::int32_t data_offset;
};

std::uint64_t number(const void* address) { return reinterpret_cast<std::uintptr_t>(address); }
std::size_t round_up_to_words(std::size_t bytes) { return (bytes + 7) / 8 * 8; }

}  // namespace

FakeHotspot::FakeHotspot() : perf_(kPerfBytes / sizeof(std::uint64_t)) {
    flags_.reserve(kMostFlags);
    perf_begin_ = reinterpret_cast<unsigned char*>(perf_.data());
    perf_end_ = perf_begin_ + kPerfBytes;
    const Prologue prologue{{0xca, 0xfe, 0xc0, 0xc0}, 1, 2, 0, 1, 0, 0, 0, sizeof(Prologue), 0};
    std::memcpy(perf_begin_, &prologue, sizeof prologue);
    perf_used_ = sizeof prologue;
    describe();
}

FakeHotspot::~FakeHotspot() { gHotSpotVMStructs = gHotSpotVMTypes = 0; }

void FakeHotspot::describe() {
    structs_ = {
        {"Universe", "_collectedHeap", "CollectedHeap*", 1, 0, &collected_heap_},
        {"CollectedHeap", "_reserved", "MemRegion", 0, offsetof(CollectedHeap, reserved_start), nullptr},
        {"CollectedHeap", "_total_collections", "unsigned int", 0, offsetof(CollectedHeap, total_collections), nullptr},
        {"ShenandoahHeapRegion", "RegionSizeBytes", "size_t", 1, 0, &region_size_},
        {"MemRegion", "_start", "HeapWord*", 0, 0, nullptr},
        {"MemRegion", "_word_size", "size_t", 0, sizeof(std::uintptr_t), nullptr},
        {"PerfMemory", "_start", "char*", 1, 0, &perf_begin_},
        {"PerfMemory", "_end", "char*", 1, 0, &perf_end_},
        {"JVMFlag", "flags", "JVMFlag*", 1, 0, &first_flag_},
        {"JVMFlag", "numFlags", "size_t", 1, 0, &flag_count_},
        {"JVMFlag", "_name", "const char*", 0, offsetof(Flag, name), nullptr},
        {"JVMFlag", "_addr", "void*", 0, offsetof(Flag, address), nullptr},
        {"JVMFlag", "_type", "int", 0, offsetof(Flag, type), nullptr},
        {"JVMFlag", "_flags", "JVMFlag::Flags", 0, offsetof(Flag, flags), nullptr},
        {nullptr, nullptr, nullptr, 0, 0, nullptr},
    };
    types_ = {{"JVMFlag", nullptr, 0, 0, 0, sizeof(Flag)}, {nullptr, nullptr, 0, 0, 0, 0}};
    gHotSpotVMStructs = number(structs_.data());
    gHotSpotVMStructEntryArrayStride = sizeof(StructEntry);
    gHotSpotVMStructEntryTypeNameOffset = offsetof(StructEntry, type);
    gHotSpotVMStructEntryFieldNameOffset = offsetof(StructEntry, field);
    gHotSpotVMStructEntryIsStaticOffset = offsetof(StructEntry, is_static);
    gHotSpotVMStructEntryOffsetOffset = offsetof(StructEntry, offset);
    gHotSpotVMStructEntryAddressOffset = offsetof(StructEntry, address);
    gHotSpotVMTypes = number(types_.data());
    gHotSpotVMTypeEntryArrayStride = sizeof(TypeEntry);
    gHotSpotVMTypeEntryTypeNameOffset = offsetof(TypeEntry, type);
    gHotSpotVMTypeEntrySizeOffset = offsetof(TypeEntry, size);
}

void FakeHotspot::hide(const std::string& type, const std::string& field) {
    for (StructEntry& entry : structs_) {
        if (entry.type != nullptr && type == entry.type && field == entry.field) entry.field = "(hidden)";
    }
}

void FakeHotspot::set_flag(const std::string& name, std::int64_t value, Origin origin) {
    const auto [at, is_new] = values_.insert_or_assign(name, value);
    const int flags = static_cast<int>(origin);
    const auto known = std::find_if(flags_.begin(), flags_.end(), [&](const Flag& flag) { return name == flag.name; });
    if (known != flags_.end()) known->flags = flags;
    if (is_new) flags_.push_back({&at->second, at->first.c_str(), flags, kIntx});
    first_flag_ = flags_.data();
    flag_count_ = flags_.size();
}

void FakeHotspot::place_flag(const std::string& name, const void* address, int type) {
    const auto known = std::find_if(flags_.begin(), flags_.end(), [&](const Flag& flag) { return name == flag.name; });
    if (known == flags_.end()) return;
    known->address = address;
    known->type = type;
}

unsigned char* FakeHotspot::add_counter(const std::string& name, char type, std::size_t elements, std::size_t bytes) {
    const std::size_t data = round_up_to_words(sizeof(Entry) + name.size() + 1);
    const std::size_t length = data + round_up_to_words(bytes);
    if (perf_used_ + length > kPerfBytes) {
        std::fputs("the fake performance memory is full\n", stderr);
        std::abort();
    }
    unsigned char* const at = reinterpret_cast<unsigned char*>(perf_.data()) + perf_used_;
    const Entry entry{static_cast<std::int32_t>(length), sizeof(Entry), static_cast<std::int32_t>(elements), type, 0, 0, 0,
                      static_cast<std::int32_t>(data)};
    std::memcpy(at, &entry, sizeof entry);
    std::memcpy(at + sizeof entry, name.c_str(), name.size() + 1);
    perf_used_ += length;
    ++reinterpret_cast<Prologue*>(perf_.data())->entries;
    return counters_[name] = at + data;
}

std::uint64_t& FakeHotspot::counter(const std::string& name) {
    const auto known = counters_.find(name);
    unsigned char* const at = known != counters_.end() ? known->second : add_counter(name, 'J', 0, sizeof(std::uint64_t));
    return *reinterpret_cast<std::uint64_t*>(at);
}

void FakeHotspot::set_text(const std::string& name, const std::string& text) {
    const auto known = counters_.find(name);
    unsigned char* const at = known != counters_.end() ? known->second : add_counter(name, 'B', kTextRoom, kTextRoom);
    std::memset(at, 0, kTextRoom);
    std::memcpy(at, text.c_str(), std::min(text.size(), kTextRoom - 1));
}

void FakeHotspot::reserve(procfs::AddressRange range) {
    heap_.reserved_start = range.begin;
    heap_.reserved_words = range.size().count() / sizeof(void*);
}

}  // namespace aerostat::testing
