#include "jvm-agent/jvm/native_heap.h"

#include <malloc.h>

#include "procfs/process.h"

namespace aerostat::agent {

Bytes trim_native_heap() {
    const auto before = procfs::own_memory_but_shared();
    malloc_trim(0);
    const auto after = procfs::own_memory_but_shared();
    return before && after ? saturating_sub(*before, *after) : Bytes();
}

}  // namespace aerostat::agent
