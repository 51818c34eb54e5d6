#pragma once

#include <algorithm>

#include "contract/units.h"

namespace aerostat::agent {

/// By how much a collector that was made to shrink its heap commits more again before the next time: regions that a
/// collection needs beside a young generation that was planned for the larger heap. Pure. Thread: owner's.
class Overshoot {
public:
    /// To be told often.
    void observe(Bytes committed) {
        if (committed < last_) {
            expected_ = (expected_ + saturating_sub(last_, least_)) / 2;
            least_ = committed;
        }
        last_ = committed;
    }
    [[nodiscard]] Bytes expected(Bytes target) const { return std::min(expected_, share_of(target, kMost)); }

private:
    static constexpr double kMost = 0.08;
    Bytes last_, least_{Bytes::kLimit}, expected_;
};

}  // namespace aerostat::agent
