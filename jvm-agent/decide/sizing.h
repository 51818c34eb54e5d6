#pragma once

#include <optional>

#include "contract/roles.h"
#include "jvm-agent/decide/heap_facts.h"

// How much of a heap may be taken. Pure: same facts, same answer.
namespace aerostat::agent {

/// Free heap that stays untouched so that no allocation can fail because of a chunk: 5 % of the heap, two regions at least.
[[nodiscard]] Bytes allocation_margin(const HeapFacts& heap);

/// What may be inflated right now without coming near a failed allocation: free heap minus the margin, whole regions.
[[nodiscard]] Bytes room_for_chunks(const HeapFacts& heap);

/// The lowest target worth trying. With the live set known: live plus a margin for the young generation. Not known: a low
/// guess, so that the superior can ask and learn; the operation itself finds the true floor.
[[nodiscard]] Bytes floor_for(const HeapFacts& heap, std::optional<Bytes> live);

/// What a collector of concurrent cycles has left free when it begins one, if it begins no earlier than it has to.
/// `meanwhile`: what the program allocates while a cycle runs.
[[nodiscard]] Bytes kept_free(const HeapFacts& heap, Bytes meanwhile);

/// The largest balloon that leaves the program the room its target grants and G1 the room it needs.
/// `application` is what the program occupied after the last collection, without the balloon.
[[nodiscard]] Bytes balloon_limit(const HeapFacts& heap, HeapTarget target, Bytes application, std::optional<Bytes> live);

}  // namespace aerostat::agent
