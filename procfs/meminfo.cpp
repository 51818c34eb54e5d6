#include "procfs/meminfo.h"

#include <charconv>

#include "procfs/file_text.h"

namespace aerostat::procfs {
namespace {

// The text behind "KEY=" of a PSI line; empty if it is not there.
std::string_view behind(std::string_view line, std::string_view key) {
    const std::size_t at = line.find(key);
    return at == std::string_view::npos ? std::string_view() : line.substr(at + key.size());
}

bool read_avg10(std::string_view line, double& value) {
    const std::string_view text = behind(line, "avg10=");
    return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc() && value >= 0 && value <= 100;
}

std::optional<Duration> read_total(std::string_view line) {
    const std::string_view text = behind(line, "total=");
    std::int64_t micros = 0;
    constexpr std::int64_t kMost = std::int64_t{1} << 52;  // a century and more; a Duration holds it
    const bool read = std::from_chars(text.data(), text.data() + text.size(), micros).ec == std::errc();
    if (!read || micros < 0 || micros > kMost) return std::nullopt;
    return std::chrono::microseconds(micros);
}

}  // namespace

Result<MemInfo> parse_meminfo(std::string_view text) {
    struct Wanted {
        std::string_view key;
        Bytes MemInfo::*field;
    };
    static constexpr Wanted kWanted[] = {
        {"MemTotal", &MemInfo::total},
        {"MemAvailable", &MemInfo::available},
        {"MemFree", &MemInfo::free},
        {"SwapTotal", &MemInfo::swap_total},
        {"SwapFree", &MemInfo::swap_free},
        {"Active(file)", &MemInfo::active_file},
        {"Inactive(file)", &MemInfo::inactive_file},
        {"Mapped", &MemInfo::mapped},
        {"AnonPages", &MemInfo::anonymous},
        {"HardwareCorrupted", &MemInfo::hardware_corrupted},
    };
    MemInfo info;
    bool has_total = false;
    bool has_available = false;
    std::string_view line;
    while (next_line(text, line)) {
        for (const Wanted& wanted : kWanted) {
            std::uint64_t bytes = 0;
            if (!read_kib_field(line, wanted.key, bytes)) continue;
            info.*wanted.field = Bytes(bytes);
            has_total = has_total || wanted.field == &MemInfo::total;
            has_available = has_available || wanted.field == &MemInfo::available;
            break;
        }
    }
    if (!has_total || !has_available)
        return fail(ErrorCode::bad_value, "MemTotal or MemAvailable is missing from /proc/meminfo");
    return info;
}

Result<MemInfo> read_meminfo(const std::string& root) {
    auto text = read_text(root + "/proc/meminfo");
    if (!text) return tl::unexpected(text.error());
    return parse_meminfo(*text);
}

Result<MemoryPressure> parse_memory_pressure(std::string_view text) {
    MemoryPressure pressure;
    bool has_some = false;
    std::string_view line;
    while (next_line(text, line)) {
        if (line.starts_with("some ")) {
            has_some = read_avg10(line, pressure.some_avg10);
            pressure.some_total = read_total(line);
        } else if (line.starts_with("full ")) {
            if (!read_avg10(line, pressure.full_avg10)) pressure.full_avg10 = 0;
            pressure.full_total = read_total(line);
        }
    }
    if (!has_some) return fail(ErrorCode::bad_value, "not a pressure file");
    return pressure;
}

Result<MemoryPressure> read_memory_pressure_file(const std::string& path) {
    auto text = read_text(path);
    if (!text) return tl::unexpected(text.error());
    return parse_memory_pressure(*text);
}

Result<MemoryPressure> read_memory_pressure(const std::string& root) {
    auto pressure = read_memory_pressure_file(root + "/proc/pressure/memory");
    if (pressure || pressure.error().code == ErrorCode::bad_value) return pressure;
    return fail(ErrorCode::unsupported,
                "this kernel has no pressure stall information (boot it with psi=1): " + pressure.error().message);
}

}  // namespace aerostat::procfs
