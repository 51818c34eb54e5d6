#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>

#include "contract/clock.h"
#include "contract/error.h"

namespace aerostat::host::metrics {

/// "127.0.0.1:9177", "[::1]:9177". Fails: `bad_value` with what is expected.
[[nodiscard]] Result<asio::ip::tcp::endpoint> parse_endpoint(const std::string& text);

struct DoorBounds {
    std::size_t connections = 16;               ///< one more ends the oldest: half requests never keep a scraper out
    unsigned accepts_per_second = 50;           ///< the rest waits in the kernel
    Duration within = std::chrono::seconds(5);  ///< a connection's whole time
    Duration page_lasts = std::chrono::seconds(1);
};

/// Where Prometheus fetches the page: HTTP/1.1 over TCP, one request a connection, no thread of its own.
///
/// The loop is never kept waiting: reading and writing are asynchronous, a page is made at most once in `page_lasts` however
/// many ask, and all connections share it. Thread: the io_context's.
class ScrapeDoor {
public:
    using MakePage = std::function<std::string()>;

    /// Fails: `io` ("127.0.0.1:9177: Address already in use …").
    [[nodiscard]] static Result<std::unique_ptr<ScrapeDoor>> open(asio::io_context& loop,
                                                                  const asio::ip::tcp::endpoint& endpoint, MakePage make,
                                                                  const Clock& clock, DoorBounds bounds = {});
    ~ScrapeDoor();
    ScrapeDoor(const ScrapeDoor&) = delete;
    ScrapeDoor& operator=(const ScrapeDoor&) = delete;

    /// Where it really is: of port 0, the port that the kernel has chosen.
    [[nodiscard]] std::string address() const;
    [[nodiscard]] std::size_t connections() const { return visitors_.size(); }

private:
    struct Visitor;
    ScrapeDoor(asio::io_context& loop, MakePage make, const Clock& clock, DoorBounds bounds);
    void accept();
    void accept_later();
    void greet(asio::ip::tcp::socket socket);
    void hear(const std::shared_ptr<Visitor>& visitor);
    void answer(const std::shared_ptr<Visitor>& visitor);
    void leave(std::shared_ptr<Visitor> visitor);
    [[nodiscard]] std::shared_ptr<const std::string> page();

    MakePage make_;
    const Clock& clock_;
    DoorBounds bounds_;
    asio::ip::tcp::acceptor acceptor_;
    asio::steady_timer pause_;
    std::list<std::shared_ptr<Visitor>> visitors_;  ///< oldest first
    std::shared_ptr<const std::string> page_;
    TimePoint page_at_;
    TimePoint second_began_;
    unsigned accepted_ = 0;  ///< since then
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace aerostat::host::metrics
