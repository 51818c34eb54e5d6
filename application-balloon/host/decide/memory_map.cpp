#include "application-balloon/host/decide/memory_map.h"

#include <algorithm>
#include <charconv>

namespace aerostat::balloon::host {
namespace {

constexpr std::size_t kLongestText = 4UL * 1024 * 1024;
constexpr std::size_t kMostRanges = 256;
constexpr std::uint64_t kPieceBytes = kPiece.count();
constexpr std::uint64_t kEndOfMemory = kEndOfFrames * kPieceBytes;

std::string_view take_line(std::string_view& text) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    return line;
}

bool take_hex(std::string_view& text, std::uint64_t& value) {
    const auto end = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (end.ec != std::errc() || end.ptr == text.data()) return false;
    text.remove_prefix(static_cast<std::size_t>(end.ptr - text.data()));
    return true;
}

// "  0000000100000000-000000013fffffff (prio 0, ram): pc.ram @0000000080000000": the last byte is named. What is rom, i/o,
// or ram that is read only ("romd", "nv-ram" …) is no RAM to be taken.
std::optional<RamRange> ram_in(std::string_view line) {
    if (line.find(", ram):") == std::string_view::npos) return std::nullopt;
    line.remove_prefix(std::min(line.size(), line.find_first_not_of(" \t")));
    std::uint64_t begin = 0;
    std::uint64_t last = 0;
    if (!take_hex(line, begin) || !line.starts_with('-')) return std::nullopt;
    line.remove_prefix(1);
    if (!take_hex(line, last) || last < begin || last >= kEndOfMemory) return std::nullopt;
    return RamRange{begin, last - begin + 1};
}

// From a "FlatView" line to the next: one view, which several address spaces may share.
std::string_view view_of_memory(std::string_view text) {
    constexpr std::string_view kBegin = "FlatView #";
    constexpr std::string_view kSpace = " AS \"memory\",";
    while (true) {
        const std::size_t begin = text.find(kBegin);
        if (begin == std::string_view::npos) return {};
        text.remove_prefix(begin + kBegin.size());
        const std::string_view view = text.substr(0, text.find(kBegin));
        if (view.find(kSpace) != std::string_view::npos) return view;
    }
}

}  // namespace

Result<std::vector<RamRange>> parse_flat_view(std::string_view text) {
    if (text.size() > kLongestText) return fail(ErrorCode::bad_value, "QEMU's memory map is too long to be one");
    std::string_view view = view_of_memory(text);
    std::vector<RamRange> ranges;
    std::uint64_t end = 0;
    while (!view.empty()) {
        const auto range = ram_in(take_line(view));
        if (!range) continue;
        if (range->begin < end) return fail(ErrorCode::bad_value, "parts of QEMU's memory map overlap");
        end = range->begin + range->size;
        if (range->size >= kPieceBytes) ranges.push_back(*range);
        if (ranges.size() > kMostRanges) return fail(ErrorCode::bad_value, "QEMU's memory map has too many parts");
    }
    if (ranges.empty()) return fail(ErrorCode::bad_value, "QEMU's memory map shows no RAM");
    return ranges;
}

Result<std::uint64_t> parse_host_address(std::string_view text) {
    // "Host virtual address for 0x100000 (pc.ram) is 0x7f3c5fe00000"
    constexpr std::string_view kIs = " is 0x";
    const std::size_t at = text.rfind(kIs);
    std::uint64_t address = 0;
    if (text.starts_with("Host virtual address for ") && at != std::string_view::npos) {
        text.remove_prefix(at + kIs.size());
        if (take_hex(text, address) && text.find_first_not_of("\r\n ") == std::string_view::npos && address != 0)
            return address;
    }
    return fail(ErrorCode::bad_value, "QEMU does not tell where it has the guest's memory");
}

Result<FilePart> part_behind(const RamRange& range, std::uint64_t first, std::uint64_t last,
                             const std::vector<HostMapping>& mappings) {
    if (range.size == 0 || last < first || last - first != range.size - 1)
        return fail(ErrorCode::bad_value, "QEMU does not have this part of the guest's RAM in one piece");
    const auto mapping = std::find_if(mappings.begin(), mappings.end(), [first, last](const HostMapping& one) {
        return first >= one.begin && last < one.end;
    });
    if (mapping == mappings.end()) return fail(ErrorCode::bad_value, "QEMU has no memory where it says that it has it");
    if (!mapping->is_shared_memfd)
        return fail(ErrorCode::unsupported,
                    "the guest's RAM is not shared memory of a memfd (<source type='memfd'/> and "
                    "<access mode='shared'/> in its <memoryBacking>)");
    return FilePart{range, mapping->inode, mapping->offset + (first - mapping->begin)};
}

std::optional<Place> place_of(Frame frame, const std::vector<FilePart>& parts) {
    const std::uint64_t begin = frame.number * kPieceBytes;
    for (const FilePart& part : parts) {
        const bool inside = begin >= part.guest.begin && part.guest.size >= kPieceBytes &&
                            begin - part.guest.begin <= part.guest.size - kPieceBytes;
        if (!inside) continue;
        const std::uint64_t offset = part.offset + (begin - part.guest.begin);
        if (offset % kPieceBytes != 0) return std::nullopt;
        return Place{part.inode, offset};
    }
    return std::nullopt;
}

}  // namespace aerostat::balloon::host
