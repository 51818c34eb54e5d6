#pragma once

#include <optional>
#include <utility>

#include "daemon/strict_toml.h"
#include "host-controller/decide/rules.h"

// Tables that a configuration and a simulator's scenario have in common.
namespace aerostat::host::app {

using daemon::StrictTable;

/// Absent: what is there stays.
template <class T>
void take(std::optional<T> value, T& into) {
    if (value) into = *std::move(value);
}

/// finish() hands each table's problems on to the root, whose finish() is the last and tells all.
inline void close(StrictTable& table) { static_cast<void>(table.finish()); }

/// memory and emergency_reserve.
void read_budget(StrictTable& table, HostRules& rules);
/// [policy]
void read_pacing(StrictTable& table, Pacing& pacing);
/// min, max and weight; what is not said is as in `defaults`.
[[nodiscard]] GuestLimits read_limits(StrictTable& table, const GuestLimits& defaults);

}  // namespace aerostat::host::app
