#pragma once

#include "contract/units.h"

namespace aerostat::agent {

/// Gives free memory of the C heap back to the kernel (malloc_trim, as `jcmd PID System.trim_native_heap` does it). Threads
/// that allocate meanwhile wait for one arena at a time. Returns what went, by the kernel's books: zero with another
/// allocator than glibc's. Thread: any.
[[nodiscard]] Bytes trim_native_heap();

}  // namespace aerostat::agent
