#pragma once

#include <algorithm>

#include "contract/clock.h"
#include "contract/units.h"

namespace aerostat::agent {

/// By how much a heap that is held by its soft maximum alone passes it: what the program allocates until a cycle that begins
/// there is over. So much lower the soft maximum has to be for the heap to keep to its target. Pure: time is an argument.
/// Thread: owner's.
class SoftOvershoot {
public:
    /// To be told at each look at such a heap, unless it is being brought down to a target.
    void observe(Bytes resident, Bytes target, TimePoint now) {
        const Bytes beyond = std::min(saturating_sub(resident, target), share_of(target, kMost));
        if (beyond >= expected_ || now - faded_at_ >= kFadesEvery) {
            expected_ = std::max(beyond, share_of(expected_, kStays));
            faded_at_ = now;
        }
    }
    [[nodiscard]] Bytes expected(Bytes target) const { return std::min(expected_, share_of(target, kMost)); }

private:
    static constexpr double kMost = 1.0 / 8;
    static constexpr double kStays = 0.95;
    static constexpr Duration kFadesEvery = std::chrono::seconds(1);
    Bytes expected_;
    TimePoint faded_at_{};
};

}  // namespace aerostat::agent
