#pragma once

#include <vector>

#include "guest-balloon/decide/operation.h"

namespace aerostat::guest {

/// One step of letting go while the host is silent: every target of the host rises by a tenth of its heap (64 MiB at
/// least), as far as the guest's available memory above `reserve` allows; an operator's ceilings stay. Memory is not
/// conjured up: while the guest is short, nothing rises. Empty when there is nothing to raise.
[[nodiscard]] std::vector<JvmTask> raise_one_step(const JvmBook& jvms, Bytes available, Bytes reserve);

}  // namespace aerostat::guest
