#pragma once

#include <string>
#include <string_view>

#include "contract/error.h"

namespace aerostat {

/// The name of a guest or a JVM: 1 to 64 of [A-Za-z0-9._-], and `~` where a daemon has appended a pid to a second JVM of
/// the same name. A label for people: identity is the channel, never the name.
[[nodiscard]] bool is_valid_name(std::string_view text);

/// Names that people choose may not contain `~`. Fails: `bad_value` with what is allowed.
[[nodiscard]] Result<std::string> parse_name(std::string_view text);

/// Message, operation and session ids: 1 to 64 of [A-Za-z0-9._~-].
[[nodiscard]] bool is_valid_id(std::string_view text);

/// A fresh random id of 16 lower-case hexadecimal digits (64 bits from the kernel).
[[nodiscard]] std::string fresh_id();

/// Text for a log or a terminal: control bytes and invalid UTF-8 become '?', at most `limit` bytes ("…" appended).
[[nodiscard]] std::string printable(std::string_view text, std::size_t limit = 200);

}  // namespace aerostat
