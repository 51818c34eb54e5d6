#include "jvm-agent/decide/resident_estimate.h"

namespace aerostat::agent {
namespace {

constexpr Duration kFreshFor = std::chrono::milliseconds(100);
constexpr Duration kGuessFor = kFreshFor * 5;

}  // namespace

void ResidentEstimate::looked(Bytes resident, TimePoint now) {
    bytes_ = resident;
    looked_at_ = now;
    raised_ = false;
    known_ = fresh_ = guess_ = true;
}

void ResidentEstimate::occupied(Bytes bytes) {
    if (bytes <= bytes_) return;
    bytes_ = bytes;
    raised_ = true;
}

void ResidentEstimate::collected(bool uncommits) {
    fresh_ = false;
    if (uncommits) guess_ = false;
}

void ResidentEstimate::inflated(Bytes chunks, bool counts) {
    if (counts) take_off(chunks);
    guess_ = counts && (fresh_ || guess_);
    fresh_ = false;
}

bool ResidentEstimate::is_fresh(TimePoint now) const { return fresh_ && now - looked_at_ < kFreshFor; }

bool ResidentEstimate::is_guess(TimePoint now) const { return guess_ && now - looked_at_ < kGuessFor; }

}  // namespace aerostat::agent
