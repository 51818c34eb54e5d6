#pragma once

#include <functional>
#include <map>

#include "guest-balloon/decide/effects.h"
#include "guest-balloon/decide/jvm_book.h"

namespace aerostat::guest {

/// Carries orders to agents, and keeps their leases alive: an agent to which nothing else was said for a third of its lease
/// is sent a renewal. An order to a connection that has just ended is dropped; the order book sends it again when the agent
/// returns. Thread: the loop's.
class Courier {
public:
    /// Sends a message on an agent's connection; false if it has ended.
    using Send = std::function<bool(ConnectionId, const Message&)>;
    explicit Courier(Send send) : send_(std::move(send)) {}

    void carry(const OrderAgent& order, TimePoint now);
    void carry(const CancelAgent& cancel, TimePoint now);
    /// To be called when an agent has been welcomed: its lease begins.
    void lease_began(ConnectionId agent, TimePoint now) { said_at_[agent] = now; }
    void renew_leases(const JvmBook& jvms, Millis lease, TimePoint now);

private:
    bool say(ConnectionId to, const Message& message, TimePoint now);
    Send send_;
    std::map<ConnectionId, TimePoint> said_at_;
};

}  // namespace aerostat::guest
