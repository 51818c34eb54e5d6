#pragma once

#include <aerostat/memory_condition.h>

#include "contract/condition_page.h"

namespace aerostat::client {

/// What a page says at this time, in the words of the C interface. nullptr, another kind of page, noise: no daemon. Total:
/// whatever 4,096 bytes are there, all values are within what the header promises. No system call.
void describe_page(const ConditionPage* page, std::uint64_t now_ns, aerostat_memory_condition& into) noexcept;

/// Copies as much as the caller's structure holds. False: its struct_size cannot be.
[[nodiscard]] bool hand_over(const aerostat_memory_condition& from, aerostat_memory_condition* into) noexcept;

}  // namespace aerostat::client
