#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include "contract/clock.h"
#include "contract/line_framer.h"

namespace aerostat::wire {

/// What a peer may cost us. Beyond it the connection is closed, and the owner is told why.
struct ConnectionBounds {
    std::size_t queued_bytes = 1024 * 1024;  ///< waiting to be written to a slow peer
    double lines_per_second = 500;           ///< sustained; a token bucket
    double burst_lines = 2000;
    std::uint64_t malformed_lines = 100;  ///< in all; each is counted and dropped until then
};

/// A stream of lines over an open, non-blocking descriptor (a unix socket, a virtio-serial port).
///
/// Never blocks and never throws. Written lines queue up to a bound; a peer that does not read is cut off rather than
/// waited for. A peer that floods, or sends garbage beyond the bound, is cut off.
/// Thread: the io_context's one thread. Handlers run there, never from inside send() or close().
class LineConnection : public std::enable_shared_from_this<LineConnection> {
public:
    struct Handlers {
        std::function<void(std::string_view line)> on_line;
        /// Once, when the connection ended by itself: `disconnected` (peer closed, i/o error), `refused` (a bound was
        /// broken; the message says which). Not called after close().
        std::function<void(const Error& why)> on_closed;
    };

    /// Takes the descriptor over and starts reading.
    [[nodiscard]] static std::shared_ptr<LineConnection> start(asio::io_context& loop, int fd, Handlers handlers,
                                                               ConnectionBounds bounds, const Clock& clock);
    ~LineConnection();

    /// Queues one line (with its newline). False if the connection is closed or this would break the queue bound; in the
    /// second case the connection ends with `refused`.
    bool send(std::string line);

    /// Writes one line at once, without queueing and without allocating. False, and nothing is written, if lines are waiting
    /// or the kernel takes nothing now.
    [[nodiscard]] bool send_now(std::string_view line);

    /// Ends the connection at once; no handler is called any more. Idempotent.
    void close();
    /// Ends the connection when everything queued has been written, or after `within`; then as close().
    void close_after_writing(Duration within);

    /// To be called by the owner for a line that did not decode. Counts it; too many end the connection with `refused`.
    void count_malformed();

    [[nodiscard]] bool is_open() const { return open_; }
    [[nodiscard]] std::uint64_t malformed() const { return malformed_ + framer_.overlong(); }
    [[nodiscard]] std::size_t queued_bytes() const { return queued_bytes_; }
    /// The descriptor, borrowed: for peer_credentials().
    [[nodiscard]] int native_handle() { return stream_.native_handle(); }

private:
    LineConnection(asio::io_context& loop, int fd, Handlers handlers, ConnectionBounds bounds, const Clock& clock);
    void read_some();
    void accept_bytes(std::size_t count);
    void write_some();
    bool take_line_token();
    void end_with(Error why);

    asio::io_context& loop_;
    asio::posix::stream_descriptor stream_;
    Handlers handlers_;
    ConnectionBounds bounds_;
    const Clock& clock_;
    LineFramer framer_;
    std::array<char, 16 * 1024> buffer_{};
    std::deque<std::string> queue_;
    std::size_t queued_bytes_ = 0;
    bool open_ = true;
    bool writing_ = false;
    bool closing_ = false;
    std::uint64_t malformed_ = 0;
    double tokens_;
    TimePoint tokens_at_;
};

}  // namespace aerostat::wire
