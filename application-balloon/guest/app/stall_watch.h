#pragma once

#include <functional>
#include <string>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>

namespace aerostat::balloon::guest {

/// Tells when the whole guest stands still for want of memory (a quarter of two seconds): then a balloon must not wait to be
/// told, for whoever would tell it stands still as well. Thread: the io_context's.
class StallWatch {
public:
    StallWatch(asio::io_context& loop, std::function<void()> on_stall);
    StallWatch(const StallWatch&) = delete;
    StallWatch& operator=(const StallWatch&) = delete;

    /// Why it is blind; empty if it is not.
    [[nodiscard]] const std::string& trouble() const { return trouble_; }
    void stop();

private:
    void wait();
    asio::posix::stream_descriptor file_;
    std::function<void()> on_stall_;
    std::string trouble_;
};

}  // namespace aerostat::balloon::guest
