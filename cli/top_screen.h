#pragma once

#include <optional>
#include <string>

#include "cli/render_top.h"

namespace aerostat::cli {

/// How a reader moves through a table that is longer than the screen.
enum class TopMove { line_up, line_down, page_up, page_down, first, last };

/// What `top` shows and where its reader is. The place is the line at the top of the table, known by what it is about:
/// guests that come and go do not move it. When the daemon is silent the last figures stay, and it is said from when they
/// are. Pure: no terminal, no clock.
class TopScreen {
public:
    explicit TopScreen(Millis interval) : interval_(interval) {}

    /// A new picture, or why there is none. `clock` is the time of day, as it is to be shown.
    void take(Result<StatusView> status, OperationsView operations, const std::string& clock);
    void set_work(WorkTexts work) { work_ = std::move(work); }
    void move(TopMove move);
    /// Fits the look's height and width. Remembers how many lines of the table there was room for.
    [[nodiscard]] std::string frame(const Look& look);

private:
    [[nodiscard]] std::string second_line(const Look& look) const;
    [[nodiscard]] std::string last_line(std::size_t lines, const Look& look) const;
    void find_place(const std::vector<std::string>& lines);

    Millis interval_;
    std::optional<StatusView> status_;
    OperationsView operations_;
    WorkTexts work_;
    std::string seen_at_;    ///< of the last picture
    std::string trouble_;    ///< empty: the picture is new
    std::size_t first_ = 0;  ///< line of the table that stands at its top
    std::string first_is_;   ///< what it is about; empty: the first of all
    std::size_t room_ = 1;   ///< lines of the table on the last frame
    std::vector<std::string> lines_;
};

}  // namespace aerostat::cli
