#include "cli/table.h"

#include <algorithm>
#include <numeric>

namespace aerostat::cli {
namespace {

constexpr std::size_t kGap = 2;

bool starts_code_point(char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

std::string_view escape_for(Style style) {
    switch (style) {
        case Style::plain:
            return "";
        case Style::bold:
            return "\x1b[1m";
        case Style::dim:
            return "\x1b[2m";
        case Style::good:
            return "\x1b[32m";
        case Style::warning:
            return "\x1b[33m";
        case Style::bad:
            return "\x1b[31;1m";
    }
    return "";
}

std::size_t total(const std::vector<std::size_t>& shown, const std::vector<std::size_t>& widths) {
    std::size_t sum = shown.empty() ? 0 : kGap * (shown.size() - 1);
    for (const std::size_t column : shown) sum += widths[column];
    return sum;
}

// One line of cells, padded to the columns' widths and cut at the limit.
class LineWriter {
public:
    LineWriter(const Look& look, std::string& out) : look_(look), out_(out) {}

    void put(const Cell& cell, std::size_t width, Column::Align align) {
        const std::size_t start = used_ == 0 ? 0 : used_ + kGap;
        if (look_.width != 0 && start >= look_.width) return;
        const std::size_t room = look_.width == 0 ? width : std::min(width, look_.width - start);
        const std::string text = fit(cell.text, room);
        const std::size_t pad = room - display_width(text);
        // Blanks are owed until something follows them: no line ends in any.
        owed_ += start - used_ + (align == Column::Align::right ? pad : 0);
        if (!text.empty()) {
            out_.append(owed_, ' ');
            out_ += styled(text, cell.style, look_);
            owed_ = 0;
        }
        if (align == Column::Align::left) owed_ += pad;
        used_ = start + room;
    }

private:
    const Look& look_;
    std::string& out_;
    std::size_t used_ = 0;
    std::size_t owed_ = 0;
};

}  // namespace

std::string styled(std::string_view text, Style style, const Look& look) {
    if (!look.colour || style == Style::plain || text.empty()) return std::string(text);
    return std::string(escape_for(style)) + std::string(text) + "\x1b[0m";
}

std::size_t display_width(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_code_point));
}

std::string fit(std::string_view text, std::size_t width) {
    if (display_width(text) <= width) return std::string(text);
    if (width == 0) return "";
    std::string kept;
    std::size_t count = 0;
    for (const char c : text) {
        if (starts_code_point(c) && ++count == width) break;
        kept.push_back(c);
    }
    return kept + "…";
}

void Table::add(std::vector<Cell> row) {
    row.resize(columns_.size(), Cell(""));
    rows_.push_back(std::move(row));
}

std::vector<std::size_t> Table::natural_widths() const {
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        std::size_t widest = std::max(columns_[i].at_least, display_width(columns_[i].title));
        for (const auto& row : rows_) widest = std::max(widest, display_width(row[i].text));
        widths.push_back(widest);
    }
    return widths;
}

std::vector<std::size_t> Table::choose(const std::vector<std::size_t>& widths, std::size_t limit) const {
    std::vector<std::size_t> shown(columns_.size());
    std::iota(shown.begin(), shown.end(), std::size_t{0});
    while (limit != 0 && total(shown, widths) > limit) {
        const auto least = std::max_element(shown.begin(), shown.end(), [&](std::size_t a, std::size_t b) {
            return columns_[a].dispensable < columns_[b].dispensable;
        });
        if (least == shown.end() || columns_[*least].dispensable == 0) break;
        shown.erase(least);
    }
    return shown;
}

std::string Table::render(const Look& look) const {
    const auto widths = natural_widths();
    const auto shown = choose(widths, look.width);
    std::string out;
    LineWriter head(look, out);
    for (const std::size_t i : shown) head.put(Cell(columns_[i].title, Style::bold), widths[i], columns_[i].align);
    out.push_back('\n');
    for (const auto& row : rows_) {
        LineWriter line(look, out);
        for (const std::size_t i : shown) line.put(row[i], widths[i], columns_[i].align);
        out.push_back('\n');
    }
    return out;
}

}  // namespace aerostat::cli
