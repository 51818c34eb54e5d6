#include "guest-balloon/act/courier.h"

namespace aerostat::guest {

bool Courier::say(ConnectionId to, const Message& message, TimePoint now) {
    if (!send_(to, message)) return false;
    said_at_[to] = now;
    return true;
}

void Courier::carry(const OrderAgent& order, TimePoint now) { say(order.to, order.order, now); }

void Courier::carry(const CancelAgent& cancel, TimePoint now) { say(cancel.to, cancel.cancel, now); }

void Courier::renew_leases(const JvmBook& jvms, Millis lease, TimePoint now) {
    std::map<ConnectionId, TimePoint> present;
    for (const Jvm* jvm : jvms.connected()) {
        const ConnectionId agent = *jvm->connection;
        const auto said = said_at_.find(agent);
        const bool due = said == said_at_.end() || now - said->second >= lease / 3;
        if (due) say(agent, LeaseRenewal{jvm->session, lease}, now);
        present[agent] = due ? now : said->second;
    }
    said_at_ = std::move(present);  // connections that have ended are forgotten
}

}  // namespace aerostat::guest
