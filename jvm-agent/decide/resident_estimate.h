#pragma once

#include "contract/clock.h"
#include "contract/units.h"

namespace aerostat::agent {

/// How much of a heap is resident: counted when somebody looks, which is rare because it costs, and followed in between.
///
/// Fresh: nothing has happened since the last look. A guess: only chunks were made since, and count as gone.
/// Pure: time is an argument. Thread: owner's.
class ResidentEstimate {
public:
    /// Its pages were counted.
    void looked(Bytes resident, TimePoint now);
    /// What was occupied once stays resident until the collector uncommits it.
    void occupied(Bytes bytes);
    /// There was a collection. `uncommits`: it may have made the heap smaller, and a guess is none any more.
    void collected(bool uncommits);
    /// Chunks were made. `counts`: of what is resident; else nobody knows of what.
    void inflated(Bytes chunks, bool counts);
    /// So much of it has certainly gone.
    void take_off(Bytes gone) { bytes_ = saturating_sub(bytes_, gone); }
    void distrust() { fresh_ = guess_ = false; }

    [[nodiscard]] Bytes bytes() const { return bytes_; }
    /// Somebody has looked.
    [[nodiscard]] bool is_known() const { return known_; }
    /// As it was seen, and no more is occupied than then.
    [[nodiscard]] bool is_measured() const { return fresh_ && !raised_; }
    /// And not long ago.
    [[nodiscard]] bool is_fresh(TimePoint now) const;
    [[nodiscard]] bool is_guess(TimePoint now) const;

private:
    Bytes bytes_;
    TimePoint looked_at_{};
    bool known_ = false, fresh_ = false, guess_ = false;
    bool raised_ = false;  ///< it has followed what was occupied since the last look
};

}  // namespace aerostat::agent
