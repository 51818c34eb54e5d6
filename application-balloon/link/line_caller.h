#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "contract/clock.h"
#include "contract/error.h"
#include "wire/dialer.h"
#include "wire/line_connection.h"

namespace aerostat::balloon {

/// Our end of the socket of one of the two small processes: requests go out with a number, their answers come back with it.
/// Dials for as long as it exists. Thread: the io_context's; nothing is called from inside call().
class LineCaller {
public:
    using Answer = std::function<void(Result<std::string> line)>;
    /// May be empty.
    struct Handlers {
        /// A line that answers nothing we have asked.
        std::function<void(std::string_view line)> on_unasked;
        /// The process is there, or has gone.
        std::function<void(bool connected)> on_change;
    };
    LineCaller(asio::io_context& loop, std::string path, Handlers handlers, const Clock& clock);
    ~LineCaller();
    LineCaller(const LineCaller&) = delete;
    LineCaller& operator=(const LineCaller&) = delete;

    void start() { dialer_.start(); }
    [[nodiscard]] bool is_connected() const { return line_ != nullptr; }
    /// Why nobody can be reached; empty while somebody is.
    [[nodiscard]] const std::string& trouble() const { return trouble_; }
    /// `id` is the number in the line, and no other open call's. Answered once. Fails: `disconnected`, `timed_out`.
    void call(std::uint32_t id, std::string line, Duration within, Answer answer);

private:
    struct Call {
        Answer answer;
        std::unique_ptr<asio::steady_timer> timer;
    };
    void connected(int fd);
    void heard(std::string_view line);
    void closed(const Error& why);
    void finish(std::uint32_t id, Result<std::string> with);

    asio::io_context& loop_;
    std::string path_;
    Handlers handlers_;
    const Clock& clock_;
    std::shared_ptr<wire::LineConnection> line_;
    std::string trouble_;
    std::map<std::uint32_t, Call> calls_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    wire::Dialer dialer_;
};

/// The number behind the first word; absent where there is none.
[[nodiscard]] std::optional<std::uint32_t> number_in(std::string_view line);

}  // namespace aerostat::balloon
