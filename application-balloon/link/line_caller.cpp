#include "application-balloon/link/line_caller.h"

#include <charconv>

#include <asio/post.hpp>

namespace aerostat::balloon {
namespace {

constexpr wire::Backoff kBackoff{std::chrono::milliseconds(100), std::chrono::seconds(2)};

wire::ConnectionBounds bounds() {
    wire::ConnectionBounds bounds;
    bounds.queued_bytes = 256UL * 1024;
    return bounds;
}

}  // namespace

std::optional<std::uint32_t> number_in(std::string_view line) {
    const std::size_t blank = line.find(' ');
    if (blank == std::string_view::npos) return std::nullopt;
    const std::string_view rest = line.substr(blank + 1);
    const std::string_view word = rest.substr(0, rest.find(' '));
    std::uint32_t number = 0;
    const auto end = std::from_chars(word.data(), word.data() + word.size(), number);
    if (word.empty() || end.ec != std::errc() || end.ptr != word.data() + word.size()) return std::nullopt;
    return number;
}

LineCaller::LineCaller(asio::io_context& loop, std::string path, Handlers handlers, const Clock& clock)
    : loop_(loop),
      path_(std::move(path)),
      handlers_(std::move(handlers)),
      clock_(clock),
      trouble_("nobody is at " + path_),
      dialer_(
          loop, path_, kBackoff, [this](int fd) { connected(fd); },
          [this](const Error& why) { trouble_ = path_ + ": " + why.message; }) {}

LineCaller::~LineCaller() {
    *alive_ = false;
    dialer_.stop();
    if (line_) line_->close();
}

void LineCaller::connected(int fd) {
    wire::LineConnection::Handlers handlers;
    handlers.on_line = [this, alive = alive_](std::string_view line) {
        if (*alive) heard(line);
    };
    // Posted: we may be gone when it comes.
    handlers.on_closed = [this, alive = alive_](const Error& why) {
        if (*alive) closed(why);
    };
    line_ = wire::LineConnection::start(loop_, fd, std::move(handlers), bounds(), clock_);
    trouble_.clear();
    if (handlers_.on_change) handlers_.on_change(true);
}

void LineCaller::closed(const Error& why) {
    line_.reset();
    trouble_ = path_ + ": " + why.message;
    dialer_.retry_later();
    while (!calls_.empty()) finish(calls_.begin()->first, fail(ErrorCode::disconnected, trouble_));
    if (handlers_.on_change) handlers_.on_change(false);
}

void LineCaller::call(std::uint32_t id, std::string line, Duration within, Answer answer) {
    Call& call = calls_[id];
    call.answer = std::move(answer);
    if (!line_ || !line_->send(std::move(line))) {
        asio::post(loop_, [this, id, alive = alive_] {
            if (*alive) finish(id, fail(ErrorCode::disconnected, trouble_));
        });
        return;
    }
    call.timer = std::make_unique<asio::steady_timer>(loop_, within);
    call.timer->async_wait([this, id, alive = alive_](asio::error_code error) {
        if (!error && *alive) finish(id, fail(ErrorCode::timed_out, path_ + " does not answer"));
    });
}

void LineCaller::heard(std::string_view line) {
    const auto id = number_in(line);
    // "released 5" is no answer, though it has a number.
    if (!id || !calls_.contains(*id) || line.starts_with("released ")) {
        if (handlers_.on_unasked) handlers_.on_unasked(line);
        return;
    }
    finish(*id, std::string(line));
}

void LineCaller::finish(std::uint32_t id, Result<std::string> with) {
    const auto node = calls_.extract(id);
    if (node.empty()) return;
    node.mapped().answer(std::move(with));
}

}  // namespace aerostat::balloon
