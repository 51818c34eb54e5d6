#pragma once

#include "jvm-agent/decide/heap_facts.h"

namespace aerostat::agent {

/// A heap of 4 GiB, 3 of them committed and 1 in use, that tests change where it matters to them.
inline HeapFacts four_gib() {
    using namespace literals;
    HeapFacts heap;
    heap.max = 4_GiB;
    heap.minimum = 8_MiB;
    heap.region = 2_MiB;
    heap.committed = 3_GiB;
    heap.used = 1_GiB;
    heap.used_after_gc = 1_GiB;
    heap.full_gcs = 0;
    return heap;
}

}  // namespace aerostat::agent
