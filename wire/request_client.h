#pragma once

#include <string>

#include "contract/codec.h"

namespace aerostat::wire {

/// A blocking client of a daemon's control socket, for command-line tools.
/// Thread: one at a time.
class RequestClient {
public:
    /// Fails: `not_found` (no socket there, or nobody listens: "is the daemon running?"), `denied` (no rights on the
    /// socket), `bad_value` (path too long), `io`.
    [[nodiscard]] static Result<RequestClient> connect(const std::string& path);
    RequestClient(RequestClient&& other) noexcept;
    RequestClient& operator=(RequestClient&& other) noexcept;
    ~RequestClient();

    /// Sends one request and waits for its reply. Fails: `timed_out`, `disconnected`, or what the codec says of the answer.
    /// A reply with an error in it is a success here: it was received.
    [[nodiscard]] Result<ControlReply> ask(const ControlRequest& request, Duration within);

private:
    explicit RequestClient(int fd) : fd_(fd) {}
    int fd_ = -1;
};

}  // namespace aerostat::wire
