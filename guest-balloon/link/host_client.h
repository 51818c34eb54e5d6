#pragma once

#include <functional>
#include <memory>
#include <string>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "contract/messages.h"
#include "guest-balloon/link/host_address.h"
#include "wire/line_connection.h"

namespace aerostat::guest {

/// How long the link waits for the host.
struct HostPatience {
    Duration welcome = std::chrono::seconds(5);
    /// At least this long, however short a lease: on a channel that outlives connections, a host that is silent for its
    /// whole lease counts as replaced, and the guest introduces itself again.
    Duration silence = std::chrono::seconds(5);
};

/// Our end of the link to the host: introduces the guest with a fresh session for each connection, and tries again for ever.
/// How a connection comes about is the connector's business. Thread: the io_context's.
class HostClient {
public:
    struct Handlers {
        std::function<void(const std::string& session, const Welcome& welcome)> on_welcome;
        std::function<void(const Message& message)> on_message;  ///< after the welcome
        std::function<void(const Error& why)> on_lost;           ///< of a connection that had been welcomed
        /// May be empty. Why no connection comes about; once for each reason, until the next welcome.
        std::function<void(const Error& why)> on_trouble;
    };
    HostClient(asio::io_context& loop, const MakeConnector& connector, std::string guest_name, Handlers handlers,
               const Clock& clock, HostPatience patience = {});
    ~HostClient();
    HostClient(const HostClient&) = delete;
    HostClient& operator=(const HostClient&) = delete;

    void start() { connector_->start(); }
    /// False if the host is not there (not welcomed), or the message does not fit the wire. A guest's report that is too
    /// long for a line is sent with thinner curves.
    bool send(const Message& message);
    /// A line made beforehand, at once; see LineConnection::send_now.
    bool send_now(std::string_view line) { return welcomed_ && line_ && line_->send_now(line); }
    /// Ends the session and begins another: time has jumped, and nobody knows who is at the other end now.
    void resync(const std::string& why);
    [[nodiscard]] bool is_welcomed() const { return welcomed_; }
    [[nodiscard]] std::uint64_t failed_attempts() const { return connector_->failures(); }
    /// What the host last complained of, or why it went away; for people.
    [[nodiscard]] const std::string& last_trouble() const { return trouble_; }

private:
    void connected(int fd);
    void not_connected(const Error& why);
    void on_line(std::string_view line);
    void on_welcome(const Welcome& welcome);
    void on_notice(const ErrorNotice& notice);
    void on_closed(const Error& why);
    void introduce_ourselves();
    void give_up_after(Duration patience, const char* why);
    void end_with(const Error& why);
    void heard();
    void tell_trouble(const Error& why);

    asio::io_context& loop_;
    std::string name_;
    Handlers handlers_;
    const Clock& clock_;
    HostPatience patience_;
    std::unique_ptr<wire::Connector> connector_;
    asio::steady_timer patience_timer_;
    std::shared_ptr<wire::LineConnection> line_;
    std::string session_;
    bool welcomed_ = false;
    TimePoint welcomed_at_;
    Millis lease_{};
    std::string trouble_;
    bool complained_ = false;  ///< trouble_ is the host's own word about this connection
    std::string trouble_told_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// The line of a report: as it is if it fits, else with thinner curves and without texts. Fails: `bad_value`.
[[nodiscard]] Result<std::string> encode_report(const std::string& id, GuestReport report);

}  // namespace aerostat::guest
