#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace aerostat::cli {

/// How text may look where it is going.
struct Look {
    bool colour = false;
    std::size_t width = 0;   ///< columns of the terminal; 0: no limit
    std::size_t height = 0;  ///< its lines; 0: no limit
};

enum class Style { plain, bold, dim, good, warning, bad };

/// The text in its style, or as it is where colours are off.
[[nodiscard]] std::string styled(std::string_view text, Style style, const Look& look);

/// Terminal columns the text takes: one for each code point (names and figures here are of one column each).
[[nodiscard]] std::size_t display_width(std::string_view text);

/// At most `width` columns of the text, the last one "…" if some are missing.
[[nodiscard]] std::string fit(std::string_view text, std::size_t width);

struct Cell {
    std::string text;
    Style style = Style::plain;
    Cell(std::string text_, Style style_ = Style::plain)
        : text(std::move(text_)), style(style_) {}  // NOLINT: cells are text
    Cell(const char* text_) : text(text_) {}        // NOLINT
};

/// A column of a table. Where the terminal is too narrow the columns with the largest `dispensable` go first.
struct Column {
    enum class Align { left, right };
    std::string title;
    Align align = Align::left;
    int dispensable = 0;       ///< 0: always shown
    std::size_t at_least = 0;  ///< its width, also when nothing in it is so wide
};

/// Aligned columns under their titles. Texts must be printable already.
class Table {
public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    /// Cells beyond the columns are dropped, missing ones are empty.
    void add(std::vector<Cell> row);
    [[nodiscard]] bool empty() const { return rows_.empty(); }
    /// Lines, each with its newline; none is wider than the look allows.
    [[nodiscard]] std::string render(const Look& look) const;

private:
    [[nodiscard]] std::vector<std::size_t> natural_widths() const;
    [[nodiscard]] std::vector<std::size_t> choose(const std::vector<std::size_t>& widths, std::size_t limit) const;

    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
};

}  // namespace aerostat::cli
