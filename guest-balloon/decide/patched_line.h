#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "contract/messages.h"

namespace aerostat::guest {

/// A message as a line of the wire, made beforehand, with one number still open. Filling it in allocates nothing: for
/// moments in which memory is what is missing.
class PatchedLine {
public:
    PatchedLine() = default;
    /// `field`: a number that stands in `message` as kOpen. Fails: `bad_value` (it is not there, or the message does not
    /// fit).
    static constexpr std::uint64_t kOpen = 1'234'567'891'234'567ULL;
    [[nodiscard]] static Result<PatchedLine> make(const std::string& id, const Message& message, std::string_view field);

    /// The line with this number, which may have at most 16 digits (it is cut to that); valid until the next call.
    [[nodiscard]] std::string_view with(std::uint64_t number) noexcept;
    [[nodiscard]] bool is_empty() const { return line_.empty(); }

private:
    static constexpr std::size_t kDigits = 16;
    std::string line_;
    std::size_t at_ = 0;
};

}  // namespace aerostat::guest
