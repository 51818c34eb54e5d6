#pragma once

#include "contract/units.h"

namespace aerostat::agent {

struct HeapSizes {
    Bytes committed;
    Bytes used;
};

/// Committed and used heap of one moment, out of two questions that a collection may come between. Just that is likely when
/// it shrinks the heap: the second question then waits at its safepoint, and the difference would count all it freed as
/// used. `committed` and `free` ask the JVM; after some tries the last figures have to do.
template <class Committed, class Free>
[[nodiscard]] HeapSizes sizes_of_one_moment(Committed committed, Free free) {
    constexpr int kTries = 4;
    Bytes size = committed();
    for (int attempt = 1;; ++attempt) {
        const Bytes unused = free();
        const Bytes size_after = committed();
        if (size_after == size || attempt == kTries) return {size_after, saturating_sub(size_after, unused)};
        size = size_after;
    }
}

}  // namespace aerostat::agent
