#pragma once

#include <optional>
#include <string>

#include "contract/control.h"

// Figures as people read them, the same in every table. An unknown figure is a dash, never a zero.
namespace aerostat::cli {

[[nodiscard]] std::string show(Bytes amount);
[[nodiscard]] std::string show(const std::optional<Bytes>& amount);
/// The order in force: the superior's view of it, else what the agent says.
[[nodiscard]] std::optional<Bytes> target_of(const JvmView& jvm);
/// A share of one CPU: "3.1 %".
[[nodiscard]] std::string show_cpu(double seconds_per_second);
/// CPU milliseconds lost per second, for each GiB: "1.25 ms/s", or "0" where more memory would save nothing.
[[nodiscard]] std::string show_price(double price);
[[nodiscard]] std::string show_price(const std::optional<double>& price);
[[nodiscard]] std::string show_millis(const std::optional<Millis>& time);
[[nodiscard]] std::string show_count(const std::optional<std::uint64_t>& count);

/// Live data, the rest of the resident heap and the target between zero and the ceiling: "[####==...|....]".
[[nodiscard]] std::string show_bar(const JvmView& jvm, std::size_t width);

}  // namespace aerostat::cli
