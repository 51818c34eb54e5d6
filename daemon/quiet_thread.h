#pragma once

#include <functional>

namespace aerostat::daemon {

/// A detached thread to which no signal is delivered.
void start_quiet_thread(std::function<void()> body);

}  // namespace aerostat::daemon
