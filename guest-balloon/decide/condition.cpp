#include "guest-balloon/decide/condition.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace aerostat::guest {
namespace {

using namespace literals;

constexpr Duration kCalm = std::chrono::seconds(5);
constexpr Duration kAverageOver = std::chrono::seconds(10);
constexpr double kLeavingRoom = 1.25;  // more room than entering a level took,
constexpr double kLeavingStall = 0.5;  // and half the stalls, to leave it

/// What belongs to each level above ample.
struct Threshold {
    ConditionLevel level;
    double room_share;  ///< of the guest's memory; less available than this
    Bytes room_least;   ///< in a small guest this much, but at most `room_most_share` of it
    double room_most_share;
    double psi_some;
    double psi_full;
    double release_share;  ///< asked for at least, of the guest's memory, whatever has raised the level
    Duration within;
};
constexpr std::array<Threshold, 3> kThresholds{{
    {ConditionLevel::critical, 0.02, 32_MiB, 1.0 / 16, 20, 10, 0.05, std::chrono::seconds(2)},
    {ConditionLevel::tight, 0.05, 64_MiB, 1.0 / 8, 5, 2, 0.02, std::chrono::seconds(10)},
    {ConditionLevel::advisory, 0.10, 128_MiB, 1.0 / 4, 1, 1, 0.01, std::chrono::seconds(60)},
}};

Bytes room_of(const Threshold& threshold, Bytes total) {
    const Bytes most = share_of(total, threshold.room_most_share);
    return std::max(share_of(total, threshold.room_share), std::min(threshold.room_least, most));
}

const Threshold& threshold_of(ConditionLevel level) {
    for (const Threshold& threshold : kThresholds) {
        if (threshold.level == level) return threshold;
    }
    return kThresholds.back();
}

// A host in trouble asks for help before anybody here is in trouble: one level less.
ConditionLevel level_from_host(const HostWord& host) {
    if (host.level == ConditionLevel::critical) return ConditionLevel::tight;
    if (host.level == ConditionLevel::tight) return ConditionLevel::advisory;
    return ConditionLevel::ample;
}

// What is left when the host has taken what it wants.
std::optional<Bytes> room_left(const ConditionFacts& facts) {
    if (!facts.available) return std::nullopt;
    return saturating_sub(*facts.available, facts.about_to_be_taken);
}

ConditionLevel level_now(const ConditionFacts& facts, std::optional<Bytes> room, bool leaving) {
    const double ease = leaving ? kLeavingRoom : 1;
    const double strain = leaving ? kLeavingStall : 1;
    ConditionLevel least =
        std::max(level_from_host(facts.host), facts.in_distress ? ConditionLevel::tight : ConditionLevel::ample);
    for (const Threshold& threshold : kThresholds) {
        const bool is_short = room && facts.total && *room < share_of(room_of(threshold, *facts.total), ease);
        const bool stalls = facts.psi_some_avg10.value_or(0) >= threshold.psi_some * strain ||
                            facts.psi_full_avg10.value_or(0) >= threshold.psi_full * strain;
        if (is_short || stalls) return std::max(least, threshold.level);
    }
    return least;
}

void follow_level(const ConditionFacts& facts, std::optional<Bytes> room, ConditionMemory& memory, TimePoint now) {
    const ConditionLevel entering = level_now(facts, room, false);
    const ConditionLevel leaving = level_now(facts, room, true);
    if (entering > memory.level) {
        memory.level = entering;
        memory.deadline.reset();
        memory.calm_since.reset();
    } else if (leaving >= memory.level) {
        memory.calm_since.reset();
    } else if (!memory.calm_since) {
        memory.calm_since = now;
    } else if (now - *memory.calm_since >= kCalm) {
        memory.level = leaving;
        memory.deadline.reset();
        memory.calm_since.reset();
    }
}

// The difference to a moving average, against half a percent of the guest; half of that to be steady again.
void follow_trend(Bytes available, Bytes total, ConditionMemory& memory, TimePoint now) {
    const double value = available.as_double();
    if (!memory.average) {
        memory.average = value;
        memory.averaged_at = now;
    }
    const double ahead = value - *memory.average;
    const double noticeable = std::max(total.as_double() / 200, (4_MiB).as_double());
    if (ahead > noticeable)
        memory.trend = ConditionTrend::rising;
    else if (ahead < -noticeable)
        memory.trend = ConditionTrend::falling;
    else if (std::fabs(ahead) < noticeable / 2)
        memory.trend = ConditionTrend::steady;
    const double passed = to_seconds(std::max(Duration{}, now - memory.averaged_at));
    *memory.average += ahead * (1 - std::exp(-passed / to_seconds(kAverageOver)));
    memory.averaged_at = now;
}

// Enough to leave all levels behind; and at least the level's own share, where stalls or the host have raised it.
Bytes suggested(const ConditionFacts& facts, std::optional<Bytes> room, ConditionLevel level) {
    if (level == ConditionLevel::ample || !facts.total) return Bytes();
    const Bytes comfortable = share_of(room_of(threshold_of(ConditionLevel::advisory), *facts.total), kLeavingRoom);
    const Bytes missing = room ? saturating_sub(comfortable, *room) : Bytes();
    const Bytes least = share_of(*facts.total, threshold_of(level).release_share);
    return round_up(std::max(missing, least), 1_MiB);
}

std::uint64_t page_bytes(const std::optional<Bytes>& bytes) { return bytes ? bytes->count() : kConditionUnknown; }

double page_figure(const std::optional<double>& figure) {
    return figure && std::isfinite(*figure) && *figure >= 0 ? *figure : kConditionFigureUnknown;
}

std::uint64_t page_time(TimePoint time) {
    return static_cast<std::uint64_t>(std::max(Duration{}, time.time_since_epoch()).count());
}

bool moved(std::uint64_t before, std::uint64_t after, std::uint64_t total) {
    constexpr std::uint64_t kLeast = 4ULL << 20U;
    if (before == after) return false;
    if (before == kConditionUnknown || after == kConditionUnknown) return true;
    const std::uint64_t by = before > after ? before - after : after - before;
    const std::uint64_t share = total == kConditionUnknown ? 0 : total / 100;
    return by >= std::max(kLeast, share);
}

}  // namespace

std::optional<Bytes> takeable(const ConditionFacts& facts) {
    const auto room = room_left(facts);
    return room ? std::optional(saturating_sub(*room, facts.cache_in_use.value_or(Bytes()))) : std::nullopt;
}

Condition decide_condition(const ConditionFacts& facts, ConditionMemory& memory, TimePoint now) {
    Condition condition;
    condition.facts = facts;
    condition.available = takeable(facts);
    const auto room = room_left(facts);
    follow_level(facts, room, memory, now);
    condition.level = memory.level;
    if (condition.available) follow_trend(*condition.available, facts.total.value_or(Bytes()), memory, now);
    condition.trend = memory.trend;
    condition.suggested_release = suggested(facts, room, memory.level);
    // A deadline stands until it has passed: whoever looks twice sees the same one.
    if (condition.suggested_release.is_zero())
        memory.deadline.reset();
    else if (!memory.deadline || *memory.deadline <= now)
        memory.deadline = now + threshold_of(memory.level).within;
    condition.deadline = memory.deadline;
    return condition;
}

ConditionState condition_record(const Condition& condition, std::uint64_t session, Duration stale_after, TimePoint now) {
    const ConditionFacts& facts = condition.facts;
    ConditionState record{};
    record.session = session;
    record.updated_ns = page_time(now);
    record.stale_after_ns = static_cast<std::uint64_t>(stale_after.count());
    record.level = static_cast<std::uint32_t>(condition.level);
    record.trend = static_cast<std::uint32_t>(condition.trend);
    record.validity = static_cast<std::uint32_t>(facts.has_host ? ConditionValidity::valid : ConditionValidity::no_host);
    const bool tells_level = facts.has_host && facts.host.level;
    const bool tells_price = tells_level && facts.host.price;
    record.host_level = tells_level ? static_cast<std::uint32_t>(*facts.host.level) : kConditionLevelUnknown;
    record.host_shares = static_cast<std::uint32_t>(tells_price   ? ConditionShare::full
                                                    : tells_level ? ConditionShare::level
                                                                  : ConditionShare::none);
    record.available_bytes = page_bytes(condition.available);
    record.suggested_release_bytes = condition.suggested_release.count();
    record.deadline_ns = condition.deadline ? page_time(*condition.deadline) : kConditionNoDeadline;
    record.java_ballooned_bytes = page_bytes(facts.java_ballooned);
    record.guest_ballooned_bytes = page_bytes(facts.guest_ballooned);
    record.guest_target_bytes = page_bytes(facts.guest_target);
    record.guest_total_bytes = page_bytes(facts.total);
    record.host_price = tells_price ? page_figure(facts.host.price) : kConditionFigureUnknown;
    record.psi_some_avg10 = page_figure(facts.psi_some_avg10);
    record.psi_full_avg10 = page_figure(facts.psi_full_avg10);
    return record;
}

ConditionNews condition_news(const ConditionState& before, const ConditionState& after) {
    if (before.level != after.level || before.validity != after.validity || before.session != after.session)
        return ConditionNews::level;
    const std::uint64_t total = after.guest_total_bytes;
    const bool figures = before.trend != after.trend || before.host_level != after.host_level ||
                         before.host_shares != after.host_shares ||
                         moved(before.available_bytes, after.available_bytes, total) ||
                         moved(before.suggested_release_bytes, after.suggested_release_bytes, total) ||
                         moved(before.guest_target_bytes, after.guest_target_bytes, total) ||
                         moved(before.guest_ballooned_bytes, after.guest_ballooned_bytes, total) ||
                         moved(before.java_ballooned_bytes, after.java_ballooned_bytes, total) ||
                         moved(before.guest_total_bytes, after.guest_total_bytes, total) ||
                         std::fabs(before.host_price - after.host_price) > 0.1 * std::fabs(before.host_price);
    return figures ? ConditionNews::figures : ConditionNews::nothing;
}

}  // namespace aerostat::guest
