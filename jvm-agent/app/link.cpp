#include "jvm-agent/app/link.h"

#include <unistd.h>

#include "contract/codec.h"
#include "contract/faulty_order.h"
#include "contract/names.h"
#include "wire/peer_credentials.h"

namespace aerostat::agent {

Link::Link(asio::io_context& loop, const std::string& runtime_dir, std::string name, JvmFacts facts, const Clock& clock,
           Handlers handlers)
    : loop_(loop),
      name_(std::move(name)),
      facts_(std::move(facts)),
      clock_(clock),
      handlers_(std::move(handlers)),
      dialer_(loop, runtime_dir + "/agent.sock", wire::Backoff{}, [this](int fd) { connected(fd); }) {}

void Link::stop() {
    dialer_.stop();
    if (connection_) connection_->close();
    connection_.reset();
    welcomed_ = false;
}

void Link::connected(int fd) {
    const auto peer = wire::peer_credentials(fd);
    if (!peer || (peer->uid != 0 && peer->uid != geteuid())) {
        ::close(fd);
        trouble(peer ? "whoever listens on agent.sock (uid " + std::to_string(peer->uid) +
                           ") is neither root nor our own user"
                     : peer.error().message);
        return dialer_.retry_later();
    }
    connection_ = wire::LineConnection::start(
        loop_, fd, {[this](std::string_view line) { take_line(line); }, [this](const Error& why) { closed(why); }},
        wire::ConnectionBounds{}, clock_);
    session_ = fresh_id();
    Hello hello;
    hello.role = Role::agent;
    hello.name = name_;
    hello.session = session_;
    hello.software = AEROSTAT_VERSION;
    hello.jvm = facts_;
    send_now({fresh_id(), std::move(hello)});
}

void Link::closed(const Error& why) {
    const bool was_good = welcomed_;
    welcomed_ = false;
    connection_.reset();
    if (why.code == ErrorCode::refused) trouble("guestd was cut off: " + why.message);
    if (was_good) {
        dialer_.start();
    } else {
        dialer_.retry_later();
    }
}

void Link::take_line(std::string_view line) {
    const auto message = decode_message(line);
    if (message) return take(*message);
    if (message.error().code == ErrorCode::unsupported) {
        send_now(
            {id_of_malformed(line), ErrorNotice{std::string(to_string(message.error().code)), message.error().message}});
        return;
    }
    if (connection_) connection_->count_malformed();
    refuse_order(line, message.error());
}

/// Garbage is counted and dropped; but an order, however absurd, is waited for by somebody.
void Link::refuse_order(std::string_view line, const Error& fault) {
    auto answer = answer_to_faulty_order(line, fault);
    if (welcomed_ && answer && answer->session == session_) send_now({fresh_id(), std::move(*answer)});
}

void Link::take(const Envelope& message) {
    if (const auto* welcome = std::get_if<Welcome>(&message.body)) {
        if (welcome->session != session_) return;
        if (is_valid_name(welcome->name)) name_ = welcome->name;
        welcomed_ = true;
        last_trouble_.clear();
        handlers_.on_welcome();
    } else if (const auto* target = std::get_if<SetHeapTarget>(&message.body)) {
        if (welcomed_ && target->session == session_) handlers_.on_target(*target);
    } else if (const auto* cancel = std::get_if<Cancel>(&message.body)) {
        if (welcomed_ && cancel->session == session_) handlers_.on_cancel(*cancel);
    }
    // A lease needs no answer: when guestd falls silent the agent holds, with the guard armed.
}

bool Link::send(Message message) {
    if (!welcomed_) return false;
    return send_now({fresh_id(), std::move(message)});
}

bool Link::send_now(const Envelope& message) {
    if (!connection_) return false;
    auto line = encode(message);
    if (!line) {
        trouble("a message of ours breaks the protocol: " + line.error().message);
        return false;
    }
    return connection_->send(std::move(*line));
}

void Link::trouble(std::string text) {
    if (text == last_trouble_) return;
    last_trouble_ = std::move(text);
    handlers_.on_trouble(last_trouble_);
}

}  // namespace aerostat::agent
