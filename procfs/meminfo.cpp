#include "procfs/meminfo.h"

#include <charconv>

#include "procfs/file_text.h"

namespace aerostat::procfs {
namespace {

// The value behind "avg10=" of a PSI line.
bool read_avg10(std::string_view line, double& value) {
    constexpr std::string_view kKey = "avg10=";
    const std::size_t at = line.find(kKey);
    if (at == std::string_view::npos) return false;
    line.remove_prefix(at + kKey.size());
    return std::from_chars(line.data(), line.data() + line.size(), value).ec == std::errc();
}

}  // namespace

Result<MemInfo> parse_meminfo(std::string_view text) {
    MemInfo info;
    bool has_total = false;
    bool has_available = false;
    std::string_view line;
    while (next_line(text, line)) {
        std::uint64_t bytes = 0;
        if (read_kib_field(line, "MemTotal", bytes)) {
            info.total = Bytes(bytes);
            has_total = true;
        } else if (read_kib_field(line, "MemAvailable", bytes)) {
            info.available = Bytes(bytes);
            has_available = true;
        } else if (read_kib_field(line, "MemFree", bytes))
            info.free = Bytes(bytes);
        else if (read_kib_field(line, "SwapTotal", bytes))
            info.swap_total = Bytes(bytes);
        else if (read_kib_field(line, "SwapFree", bytes))
            info.swap_free = Bytes(bytes);
    }
    if (!has_total || !has_available)
        return fail(ErrorCode::bad_value, "MemTotal or MemAvailable is missing from /proc/meminfo");
    return info;
}

Result<MemInfo> read_meminfo() {
    auto text = read_text("/proc/meminfo");
    if (!text) return tl::unexpected(text.error());
    return parse_meminfo(*text);
}

Result<MemoryPressure> parse_memory_pressure(std::string_view text) {
    MemoryPressure pressure;
    bool has_some = false;
    std::string_view line;
    while (next_line(text, line)) {
        if (line.starts_with("some ")) has_some = read_avg10(line, pressure.some_avg10);
        if (line.starts_with("full ") && !read_avg10(line, pressure.full_avg10)) pressure.full_avg10 = 0;
    }
    if (!has_some) return fail(ErrorCode::bad_value, "not a pressure file");
    return pressure;
}

Result<MemoryPressure> read_memory_pressure() {
    auto text = read_text("/proc/pressure/memory");
    if (!text) return fail(ErrorCode::unsupported, "this kernel has no pressure stall information: " + text.error().message);
    return parse_memory_pressure(*text);
}

}  // namespace aerostat::procfs
