#include "application-balloon/contract/secret.h"

namespace aerostat::balloon {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

}  // namespace

Result<Secret> parse_secret(std::string_view hex) {
    Secret secret;
    const bool is_hex = hex.size() == 2 * secret.bytes.size() && hex.find_first_not_of(kDigits) == std::string_view::npos;
    if (!is_hex) return fail(ErrorCode::bad_value, "a secret is 32 hexadecimal digits");
    for (std::size_t at = 0; at < secret.bytes.size(); ++at)
        secret.bytes[at] = static_cast<unsigned char>(kDigits.find(hex[2 * at]) * 16 + kDigits.find(hex[2 * at + 1]));
    return secret;
}

std::string to_hex(const Secret& secret) {
    std::string hex;
    for (const unsigned char byte : secret.bytes) {
        hex += kDigits[byte / 16];
        hex += kDigits[byte % 16];
    }
    return hex;
}

}  // namespace aerostat::balloon
