#include "wire/dialer.h"

namespace aerostat::wire {

Dialer::Dialer(asio::io_context& loop, std::string path, Backoff backoff, OnConnected on_connected, OnFailed on_failed)
    : loop_(loop),
      path_(std::move(path)),
      on_connected_(std::move(on_connected)),
      on_failed_(std::move(on_failed)),
      timer_(loop, backoff) {}

Dialer::~Dialer() { Dialer::stop(); }

void Dialer::start() {
    timer_.reset();
    attempt();
}

void Dialer::retry_later() {
    ++failures_;
    timer_.again([this] { attempt(); });
}

void Dialer::stop() {
    // Handlers already on their way find another round and do nothing.
    *round_ = false;
    round_ = std::make_shared<bool>(true);
    timer_.cancel();
    socket_.reset();
}

void Dialer::attempt() {
    if (path_.size() >= sizeof(sockaddr_un::sun_path)) {  // asio would throw
        return timer_.now([this] { failed(ErrorCode::bad_value, "the path is too long for a socket"); });
    }
    socket_ = std::make_shared<asio::local::stream_protocol::socket>(loop_);
    socket_->async_connect(asio::local::stream_protocol::endpoint(path_),
                           [this, socket = socket_, round = round_](asio::error_code error) {
                               if (!*round) return;
                               socket_.reset();
                               if (error) return failed(ErrorCode::io, error.message());
                               asio::error_code ignored;
                               socket->non_blocking(true, ignored);
                               failures_ = 0;
                               on_connected_(socket->release());
                           });
}

void Dialer::failed(ErrorCode code, const std::string& why) {
    retry_later();
    if (on_failed_) on_failed_(Error{code, "nothing answers at " + path_ + ": " + why});
}

}  // namespace aerostat::wire
