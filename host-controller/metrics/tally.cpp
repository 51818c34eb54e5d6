#include "host-controller/metrics/tally.h"

#include <algorithm>

namespace aerostat::host::metrics {

void Tally::decided(Duration took) {
    ++decisions_;
    deciding_ += took;
}

void Tally::ended(const OperationView& operation) {
    Sum& sum = operations_[operation.command];
    ++sum.ended[operation.reason];
    sum.asked += operation.asked;
    sum.obtained += operation.obtained;
    sum.verified += operation.verified.value_or(Bytes());
    sum.took += operation.elapsed;
}

void Tally::ticked(Duration late) { lateness_ += std::max(Duration{}, late); }

}  // namespace aerostat::host::metrics
