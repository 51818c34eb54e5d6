#pragma once

#include <optional>

#include "contract/clock.h"
#include "contract/units.h"

namespace aerostat::agent {

/// The least that a heap could be brought to, as operations have found it. Each try costs the program collections, so the
/// answer is kept for a while, and longer each time that another try finds the same.
///
/// Withdrawn when clearly less is alive, and when that is no longer known because the program has fallen silent: data can
/// die unseen then (LiveEstimate). Not by the silence that follows a try: what was known then the try itself has found. What
/// grows only makes it too low, which the live set's floor makes up for. Thread: owner's.
class TriedFloor {
public:
    /// An operation has ended because nothing more was to be had. `alive`: as assumed then. `passes_in`: for a reason that
    /// passes then, so that it is believed no longer, and confirms nothing.
    void remember(Bytes footprint, Bytes alive, TimePoint now, std::optional<Duration> passes_in = std::nullopt);
    /// `footprint`: less than was thought possible is possible. `alive`: absent while nobody knows.
    void observe(Bytes footprint, std::optional<Bytes> alive, TimePoint now);
    /// What stood in the way does so no more.
    void forget() { level_.reset(); }
    /// Absent where nobody has tried lately.
    [[nodiscard]] std::optional<Bytes> value(TimePoint now) const;
    /// To bring a heap of this size to that target would be the same try again, right after the last one: the heap is there,
    /// but for a few regions, and the target lies below. What was to be had then is never refused, nor anything much later.
    [[nodiscard]] bool is_reached(Bytes footprint, Bytes target, Bytes region, TimePoint now) const;

private:
    std::optional<Bytes> level_;
    Bytes alive_;
    bool known_ = false;  ///< what is alive, when last looked
    Duration belief_{};
    TimePoint tried_at_{}, believed_until_{};
};

}  // namespace aerostat::agent
