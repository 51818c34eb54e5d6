#include "host-controller/app/config_tables.h"

namespace aerostat::host::app {
namespace {

constexpr Bytes kLeastMemory{64ULL << 20};
constexpr double kLeastWeight = 0.01;
constexpr double kMostWeight = 1000;

void read_positive(StrictTable& table, std::string_view key, Duration& into) {
    const auto value = table.duration(key);
    if (value && *value <= Duration::zero()) table.add_problem(key, std::string(key) + " must be more than zero");
    take(value, into);
}

}  // namespace

void read_budget(StrictTable& table, HostRules& rules) {
    const auto memory = table.bytes("memory");
    rules.memory = memory.value_or(Bytes());
    rules.emergency_reserve = table.bytes("emergency_reserve").value_or(Bytes(256ULL << 20));
    if (!memory)
        table.add_problem("memory", "memory is required: the budget for all guests, for example \"8GiB\"");
    else if (*memory < kLeastMemory)
        table.add_problem("memory", "memory is below 64MiB");
    else if (rules.emergency_reserve >= *memory)
        table.add_problem("emergency_reserve", "emergency_reserve leaves nothing of memory");
}

void read_pacing(StrictTable& table, Pacing& pacing) {
    take(table.bytes("smallest_move"), pacing.smallest_move);
    take(table.number("smallest_share", 0, 0.5), pacing.smallest_share);
    const auto step = table.bytes("largest_step");
    if (step && *step < Bytes(1ULL << 20)) table.add_problem("largest_step", "largest_step must be at least 1MiB");
    take(step, pacing.largest_step);
    take(table.number("cost_of_moving", 0, 1000), pacing.cost_of_moving);
    read_positive(table, "payback", pacing.payback);
    take(table.number("least_advantage", 1, 100), pacing.least_advantage);
    read_positive(table, "order_deadline", pacing.order_deadline);
    read_positive(table, "set_aside_after", pacing.set_aside_after);
    read_positive(table, "flag_after", pacing.flag_after);
    read_positive(table, "retry_after", pacing.retry_after);
    read_positive(table, "urgency_lasts", pacing.urgency_lasts);
}

GuestLimits read_limits(StrictTable& table, const GuestLimits& defaults) {
    GuestLimits limits = defaults;
    if (const auto min = table.bytes("min")) limits.min = min;
    if (const auto max = table.bytes("max")) limits.max = max;
    take(table.number("weight", kLeastWeight, kMostWeight), limits.weight);
    if (limits.min && limits.max && *limits.min > *limits.max) {
        table.add_problem("min", "min (" + exact_bytes(*limits.min) + ") is above max (" + exact_bytes(*limits.max) + ")");
    }
    return limits;
}

}  // namespace aerostat::host::app
