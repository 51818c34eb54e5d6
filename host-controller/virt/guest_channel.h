#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include <asio/io_context.hpp>

#include "contract/messages.h"
#include "wire/dialer.h"
#include "wire/line_connection.h"

namespace aerostat::host::virt {

/// One domain's virtio-serial channel, at the unix socket where its QEMU listens. Dials for as long as it exists.
///
/// QEMU accepts at once, whether or not anybody has opened the port in the guest: a connection says nothing, and silence on
/// it is normal. The guest is there from its hello on. The channel outlives both ends: what comes first may be the end of a
/// line cut short, or be meant for an earlier host (which is answered with `disconnected`, so that guestd introduces itself
/// anew); another hello on the same connection means that guestd was started again or the guest comes from a saved image.
/// Thread: the io_context's. No handler is called from inside send(); none may destroy the channel.
class GuestChannel {
public:
    struct Handlers {
        /// A guest wants in; the answer is the name it goes by, or why not. Called again for each hello.
        std::function<Result<std::string>(const Hello& hello)> on_join;
        std::function<void()> on_joined;  ///< after its welcome was sent
        std::function<void(Message message)> on_message;
        std::function<void(const Error& why)> on_lost;  ///< of a guest that had joined
        std::function<void(const std::string& why)> on_refused;
    };
    GuestChannel(asio::io_context& loop, std::string path, Handlers handlers, const Clock& clock,
                 wire::Backoff backoff = {});
    ~GuestChannel();
    GuestChannel(const GuestChannel&) = delete;
    GuestChannel& operator=(const GuestChannel&) = delete;

    void start() { dialer_.start(); }
    /// False if the guest has not joined (or was cut off by this). `message` gets the guest's session where it has one.
    bool send(Message message);
    [[nodiscard]] bool is_joined() const { return !session_.empty(); }
    /// Why QEMU's end cannot be reached; empty while connected, and before the first attempt.
    [[nodiscard]] const std::string& trouble() const { return trouble_; }
    [[nodiscard]] std::uint64_t malformed_lines() const;
    [[nodiscard]] std::uint64_t cut_off() const { return cut_off_; }

private:
    void connected(int fd);
    void on_line(std::string_view line);
    void on_malformed(std::string_view line, const Error& why);
    void on_closed(const Error& why);
    void take_hello(const std::string& envelope, const Hello& hello);
    void take_message(const std::string& envelope, Message message);
    void refuse(const std::string& envelope, const std::string& why);
    void send_error(const std::string& envelope, const Error& why);
    void write(const std::string& envelope, Message message);
    void end_with(const Error& why);
    void leave(const Error& why);
    [[nodiscard]] bool greets_too_often();

    asio::io_context& loop_;
    Handlers handlers_;
    const Clock& clock_;
    wire::Dialer dialer_;
    std::shared_ptr<wire::LineConnection> line_;
    std::string session_;        ///< of the guest that has joined; empty: none
    bool heard_nothing_ = true;  ///< on this connection: its first line may be the rest of one
    bool spoke_nothing_ = true;  ///< on this connection: an earlier host may have left half a line
    TimePoint joined_at_;
    TimePoint may_point_out_at_;  ///< not before this a stranger's message is answered again
    std::deque<TimePoint> hellos_;
    std::string trouble_;
    std::uint64_t malformed_of_closed_ = 0;
    std::uint64_t cut_off_ = 0;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace aerostat::host::virt
