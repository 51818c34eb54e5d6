#pragma once

#include <functional>

namespace aerostat::host::virt {

/// A detached thread to which no signal is delivered.
void start_quiet_thread(std::function<void()> body);

}  // namespace aerostat::host::virt
