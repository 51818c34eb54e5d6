#include "procfs/vmstat.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "procfs/file_text.h"

namespace aerostat::procfs {
namespace {

// "KEY VALUE". The value is bounded, so that sums and differences stay within 64 bits.
bool read_counter(std::string_view line, std::string_view key, std::optional<std::uint64_t>& into) {
    if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ' ') return false;
    line.remove_prefix(key.size() + 1);
    std::uint64_t value = 0;
    const auto parsed = std::from_chars(line.data(), line.data() + line.size(), value);
    if (parsed.ec != std::errc() || value > (1ULL << 60U)) return false;
    into = into.value_or(0) + value;
    return true;
}

}  // namespace

Result<VmStat> parse_vmstat(std::string_view text) {
    VmStat stat;
    std::optional<std::uint64_t> held;
    std::optional<std::uint64_t> inflated;
    std::optional<std::uint64_t> deflated;
    std::optional<std::uint64_t> read_in_kib;
    bool any = false;
    std::string_view line;
    while (next_line(text, line)) {
        any = read_counter(line, "workingset_refault_file", stat.refaults_file) ||
              read_counter(line, "workingset_refault_anon", stat.refaults_anon) ||
              read_counter(line, "workingset_refault", stat.refaults_file) ||  // before 5.9: not told apart
              read_counter(line, "pswpin", stat.swapped_in) || read_counter(line, "pswpout", stat.swapped_out) ||
              read_counter(line, "pgmajfault", stat.major_faults) || read_counter(line, "pgpgin", read_in_kib) ||
              read_counter(line, "pgsteal_kswapd", stat.stolen) || read_counter(line, "pgsteal_direct", stat.stolen) ||
              read_counter(line, "nr_balloon_pages", held) || read_counter(line, "balloon_inflate", inflated) ||
              read_counter(line, "balloon_deflate", deflated) || any;
    }
    if (!any) return fail(ErrorCode::bad_value, "/proc/vmstat counts nothing we know");
    if (!held && inflated && deflated) held = *inflated - std::min(*inflated, *deflated);
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    if (held) stat.balloon = Bytes(page) * *held;
    if (read_in_kib) stat.read_in = *read_in_kib * 1024 / page;
    return stat;
}

Result<VmStat> read_vmstat(const std::string& root) {
    auto text = read_text(root + "/proc/vmstat");
    if (!text) return tl::unexpected(text.error());
    return parse_vmstat(*text);
}

bool has_virtio_balloon(const std::string& root) {
    constexpr std::string_view kBalloon = "0x0005";
    const std::string path = root + "/sys/bus/virtio/devices";
    const auto close = [](DIR* directory) { ::closedir(directory); };
    const std::unique_ptr<DIR, decltype(close)> directory(::opendir(path.c_str()), close);
    if (!directory) return false;
    while (const dirent* entry = ::readdir(directory.get())) {
        if (entry->d_name[0] == '.') continue;
        const auto device = read_text(path + "/" + entry->d_name + "/device");
        if (device && device->starts_with(kBalloon)) return true;
    }
    return false;
}

}  // namespace aerostat::procfs
