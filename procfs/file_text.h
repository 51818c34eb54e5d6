#pragma once

#include <string>
#include <string_view>

#include "contract/error.h"

namespace aerostat::procfs {

/// The whole text of a procfs file (their sizes are not known beforehand), at most `limit` bytes.
/// Fails: `not_found` (no such file or process), `denied`, `io` (also when the limit is passed).
[[nodiscard]] Result<std::string> read_text(const std::string& path, std::size_t limit = 64UL * 1024 * 1024);

/// What `errno` means for a file of a process: `not_found` (no such file or process), `denied`, `io`.
[[nodiscard]] Error process_file_error(const std::string& path, int error_number);

/// Takes the next line (without newline) off the front of `text`; false at the end.
[[nodiscard]] bool next_line(std::string_view& text, std::string_view& line);

/// The value of a line such as "Rss:       1234 kB", if it starts with `key`; the KiB of procfs become bytes here.
[[nodiscard]] bool read_kib_field(std::string_view line, std::string_view key, std::uint64_t& bytes);

}  // namespace aerostat::procfs
