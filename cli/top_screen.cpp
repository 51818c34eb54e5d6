#include "cli/top_screen.h"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>

#include "contract/names.h"

namespace aerostat::cli {
namespace {

constexpr std::size_t kMostOperations = 4;
constexpr std::size_t kAround = 5;  // two lines above the table, a blank one, its titles, the keys below
constexpr std::size_t kLeastRoom = 3;

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(std::move(line));
    return lines;
}

std::string cut(const std::string& text, Style style, const Look& look) {
    return styled(look.width == 0 ? text : fit(text, look.width), style, look);
}

// A screen that is too low for all shows the beginning.
std::string clip(const std::string& text, const Look& look) {
    std::size_t end = 0;
    for (std::size_t line = 0; line < look.height && end != text.npos; ++line)
        end = text.find('\n', line == 0 ? 0 : end + 1);
    return look.height == 0 || end == text.npos ? text : text.substr(0, end);
}

std::string count(std::size_t number, const char* what) {
    return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

}  // namespace

void TopScreen::take(Result<StatusView> status, OperationsView operations, const std::string& clock) {
    if (!status) {
        trouble_ = printable(status.error().message, 300);
        return;
    }
    trouble_.clear();
    status_ = *std::move(status);
    operations_ = std::move(operations);
    seen_at_ = clock;
}

void TopScreen::move(TopMove move) {
    const std::size_t last = lines_.size() > room_ ? lines_.size() - room_ : 0;
    const std::size_t page = std::max<std::size_t>(1, room_ - 1);
    const auto back = [&](std::size_t by) { return first_ - std::min(first_, by); };
    switch (move) {
        case TopMove::line_up:
            first_ = back(1);
            break;
        case TopMove::line_down:
            first_ += 1;
            break;
        case TopMove::page_up:
            first_ = back(page);
            break;
        case TopMove::page_down:
            first_ += page;
            break;
        case TopMove::first:
            first_ = 0;
            break;
        case TopMove::last:
            first_ = last;
            break;
    }
    first_ = std::min(first_, last);
    first_is_ = first_ == 0 ? std::string() : lines_[first_];
}

// Where its line has gone; a line that is no more leaves its number.
void TopScreen::find_place(const std::vector<std::string>& lines) {
    lines_ = lines;
    if (first_is_.empty()) {
        first_ = 0;
    } else if (const auto found = std::find(lines.begin(), lines.end(), first_is_); found != lines.end()) {
        first_ = static_cast<std::size_t>(found - lines.begin());
    }
    // A screen that is not filled shows more from above; the place stays for when it is smaller again.
    first_ = std::min(first_, lines.size() > room_ ? lines.size() - room_ : 0);
}

std::string TopScreen::second_line(const Look& look) const {
    if (!trouble_.empty()) {
        const std::string since = seen_at_.empty() ? "" : ", what stands here is of " + seen_at_;
        return cut("no answer" + since + "; asking again: " + trouble_, Style::bad, look);
    }
    std::size_t jvms = 0;
    for (const GuestView& guest : status_->guests) jvms += guest.jvms.size();
    return cut(count(status_->guests.size(), "guest") + ", " + count(jvms, "JVM") + ", " + seen_at_, Style::plain, look);
}

std::string TopScreen::last_line(std::size_t lines, const Look& look) const {
    std::string text = "q quits, every " + format_duration(interval_);
    if (lines > room_) {
        text += fmt::format(", lines {}-{} of {}: arrows, PgUp, PgDn, Home, End", first_ + 1,
                            std::min(first_ + room_, lines), lines);
    }
    return cut(text, Style::dim, look);
}

std::string TopScreen::frame(const Look& look) {
    if (!status_) return clip(second_line(look) + "\n\n" + cut("q quits", Style::dim, look), look);
    const Look plain{false, look.width, look.height};
    std::string out = cut(head_line(*status_, plain), Style::bold, look) + "\n" + second_line(look) + "\n\n";
    std::vector<std::string> below = top_operations(operations_, kMostOperations, look);
    for (std::string& remark : top_remarks(*status_, look)) below.push_back(std::move(remark));
    // The table comes first where there is not room for both.
    const std::size_t screen = look.height == 0 ? 1'000'000 : look.height;
    const std::size_t free = screen > kAround + kLeastRoom + 1 ? screen - kAround - kLeastRoom - 1 : 0;
    below.resize(std::min(below.size(), free));
    const std::size_t below_lines = below.empty() ? 0 : below.size() + 1;
    room_ = screen > kAround + below_lines ? screen - kAround - below_lines : 1;
    const TopTable top = top_table(*status_, work_);
    find_place(top.lines);
    if (top.table.empty()) out += "no guests\n";
    const std::vector<std::string> text = top.table.empty() ? std::vector<std::string>() : split(top.table.render(look));
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_shown = i == 0 || (i > first_ && i <= first_ + room_);
        if (is_shown) out += text[i] + "\n";
    }
    if (!below.empty()) out += "\n";
    for (const std::string& line : below) out += line + "\n";
    return clip(out + last_line(top.lines.size(), look), look);
}

}  // namespace aerostat::cli
