#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "contract/roles.h"
#include "jvm-agent/decide/heap_facts.h"

namespace aerostat::agent {

/// What Prospects go by.
struct ProspectSight {
    HeapFacts heap;
    Bytes resident;             ///< at the last look
    bool is_looked_at = false;  ///< there was one
    Bytes application;          ///< occupied by the program after the last collection
    std::optional<Bytes> live;  ///< if it is known
    Bytes balloon;
    Bytes room;                ///< for chunks at this moment; zero while none may be made
    Duration cost_of_cycle{};  ///< of concurrent GC threads, for the last one that was driven
    Duration since_cycle{};
    /// The largest balloon for such a target when the program occupies so much after a collection.
    std::function<Bytes(HeapTarget target, Bytes application)> largest_balloon;
};

/// What of a heap can be had, the way it is held now: by chunks alone, and with cycles of its collector. So, too, what those
/// are worth, and how low it comes. Pure: of one moment. Thread: owner's.
class Prospects {
public:
    explicit Prospects(ProspectSight seen) : seen_(std::move(seen)) {}

    /// Driving cycles for this target brings enough for what they cost. Where nobody has looked of late, nobody knows what
    /// one would find.
    [[nodiscard]] bool is_worth_cycles(HeapTarget target) const;
    /// What the heap comes to; zero where nobody knows. `lowest`: the lowest target that leaves the program what it needs.
    /// A calm heap held by its size is no longer full of chunks, and comes lower.
    [[nodiscard]] Bytes floor_as_held(HeapTarget lowest) const;

private:
    [[nodiscard]] Bytes at_once(HeapTarget target) const;
    [[nodiscard]] Bytes with_cycles(HeapTarget target, Bytes live) const;
    [[nodiscard]] bool pays(HeapTarget target, Bytes live) const;

    ProspectSight seen_;
};

}  // namespace aerostat::agent
