#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "contract/messages.h"

namespace aerostat {

/// Cuts a byte stream into lines. The newline is the resync point: an overlong line is dropped up to its newline and
/// counted, and what follows is read as usual. Holds at most one line (64 KiB).
/// Thread: owner's.
class LineFramer {
public:
    using OnLine = std::function<void(std::string_view)>;

    /// Feeds bytes as they came; calls `on_line` for each complete line, without newline and trailing CR; empty lines are
    /// skipped. The view is valid during the call. `on_line` returns; it must not feed this framer.
    void feed(std::string_view bytes, const OnLine& on_line);

    /// Lines dropped because they were longer than WireLimits::kLine.
    [[nodiscard]] std::uint64_t overlong() const { return overlong_; }
    /// Forgets a half line (a new connection).
    void reset();

private:
    std::string partial_;
    bool discarding_ = false;
    std::uint64_t overlong_ = 0;
};

}  // namespace aerostat
