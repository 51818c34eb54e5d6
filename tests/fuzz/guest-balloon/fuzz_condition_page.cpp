// Any 4,096 bytes as the memory-condition page: what the C library makes of them is within what its header promises.
#include <cstdint>
#include <cstring>

#include "guest-balloon/client/state_view.h"
#include "tests/fuzz/check.h"

using namespace aerostat;

namespace {

bool is_figure(double figure) { return figure == -1 || (figure >= 0 && figure <= 1e300); }

void check(const aerostat_memory_condition& seen) {
    FUZZ_CHECK(seen.struct_size == sizeof seen);
    FUZZ_CHECK(seen.validity >= AEROSTAT_VALID && seen.validity <= AEROSTAT_NO_HOST);
    FUZZ_CHECK(seen.level >= AEROSTAT_LEVEL_UNKNOWN && seen.level <= AEROSTAT_LEVEL_CRITICAL);
    FUZZ_CHECK(seen.host_level >= AEROSTAT_LEVEL_UNKNOWN && seen.host_level <= AEROSTAT_LEVEL_CRITICAL);
    FUZZ_CHECK(seen.trend >= AEROSTAT_TREND_UNKNOWN && seen.trend <= AEROSTAT_TREND_FALLING);
    FUZZ_CHECK(seen.host_shares >= AEROSTAT_HOST_SHARES_NOTHING && seen.host_shares <= AEROSTAT_HOST_SHARES_ALL);
    FUZZ_CHECK(is_figure(seen.host_price) && is_figure(seen.psi_some_avg10) && is_figure(seen.psi_full_avg10));
    if (seen.validity != AEROSTAT_NO_DAEMON) return;
    FUZZ_CHECK(seen.level == AEROSTAT_LEVEL_UNKNOWN && seen.available_bytes == AEROSTAT_UNKNOWN && seen.session == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // The clock, which slot, then the page as far as it goes; a good header in front in every second run.
    ConditionPage page{};
    std::uint64_t now = 0;
    if (size < sizeof now + 1) return 0;
    std::memcpy(&now, data, sizeof now);
    const bool good_header = (data[sizeof now] & 1U) != 0;
    data += sizeof now + 1;
    size -= sizeof now + 1;
    const std::size_t skip = good_header ? 16 : 0;
    std::memcpy(reinterpret_cast<std::uint8_t*>(&page) + skip, data, size < sizeof page - skip ? size : sizeof page - skip);
    if (good_header) {
        page.magic = kConditionMagic;
        page.version = kConditionVersion;
        page.size = kConditionStateSize;
    }
    aerostat_memory_condition seen;
    client::describe_page(&page, now, seen);
    check(seen);
    // Callers of all ages: as much as their structure holds, and no byte more.
    alignas(8) std::uint8_t room[sizeof seen + 64];
    std::memset(room, 0xa5, sizeof room);
    auto* into = reinterpret_cast<aerostat_memory_condition*>(room);
    const auto wanted = static_cast<std::uint32_t>(now % (sizeof room + 8));
    std::memcpy(room, &wanted, sizeof wanted);
    if (wanted <= sizeof room && client::hand_over(seen, into)) {
        for (std::size_t i = wanted; i < sizeof room; ++i) FUZZ_CHECK(room[i] == 0xa5);
    }
    return 0;
}
