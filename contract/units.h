#pragma once

#include <compare>
#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "contract/error.h"

namespace aerostat {

/// A signed difference of two amounts of memory, in bytes.
class ByteDelta {
public:
    constexpr ByteDelta() = default;
    constexpr explicit ByteDelta(std::int64_t bytes) : bytes_(bytes) {}
    [[nodiscard]] constexpr std::int64_t count() const { return bytes_; }
    constexpr auto operator<=>(const ByteDelta&) const = default;

private:
    std::int64_t bytes_ = 0;
};

/// An amount of memory, in bytes. Never negative; at most 2^63 - 1, so that a difference always fits a ByteDelta.
/// Addition saturates at that limit: a sum of hostile claims stays a large number instead of becoming a small one.
class Bytes {
public:
    static constexpr std::uint64_t kLimit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

    constexpr Bytes() = default;
    constexpr explicit Bytes(std::uint64_t bytes) : bytes_(bytes < kLimit ? bytes : kLimit) {}

    [[nodiscard]] constexpr std::uint64_t count() const { return bytes_; }
    [[nodiscard]] constexpr bool is_zero() const { return bytes_ == 0; }
    /// The amount as a floating-point number of bytes, for prices and ratios.
    [[nodiscard]] constexpr double as_double() const { return static_cast<double>(bytes_); }

    constexpr auto operator<=>(const Bytes&) const = default;

    constexpr Bytes& operator+=(Bytes other) { return *this = *this + other; }
    friend constexpr Bytes operator+(Bytes a, Bytes b) { return Bytes(a.bytes_ + b.bytes_); }  // both <= 2^63-1: no wrap
    friend constexpr Bytes operator*(Bytes a, std::uint64_t factor) {
        if (factor != 0 && a.bytes_ > kLimit / factor) return Bytes(kLimit);
        return Bytes(a.bytes_ * factor);
    }
    friend constexpr Bytes operator/(Bytes a, std::uint64_t divisor) { return Bytes(a.bytes_ / divisor); }

private:
    std::uint64_t bytes_ = 0;
};

/// a - b, or zero where b is larger.
constexpr Bytes saturating_sub(Bytes a, Bytes b) { return a > b ? Bytes(a.count() - b.count()) : Bytes(); }

/// a - b as a signed difference.
constexpr ByteDelta difference(Bytes a, Bytes b) {
    return ByteDelta(static_cast<std::int64_t>(a.count()) - static_cast<std::int64_t>(b.count()));
}

/// The given share of an amount, rounded down. A share below 0 (or NaN) gives zero; the result saturates.
constexpr Bytes share_of(Bytes amount, double share) {
    if (!(share > 0)) return Bytes();
    const double product = amount.as_double() * share;
    if (product >= static_cast<double>(Bytes::kLimit)) return Bytes(Bytes::kLimit);
    return Bytes(static_cast<std::uint64_t>(product));
}

constexpr Bytes round_down(Bytes amount, Bytes unit) {
    return unit.is_zero() ? amount : Bytes(amount.count() / unit.count() * unit.count());
}
constexpr Bytes round_up(Bytes amount, Bytes unit) {
    return unit.is_zero() ? amount : round_down(amount + saturating_sub(unit, Bytes(1)), unit);
}

namespace literals {
constexpr Bytes operator""_B(unsigned long long n) { return Bytes(n); }
constexpr Bytes operator""_KiB(unsigned long long n) { return Bytes(1024) * n; }
constexpr Bytes operator""_MiB(unsigned long long n) { return Bytes(1024 * 1024) * n; }
constexpr Bytes operator""_GiB(unsigned long long n) { return Bytes(1024ULL * 1024 * 1024) * n; }
}  // namespace literals

/// "512MiB", "2GiB", "1.5GiB", "4096B", "64KiB", "1TiB"; no blank inside.
/// Fails: `bad_value` for a bare number, another unit (also the ambiguous "MB" and "M"), a sign, an overflow or other text.
[[nodiscard]] Result<Bytes> parse_bytes(std::string_view text);

/// For people: "512 MiB", "1.50 GiB", "0 B". One rounding, binary units.
[[nodiscard]] std::string format_bytes(Bytes amount);
/// As format_bytes, with a leading "+" or "-" (zero: "0 B").
[[nodiscard]] std::string format_delta(ByteDelta amount);

/// The exact value with the largest unit that divides it, as parse_bytes reads it back: "512MiB", "1537KiB".
[[nodiscard]] std::string exact_bytes(Bytes amount);

}  // namespace aerostat
