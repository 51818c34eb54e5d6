#pragma once

#include <functional>
#include <memory>
#include <string>

#include "contract/messages.h"
#include "wire/dialer.h"
#include "wire/line_connection.h"

namespace aerostat::agent {

/// The connection to this guest's aerostat-guestd: dials, says hello, hands on orders, sends what is to be sent.
///
/// Obeys only a peer whose uid is 0 or our own: whoever can make a socket in the runtime directory could otherwise squeeze
/// this JVM. Without a daemon nothing happens but a quiet attempt every few seconds.
/// Thread: the io_context's. Handlers are called there.
class Link {
public:
    struct Handlers {
        std::function<void(const SetHeapTarget&)> on_target;
        std::function<void(const Cancel&)> on_cancel;
        std::function<void()> on_welcome;
        std::function<void(const std::string&)> on_trouble;  ///< for people; on the edge only
    };

    Link(asio::io_context& loop, const std::string& runtime_dir, std::string name, JvmFacts facts, const Clock& clock,
         Handlers handlers);

    void start() { dialer_.start(); }
    void stop();
    /// For the next hello.
    void set_facts(JvmFacts facts) { facts_ = std::move(facts); }
    /// False if there is no welcomed connection; the message is gone then.
    bool send(Message message);
    [[nodiscard]] bool is_up() const { return welcomed_; }
    [[nodiscard]] const std::string& session() const { return session_; }
    /// As guestd calls us.
    [[nodiscard]] const std::string& name() const { return name_; }

private:
    void connected(int fd);
    void closed(const Error& why);
    void take_line(std::string_view line);
    void take(const Envelope& message);
    void refuse_order(std::string_view line, const Error& fault);
    bool send_now(const Envelope& message);
    void trouble(std::string text);

    asio::io_context& loop_;
    std::string name_;
    JvmFacts facts_;
    const Clock& clock_;
    Handlers handlers_;
    wire::Dialer dialer_;
    std::shared_ptr<wire::LineConnection> connection_;
    std::string session_;
    bool welcomed_ = false;
    std::string last_trouble_;
};

}  // namespace aerostat::agent
