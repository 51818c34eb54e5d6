#pragma once

#include <string>

#include "contract/messages.h"

// What may be said on the link between a host and a guest, whatever carries it.
namespace aerostat::host {

/// Whether a guest may send this once it is welcome. Orders only ever go down.
[[nodiscard]] bool is_for_hosts(const Message& message);

/// Writes the guest's session into messages that carry one; others stay as they are.
void set_session(Message& message, const std::string& session);

}  // namespace aerostat::host
