#pragma once

#include <string>

#include "guest-balloon/decide/request_rules.h"

namespace aerostat::guest {

/// The off switch on disk (RUNTIME_DIR/paused: "*" or JVM names, one a line), so that a restart of the daemon does not
/// switch on what an operator has switched off. A missing or unreadable file means: not paused.
[[nodiscard]] PauseSwitch load_pause(const std::string& path);
/// Replaces the file in one step; removes it when nothing is paused. Fails: `io`.
[[nodiscard]] Status store_pause(const std::string& path, const PauseSwitch& paused);

}  // namespace aerostat::guest
