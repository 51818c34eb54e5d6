#include "guest-balloon/decide/patched_line.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "contract/codec.h"

namespace aerostat::guest {

Result<PatchedLine> PatchedLine::make(const std::string& id, const Message& message, std::string_view field) {
    auto line = encode(Envelope{id, message});
    if (!line) return tl::unexpected(line.error());
    const std::string key = '"' + std::string(field) + "\":" + std::to_string(kOpen);
    const std::size_t found = line->find(key);
    if (found == std::string::npos) return fail(ErrorCode::bad_value, "the message has no open " + std::string(field));
    PatchedLine patched;
    patched.line_ = *std::move(line);
    patched.at_ = found + key.size() - kDigits;
    return patched;
}

// Blanks before a number are allowed in JSON; leading zeros are not.
std::string_view PatchedLine::with(std::uint64_t number) noexcept {
    constexpr std::uint64_t kMost = 9'999'999'999'999'999ULL;
    std::array<char, kDigits> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), std::min(number, kMost)).ptr;
    const auto length = static_cast<std::size_t>(end - digits.data());
    const auto open = line_.begin() + static_cast<std::ptrdiff_t>(at_);
    std::fill_n(open, kDigits - length, ' ');
    std::copy_n(digits.data(), length, open + static_cast<std::ptrdiff_t>(kDigits - length));
    return line_;
}

}  // namespace aerostat::guest
