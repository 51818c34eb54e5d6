#include "host-controller/metrics/scrape_door.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>

#include <asio/write.hpp>

#include "contract/names.h"
#include "host-controller/metrics/http_exchange.h"

namespace aerostat::host::metrics {
namespace {

using asio::ip::tcp;

constexpr Duration kSecond = std::chrono::seconds(1);

std::string text_of(const tcp::endpoint& endpoint) {
    std::ostringstream out;
    out << endpoint;
    return std::move(out).str();
}

}  // namespace

struct ScrapeDoor::Visitor {
    Visitor(tcp::socket connected, Duration within) : socket(std::move(connected)), limit(socket.get_executor(), within) {}
    tcp::socket socket;
    asio::steady_timer limit;
    std::string received;
    std::array<char, 1024> buffer{};
    std::string head;
    std::shared_ptr<const std::string> body;
};

Result<tcp::endpoint> parse_endpoint(const std::string& text) {
    const auto expected = [&] {
        return fail(
            ErrorCode::bad_value,
            "\"" + printable(text, 80) + "\" is no address to listen at: \"127.0.0.1:9177\" or \"[::1]:9177\" is expected");
    };
    const auto colon = text.rfind(':');
    if (colon == std::string::npos) return expected();
    std::string host = text.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    else if (host.find(':') != std::string::npos)
        return expected();
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, wrong] = std::from_chars(text.data() + colon + 1, end, port);
    asio::error_code error;
    const auto address = asio::ip::make_address(host, error);
    if (error || wrong != std::errc() || rest != end) return expected();
    return tcp::endpoint(address, port);
}

ScrapeDoor::ScrapeDoor(asio::io_context& loop, MakePage make, const Clock& clock, DoorBounds bounds)
    : make_(std::move(make)), clock_(clock), bounds_(bounds), acceptor_(loop), pause_(loop) {}

ScrapeDoor::~ScrapeDoor() {
    *alive_ = false;
    asio::error_code none;
    for (const auto& visitor : visitors_) {
        visitor->limit.cancel();
        visitor->socket.close(none);
    }
}

Result<std::unique_ptr<ScrapeDoor>> ScrapeDoor::open(asio::io_context& loop, const tcp::endpoint& endpoint, MakePage make,
                                                     const Clock& clock, DoorBounds bounds) {
    std::unique_ptr<ScrapeDoor> door(new ScrapeDoor(loop, std::move(make), clock, bounds));
    asio::error_code error;
    const auto go_on = [&](const auto& step) {
        if (!error) step();
    };
    tcp::acceptor& acceptor = door->acceptor_;
    go_on([&] { acceptor.open(endpoint.protocol(), error); });
    go_on([&] { acceptor.set_option(tcp::acceptor::reuse_address(true), error); });
    go_on([&] { acceptor.bind(endpoint, error); });
    go_on([&] { acceptor.listen(tcp::acceptor::max_listen_connections, error); });
    go_on([&] { acceptor.non_blocking(true, error); });
    if (error) return fail(ErrorCode::io, "listening for metrics at " + text_of(endpoint) + ": " + error.message());
    door->accept();
    return door;
}

std::string ScrapeDoor::address() const {
    asio::error_code none;
    return text_of(acceptor_.local_endpoint(none));
}

void ScrapeDoor::accept() {
    const TimePoint now = clock_.now();
    if (now - second_began_ >= kSecond) {
        second_began_ = now;
        accepted_ = 0;
    }
    if (accepted_ >= bounds_.accepts_per_second) return accept_later();
    acceptor_.async_accept([this, alive = alive_](asio::error_code error, tcp::socket socket) {
        if (!*alive || error == asio::error::operation_aborted) return;
        ++accepted_;
        if (error) return accept_later();  // no descriptor left, perhaps
        greet(std::move(socket));
        accept();
    });
}

void ScrapeDoor::accept_later() {
    pause_.expires_after(kSecond);
    pause_.async_wait([this, alive = alive_](asio::error_code error) {
        if (*alive && !error) accept();
    });
}

void ScrapeDoor::greet(tcp::socket socket) {
    if (visitors_.size() >= bounds_.connections) leave(visitors_.front());
    const auto visitor = std::make_shared<Visitor>(std::move(socket), bounds_.within);
    visitors_.push_back(visitor);
    visitor->limit.async_wait([this, visitor, alive = alive_](asio::error_code error) {
        if (*alive && !error) leave(visitor);
    });
    hear(visitor);
}

void ScrapeDoor::hear(const std::shared_ptr<Visitor>& visitor) {
    visitor->socket.async_read_some(asio::buffer(visitor->buffer),
                                    [this, visitor, alive = alive_](asio::error_code error, std::size_t got) {
                                        if (!*alive) return;
                                        if (error) return leave(visitor);
                                        visitor->received.append(visitor->buffer.data(), got);
                                        answer(visitor);
                                    });
}

void ScrapeDoor::answer(const std::shared_ptr<Visitor>& visitor) {
    const auto request = read_request(visitor->received);
    if (!request) return hear(visitor);
    visitor->body = std::make_shared<const std::string>();
    if (request->asked == Asked::page) visitor->body = page();
    visitor->head = answer_head(*request, visitor->body->size());
    if (request->head_only) visitor->body = std::make_shared<const std::string>();
    const std::array<asio::const_buffer, 2> parts{asio::buffer(visitor->head), asio::buffer(*visitor->body)};
    asio::async_write(visitor->socket, parts, [this, visitor, alive = alive_](asio::error_code, std::size_t) {
        if (*alive) leave(visitor);
    });
}

// A copy: the list's own goes here.
void ScrapeDoor::leave(std::shared_ptr<Visitor> visitor) {  // NOLINT(performance-unnecessary-value-param)
    asio::error_code none;
    visitor->limit.cancel();
    visitor->socket.shutdown(tcp::socket::shutdown_both, none);
    visitor->socket.close(none);
    visitors_.remove(visitor);
}

std::shared_ptr<const std::string> ScrapeDoor::page() {
    const TimePoint now = clock_.now();
    if (!page_ || now - page_at_ >= bounds_.page_lasts) {
        page_ = std::make_shared<const std::string>(make_());
        page_at_ = clock_.now();
    }
    return page_;
}

}  // namespace aerostat::host::metrics
