#pragma once

#include <memory>
#include <string>

#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>

#include "wire/connector.h"
#include "wire/retry_timer.h"

namespace aerostat::wire {

/// Connects to a unix socket and keeps trying, quietly, with a growing pause. Thread: the io_context's.
class Dialer final : public Connector {
public:
    Dialer(asio::io_context& loop, std::string path, Backoff backoff, OnConnected on_connected, OnFailed on_failed = {});
    ~Dialer() override;

    void start() override;
    void retry_later() override;
    void stop() override;
    [[nodiscard]] std::uint64_t failures() const override { return failures_; }
    [[nodiscard]] bool outlives_connections() const override { return false; }

private:
    void attempt();
    void failed(ErrorCode code, const std::string& why);

    asio::io_context& loop_;
    std::string path_;
    OnConnected on_connected_;
    OnFailed on_failed_;
    RetryTimer timer_;
    std::shared_ptr<asio::local::stream_protocol::socket> socket_;
    std::uint64_t failures_ = 0;
    std::shared_ptr<bool> round_ = std::make_shared<bool>(true);  ///< false once stop() ended it
};

}  // namespace aerostat::wire
