// QEMU's memory map, its answers, and a domain's description: any text gives parts within a processor's reach, or an error.
#include <string>
#include <string_view>

#include "application-balloon/host/decide/memory_map.h"
#include "application-balloon/host/virt/domain.h"
#include "tests/fuzz/check.h"

using namespace aerostat::balloon;
using namespace aerostat::balloon::host;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    static_cast<void>(sight_in(std::string(text)));
    if (const auto address = parse_host_address(text)) FUZZ_CHECK(*address != 0);
    const auto ranges = parse_flat_view(text);
    if (!ranges) return 0;
    const std::vector<HostMapping> mappings{{0x100000, ~std::uint64_t{0}, 1, 0, true}};
    std::vector<FilePart> parts;
    std::uint64_t end = 0;
    for (const RamRange& range : *ranges) {
        FUZZ_CHECK(range.begin >= end && range.size >= kPiece.count());
        end = range.begin + range.size;
        FUZZ_CHECK(end <= kEndOfFrames * kPiece.count());
        if (const auto part = part_behind(range, 0x100000 + range.begin, 0x100000 + end - 1, mappings))
            parts.push_back(*part);
    }
    for (std::uint32_t frame = 0; frame < 64; ++frame) {
        const auto place = place_of({frame}, parts);
        FUZZ_CHECK(!place || place->offset == frame * kPiece.count());
    }
    return 0;
}
