#include "host-controller/backend/guest_messages.h"

namespace aerostat::host {

bool is_for_hosts(const Message& message) {
    return std::holds_alternative<GuestReport>(message) || std::holds_alternative<OperationResult>(message) ||
           std::holds_alternative<Pressure>(message) || std::holds_alternative<LeaseRenewal>(message) ||
           std::holds_alternative<BalloonWords>(message) || std::holds_alternative<ErrorNotice>(message);
}

void set_session(Message& message, const std::string& session) {
    if (auto* apply = std::get_if<Apply>(&message)) apply->session = session;
    if (auto* cancel = std::get_if<Cancel>(&message)) cancel->session = session;
    if (auto* lease = std::get_if<LeaseRenewal>(&message)) lease->session = session;
    if (auto* words = std::get_if<BalloonWords>(&message)) words->session = session;
}

}  // namespace aerostat::host
