#pragma once

#include "contract/clock.h"
#include "contract/roles.h"
#include "jvm-agent/decide/heap_facts.h"

// What collections that the agent makes the collector run can bring, and what they must bring to be worth it. Pure.
namespace aerostat::agent {

/// Of what a collection has left occupied, what stays after cycles and the mixed collections that follow them.
[[nodiscard]] Bytes left_by_cycles(const HeapFacts& heap, Bytes application, Bytes live);

/// By how much cycles make such a heap smaller (G1's free ratios, as they are set for this target). The balloon counts as
/// occupied: a heap full of chunks hardly becomes smaller.
[[nodiscard]] Bytes uncommitted_by_cycles(const HeapFacts& heap, HeapTarget target, Bytes live, Bytes balloon);

/// Less than this is not worth cycles: what a heap breathes by anyway, or what they have lately cost.
[[nodiscard]] Bytes worth_cycles(Bytes footprint, Duration cpu_of_one);

}  // namespace aerostat::agent
