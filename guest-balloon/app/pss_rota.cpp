#include "guest-balloon/app/pss_rota.h"

namespace aerostat::guest {
namespace {

constexpr Duration kEvery = std::chrono::seconds(5);
constexpr int kPauseForCost = 49;  // a reading takes 1 part of 50

}  // namespace

const Jvm* PssRota::next(const JvmBook& jvms, TimePoint now) const {
    if (now < not_before_) return nullptr;
    const Jvm* oldest = nullptr;
    for (const Jvm* jvm : jvms.connected()) {
        const bool due = now - jvm->pss_at >= kEvery;
        if (due && (!oldest || jvm->pss_at < oldest->pss_at)) oldest = jvm;
    }
    return oldest;
}

void PssRota::measured(Duration cost, TimePoint now) { not_before_ = now + cost * kPauseForCost; }

}  // namespace aerostat::guest
