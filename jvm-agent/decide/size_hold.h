#pragma once

#include <optional>

#include "contract/messages.h"
#include "jvm-agent/decide/leisure_plan.h"
#include "jvm-agent/decide/lever_plan.h"
#include "jvm-agent/decide/overshoot.h"

namespace aerostat::agent {

/// A G1 heap that is held by its own size instead of by a whole heap of chunks: whether it is (LeisurePlan), how large the
/// collector is to make it then, and what follows for the chunks that it holds all the same.
///
/// Under load (G1Hold::size) that goes on while an order is carried out, and each remark of the busy program's own marking
/// makes it as large as it is to be. A target is absent where the heap is its program's own.
/// Pure: time is an argument. Thread: owner's.
class SizeHold {
public:
    explicit SizeHold(G1Hold rule) : rule_(rule) {}

    /// Such a heap may be held so.
    [[nodiscard]] bool applies(const HeapFacts& heap) const { return heap.grows_at_pauses > 0 && rule_ != G1Hold::chunks; }
    /// A busy one, too.
    [[nodiscard]] bool also_busy() const { return rule_ == G1Hold::size; }
    [[nodiscard]] LeisurePlan& plan() { return plan_; }
    [[nodiscard]] const LeisurePlan& plan() const { return plan_; }
    [[nodiscard]] bool holds() const { return plan_.holds_by_size(); }
    [[nodiscard]] bool holds_under_load(std::optional<HeapTarget> target) const { return also_busy() && holds() && target; }
    /// The collector is kept from making it larger for its pauses: up to its target it may.
    [[nodiscard]] bool holds_down(std::optional<HeapTarget> target, Bytes committed) const;

    /// To be told often while it is held under load.
    void observe(Bytes committed) { overshoot_.observe(committed); }
    /// Says in `seen`, which tells of everything else, how large the heap is to be. `goal`: of a step that is being made.
    void set_size(LeverSight& seen, bool under_load, std::optional<Bytes> goal) const;
    /// The heap in which chunks are made: where it may be held so they never make it larger, unless its maximum is to be
    /// kept from the program at once. What the collector commits later chunks take later.
    [[nodiscard]] HeapFacts chunks_within(HeapFacts heap, Cap cap) const;
    /// Resident beyond the target because there are no chunks in what the collector has committed since: that is taken
    /// without regard to the budget.
    [[nodiscard]] Bytes owed(const HeapFacts& heap, HeapTarget target, Bytes resident) const;

private:
    G1Hold rule_;
    LeisurePlan plan_;
    Overshoot overshoot_;
};

}  // namespace aerostat::agent
