#include "wire/line_connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <asio/buffer.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

namespace aerostat::wire {

LineConnection::LineConnection(asio::io_context& loop, int fd, Handlers handlers, ConnectionBounds bounds,
                               const Clock& clock)
    : loop_(loop),
      stream_(loop),
      handlers_(std::move(handlers)),
      bounds_(bounds),
      clock_(clock),
      tokens_(bounds.burst_lines),
      tokens_at_(clock.now()) {
    asio::error_code ignored;
    stream_.assign(fd, ignored);
    if (ignored) ::close(fd);  // epoll refused the descriptor; the first read then reports it
}

LineConnection::~LineConnection() = default;

std::shared_ptr<LineConnection> LineConnection::start(asio::io_context& loop, int fd, Handlers handlers,
                                                      ConnectionBounds bounds, const Clock& clock) {
    std::shared_ptr<LineConnection> connection(new LineConnection(loop, fd, std::move(handlers), bounds, clock));
    connection->read_some();
    return connection;
}

void LineConnection::read_some() {
    stream_.async_read_some(asio::buffer(buffer_), [self = shared_from_this()](asio::error_code error, std::size_t count) {
        if (!self->open_) return;
        if (error) return self->end_with(Error{ErrorCode::disconnected, "the peer closed the connection"});
        self->accept_bytes(count);
        if (self->open_) self->read_some();
    });
}

void LineConnection::accept_bytes(std::size_t count) {
    framer_.feed(std::string_view(buffer_.data(), count), [this](std::string_view line) {
        if (!open_ || closing_) return;
        if (!take_line_token()) {
            return end_with(Error{ErrorCode::refused, "the peer floods: more lines than " +
                                                          std::to_string(static_cast<int>(bounds_.lines_per_second)) +
                                                          " a second"});
        }
        if (handlers_.on_line) handlers_.on_line(line);
    });
    if (open_ && malformed() > bounds_.malformed_lines) {
        end_with(Error{ErrorCode::refused,
                       "the peer sends garbage: more than " + std::to_string(bounds_.malformed_lines) + " malformed lines"});
    }
}

bool LineConnection::take_line_token() {
    const TimePoint now = clock_.now();
    tokens_ = std::min(bounds_.burst_lines, tokens_ + to_seconds(now - tokens_at_) * bounds_.lines_per_second);
    tokens_at_ = now;
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
}

void LineConnection::count_malformed() { ++malformed_; }

bool LineConnection::send(std::string line) {
    if (!open_ || closing_) return false;
    if (queued_bytes_ + line.size() > bounds_.queued_bytes) {
        end_with(
            Error{ErrorCode::refused, "the peer does not read: " + std::to_string(queued_bytes_) + " bytes are waiting"});
        return false;
    }
    queued_bytes_ += line.size();
    queue_.push_back(std::move(line));
    if (!writing_) write_some();
    return true;
}

bool LineConnection::send_now(std::string_view line) {
    if (!open_ || closing_ || writing_ || !queue_.empty()) return false;
    const int fd = stream_.native_handle();
    ssize_t written = ::send(fd, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (written < 0 && errno == ENOTSOCK && stream_.native_non_blocking()) written = ::write(fd, line.data(), line.size());
    if (written <= 0) return false;
    const auto count = static_cast<std::size_t>(written);
    if (count == line.size()) return true;
    queued_bytes_ += line.size() - count;
    queue_.emplace_back(line.substr(count));  // half a line must be finished, whatever it takes
    write_some();
    return true;
}

void LineConnection::write_some() {
    writing_ = true;
    stream_.async_write_some(
        asio::buffer(queue_.front()), [self = shared_from_this()](asio::error_code error, std::size_t count) {
            self->writing_ = false;
            if (!self->open_) return;
            if (error) return self->end_with(Error{ErrorCode::disconnected, "writing to the peer: " + error.message()});
            self->queued_bytes_ -= count;
            if (count == self->queue_.front().size())
                self->queue_.pop_front();
            else
                self->queue_.front().erase(0, count);
            if (!self->queue_.empty()) return self->write_some();
            if (self->closing_) self->close();
        });
}

void LineConnection::end_with(Error why) {
    if (!open_) return;
    auto on_closed = std::move(handlers_.on_closed);
    close();
    // Posted, so that a caller of send() is never called back from inside.
    if (on_closed) asio::post(loop_, [on_closed = std::move(on_closed), why = std::move(why)] { on_closed(why); });
}

void LineConnection::close() {
    if (!open_) return;
    open_ = false;
    asio::error_code ignored;
    stream_.close(ignored);
    // The handlers may own us: they are let go by the loop, not under the feet of whoever called.
    asio::post(loop_, [self = shared_from_this()] { self->handlers_ = {}; });
}

void LineConnection::close_after_writing(Duration within) {
    if (!open_) return;
    if (queue_.empty()) return close();
    closing_ = true;
    auto timer = std::make_shared<asio::steady_timer>(loop_, within);
    timer->async_wait([self = shared_from_this(), timer](asio::error_code) { self->close(); });
}

}  // namespace aerostat::wire
