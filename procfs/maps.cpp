#include "procfs/maps.h"

#include <unistd.h>

#include <charconv>

#include "procfs/file_text.h"
#include "procfs/maps_line.h"

namespace aerostat::procfs {
namespace {

template <class T>
bool take_number(std::string_view& text, T& value, int base) {
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (parsed.ec != std::errc()) return false;
    text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
    return true;
}

bool take_char(std::string_view& text, char expected) {
    if (text.empty() || text.front() != expected) return false;
    text.remove_prefix(1);
    return true;
}

}  // namespace

bool parse_maps_line(std::string_view line, Mapping& mapping) {
    // "7f12-7f13 rw-p 00000000 00:00 0      [heap]"
    if (!take_number(line, mapping.range.begin, 16) || !take_char(line, '-')) return false;
    if (!take_number(line, mapping.range.end, 16) || !take_char(line, ' ')) return false;
    if (mapping.range.end <= mapping.range.begin || line.size() < 5) return false;
    mapping.readable = line[0] == 'r';
    mapping.writable = line[1] == 'w';
    mapping.executable = line[2] == 'x';
    mapping.shared = line[3] == 's';
    line.remove_prefix(4);
    unsigned major = 0;
    unsigned minor = 0;
    if (!take_char(line, ' ') || !take_number(line, mapping.offset, 16) || !take_char(line, ' ')) return false;
    if (!take_number(line, major, 16) || !take_char(line, ':') || !take_number(line, minor, 16)) return false;
    if (!take_char(line, ' ') || !take_number(line, mapping.inode, 10)) return false;
    while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
    mapping.path = line;
    return true;
}

Result<std::vector<Mapping>> parse_maps(std::string_view text) {
    std::vector<Mapping> mappings;
    std::string_view line;
    while (next_line(text, line)) {
        Mapping mapping;
        if (!parse_maps_line(line, mapping)) return fail(ErrorCode::bad_value, "not a line of a maps file");
        mappings.push_back(std::move(mapping));
    }
    return mappings;
}

Result<std::vector<Mapping>> read_maps(pid_t pid) {
    auto text = read_text("/proc/" + std::to_string(pid) + "/maps");
    if (!text) return tl::unexpected(text.error());
    return parse_maps(*text);
}

Result<std::vector<Mapping>> read_own_maps() { return read_maps(::getpid()); }

}  // namespace aerostat::procfs
