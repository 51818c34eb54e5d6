#include "guest-balloon/client/state_view.h"

#include <bit>
#include <cstddef>
#include <cstring>

#include "contract/condition_access.h"

namespace aerostat::client {
namespace {

constexpr aerostat_memory_condition kNothing = AEROSTAT_MEMORY_CONDITION_INIT;

// A level that is not known yet is more, not less, than those that are.
std::int32_t level_of(std::uint32_t level) {
    if (level == kConditionLevelUnknown) return AEROSTAT_LEVEL_UNKNOWN;
    return level <= AEROSTAT_LEVEL_CRITICAL ? static_cast<std::int32_t>(level) : AEROSTAT_LEVEL_CRITICAL;
}

std::int32_t trend_of(std::uint32_t trend) {
    return trend <= AEROSTAT_TREND_FALLING ? static_cast<std::int32_t>(trend) : AEROSTAT_TREND_UNKNOWN;
}

std::int32_t shares_of(std::uint32_t shares) {
    return shares <= AEROSTAT_HOST_SHARES_ALL ? static_cast<std::int32_t>(shares) : AEROSTAT_HOST_SHARES_NOTHING;
}

double figure_of(std::uint64_t bits) {
    const auto figure = std::bit_cast<double>(bits);
    return figure >= 0 && figure <= 1e300 ? figure : kConditionFigureUnknown;
}

std::int32_t validity_of(std::uint32_t validity, bool stale) {
    if (validity == static_cast<std::uint32_t>(ConditionValidity::no_daemon)) return AEROSTAT_NO_DAEMON;
    if (stale) return AEROSTAT_STALE;
    return validity == static_cast<std::uint32_t>(ConditionValidity::valid) ? AEROSTAT_VALID : AEROSTAT_NO_HOST;
}

// Word by word and not by way of the struct: values that were stored by words of eight bytes and are loaded by wider ones
// wait for the store to drain, which would cost more than all the rest.
constexpr std::size_t word_at(std::size_t offset) { return offset / sizeof(std::uint64_t); }
#define AEROSTAT_WORD(field) words[word_at(offsetof(ConditionState, field))]

std::uint32_t low(std::uint64_t word) { return static_cast<std::uint32_t>(word); }
std::uint32_t high(std::uint64_t word) { return static_cast<std::uint32_t>(word >> 32U); }

void describe_words(const ConditionWords& words, std::uint64_t now_ns, aerostat_memory_condition& into) noexcept {
    const std::uint64_t updated = AEROSTAT_WORD(updated_ns);
    const std::uint64_t deadline = AEROSTAT_WORD(deadline_ns);
    const std::uint64_t validity_and_host = AEROSTAT_WORD(validity);
    into.level = level_of(low(AEROSTAT_WORD(level)));
    into.trend = trend_of(high(AEROSTAT_WORD(level)));
    into.session = AEROSTAT_WORD(session);
    into.updates = AEROSTAT_WORD(updates);
    into.age_ns = now_ns > updated ? now_ns - updated : 0;
    into.available_bytes = AEROSTAT_WORD(available_bytes);
    into.suggested_release_bytes = AEROSTAT_WORD(suggested_release_bytes);
    into.release_within_ns = deadline == kConditionNoDeadline ? AEROSTAT_UNKNOWN : deadline > now_ns ? deadline - now_ns : 0;
    into.java_ballooned_bytes = AEROSTAT_WORD(java_ballooned_bytes);
    into.guest_ballooned_bytes = AEROSTAT_WORD(guest_ballooned_bytes);
    into.guest_target_bytes = AEROSTAT_WORD(guest_target_bytes);
    into.guest_total_bytes = AEROSTAT_WORD(guest_total_bytes);
    into.host_level = level_of(high(validity_and_host));
    into.host_shares = shares_of(low(AEROSTAT_WORD(host_shares)));
    into.host_price = figure_of(AEROSTAT_WORD(host_price));
    into.psi_some_avg10 = figure_of(AEROSTAT_WORD(psi_some_avg10));
    into.psi_full_avg10 = figure_of(AEROSTAT_WORD(psi_full_avg10));
}

}  // namespace

void describe_page(const ConditionPage* page, std::uint64_t now_ns, aerostat_memory_condition& into) noexcept {
    std::uint32_t level_changes = 0;
    std::uint32_t changes = 0;
    if (page) {
        // Before the state: who waits for them to change must not miss a change behind what was read.
        level_changes = __atomic_load_n(&page->level_changes, __ATOMIC_ACQUIRE);
        changes = __atomic_load_n(&page->changes, __ATOMIC_ACQUIRE);
        ConditionWords words;
        if (read_condition_words(*page, words)) {
            const bool stale = is_stale(AEROSTAT_WORD(updated_ns), AEROSTAT_WORD(stale_after_ns), now_ns);
            into.validity = validity_of(low(AEROSTAT_WORD(validity)), stale);
            if (into.validity != AEROSTAT_NO_DAEMON) {
                into.struct_size = sizeof into;
                into.level_changes = level_changes;
                into.changes = changes;
                return describe_words(words, now_ns, into);
            }
        }
    }
    into = kNothing;
    into.level_changes = level_changes;
    into.changes = changes;
}

bool hand_over(const aerostat_memory_condition& from, aerostat_memory_condition* into) noexcept {
    constexpr std::uint32_t kLeast = offsetof(aerostat_memory_condition, session);
    const std::uint32_t size = into->struct_size;
    if (size < kLeast || size > 4096) return false;
    std::memcpy(into, &from, size < sizeof from ? size : sizeof from);
    into->struct_size = size;
    return true;
}

}  // namespace aerostat::client
