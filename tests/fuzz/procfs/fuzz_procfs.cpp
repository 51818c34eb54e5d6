// Texts of /proc, some of which a process can shape itself (its name, its mappings' names).
#include <string_view>

#include "procfs/maps.h"
#include "procfs/meminfo.h"
#include "procfs/memory_cgroup.h"
#include "procfs/process.h"
#include "procfs/smaps.h"
#include "procfs/vmstat.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace aerostat;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto maps = procfs::parse_maps(text)) {
        for (const procfs::Mapping& mapping : *maps) FUZZ_CHECK(mapping.range.begin < mapping.range.end);
    }
    static_cast<void>(procfs::sum_smaps(text, {0x1000, 0x7fff'ffff'f000}));
    static_cast<void>(procfs::parse_meminfo(text));
    if (const auto pressure = procfs::parse_memory_pressure(text)) FUZZ_CHECK(pressure->some_avg10 >= 0);
    static_cast<void>(procfs::parse_vmstat(text));
    static_cast<void>(procfs::parse_resident_parts(text));
    const std::string_view half = text.substr(0, size / 2);
    for (const int version : {1, 2}) {
        const procfs::MemoryCgroup place = procfs::place_in_hierarchy(half, text.substr(half.size()), version);
        FUZZ_CHECK(place.directory.starts_with(place.top));
        procfs::CgroupMemory seen;
        procfs::parse_memory_stat(text, version, seen);
    }
    if (const auto stat = procfs::parse_stat(text)) FUZZ_CHECK(stat->cpu_time >= Duration::zero());
    return 0;
}
