#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "contract/units.h"

// Decisions as lines in files of bounded size: DIR/decisions-NUMBER.jsonl, of which the oldest goes when the limit is
// reached. A writer that is killed leaves at most its last line torn; readers drop it.
namespace aerostat::host::app {

/// Thread: owner's.
class HistoryWriter {
public:
    /// `limit` is for all files together; an eighth of it for one. Members of `readers` may read them, and nobody else.
    HistoryWriter(std::string directory, Bytes limit, std::vector<gid_t> readers = {})
        : directory_(std::move(directory)), limit_(limit), readers_(std::move(readers)) {}
    ~HistoryWriter();
    HistoryWriter(const HistoryWriter&) = delete;
    HistoryWriter& operator=(const HistoryWriter&) = delete;

    /// Appends one line (with its newline), whole or not at all. A full disk costs the oldest file first.
    /// Fails: `io`; `refused` for a line longer than an eighth of the limit. The next line is tried as if nothing had been.
    [[nodiscard]] Status append(const std::string& line);
    /// Why not all of the readers can read it; empty: they can.
    [[nodiscard]] const std::string& unreadable() const { return unreadable_; }

private:
    [[nodiscard]] Status open_next();
    [[nodiscard]] Status write(const std::string& line);
    [[nodiscard]] Status open_directory();
    [[nodiscard]] Status let_read(int fd, bool is_directory);
    /// Removes the oldest files until `more` bytes fit; true if one was removed.
    bool make_room(Bytes more);
    void close();

    std::string directory_;
    Bytes limit_;
    std::vector<gid_t> readers_;
    std::string unreadable_;
    int fd_ = -1;
    Bytes size_;                ///< of the open file
    std::uint64_t number_ = 0;  ///< of the open file
};

/// Makes `name` a symbolic link to the directory, so that tools find it beside the sockets; nothing where it is that place
/// itself. Fails: `io`, `refused` (something else than a link is there).
[[nodiscard]] Status point_to_history(const std::string& name, const std::string& directory);

/// Files of a directory, oldest first; none if there is no such directory.
[[nodiscard]] std::vector<std::string> history_files(const std::string& directory);

/// Calls back with each whole line, oldest first, without its newline; returning false ends it.
/// Fails: `not_found` (no files there), `denied`, `io`.
[[nodiscard]] Status read_history(const std::string& directory, const std::function<bool(std::string_view)>& line);

}  // namespace aerostat::host::app
