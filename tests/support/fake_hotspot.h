#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "procfs/maps.h"

namespace aerostat::testing {

/// What libjvm.so tells of its structures (gHotSpotVMStructs and the like), told by the test program instead, over flags,
/// performance counters and a CollectedHeap that are the test's. Programs with it must export their symbols.
/// Thread: one, and one of it at a time. What has been read from it may be used until it ends.
class FakeHotspot {
public:
    enum class Origin : int { unset = 0, command_line = 1, ergonomic = 5 };

    FakeHotspot();
    ~FakeHotspot();
    FakeHotspot(const FakeHotspot&) = delete;
    FakeHotspot& operator=(const FakeHotspot&) = delete;

    void set_flag(const std::string& name, std::int64_t value, Origin origin = Origin::unset);
    /// Where this JVM keeps a flag that has been set, and of which of JVMFlag's types it is.
    void place_flag(const std::string& name, const void* address, int type);
    /// A performance counter; there from its first mention on.
    [[nodiscard]] std::uint64_t& counter(const std::string& name);
    void set_text(const std::string& name, const std::string& text);
    /// As with -XX:-UsePerfData.
    void take_counters_away() { perf_begin_ = perf_end_ = nullptr; }
    /// CollectedHeap::_total_collections.
    [[nodiscard]] std::uint32_t& collections() { return heap_.total_collections; }
    void reserve(procfs::AddressRange range);
    /// Of Shenandoah; 0 until it is set.
    [[nodiscard]] std::size_t& region_size() { return region_size_; }
    void take_heap_away() { collected_heap_ = nullptr; }
    /// This JVM does not describe it.
    void hide(const std::string& type, const std::string& field);

private:
    struct StructEntry {
        const char* type;
        const char* field;
        const char* type_of_field;
        std::int32_t is_static;
        std::uint64_t offset;
        const void* address;
    };
    struct TypeEntry {
        const char* type;
        const char* parent;
        std::int32_t is_oop, is_integer, is_unsigned;
        std::uint64_t size;
    };
    struct Flag {
        const void* address;
        const char* name;
        int flags, type;
    };
    struct CollectedHeap {
        void* vtable = nullptr;
        std::uintptr_t reserved_start = 0;
        std::size_t reserved_words = 0;
        std::uint32_t total_collections = 0;
    };

    void describe();
    /// Of a counter that takes so many bytes; `elements` is 0 for a number.
    unsigned char* add_counter(const std::string& name, char type, std::size_t elements, std::size_t bytes);

    std::vector<StructEntry> structs_;
    std::vector<TypeEntry> types_;
    std::map<std::string, std::int64_t> values_;
    std::vector<Flag> flags_;
    const Flag* first_flag_ = nullptr;
    std::size_t flag_count_ = 0;
    CollectedHeap heap_;
    CollectedHeap* collected_heap_ = &heap_;
    std::size_t region_size_ = 0;
    std::vector<std::uint64_t> perf_;  ///< never grows: what was read points into it
    std::size_t perf_used_ = 0;
    unsigned char* perf_begin_ = nullptr;
    unsigned char* perf_end_ = nullptr;
    std::map<std::string, unsigned char*> counters_;
};

}  // namespace aerostat::testing
