#include "contract/line_framer.h"

namespace aerostat {

void LineFramer::feed(std::string_view bytes, const OnLine& on_line) {
    while (!bytes.empty()) {
        const std::size_t newline = bytes.find('\n');
        const std::string_view piece = bytes.substr(0, newline);
        if (!discarding_ && partial_.size() + piece.size() >= WireLimits::kLine) {
            discarding_ = true;
            ++overlong_;
            partial_.clear();
            partial_.shrink_to_fit();
        }
        if (newline == std::string_view::npos) {
            if (!discarding_) partial_.append(piece);
            return;
        }
        bytes.remove_prefix(newline + 1);
        if (discarding_) {
            discarding_ = false;
            continue;
        }
        // The common case, a whole line in one read, is handed on without a copy.
        std::string held;
        std::string_view line = piece;
        if (!partial_.empty()) {
            held.swap(partial_);
            held.append(piece);
            line = held;
        }
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        if (!line.empty()) on_line(line);
    }
}

void LineFramer::reset() {
    partial_.clear();
    discarding_ = false;
}

}  // namespace aerostat
