#include "jvm-agent/app/balloon_events.h"

namespace aerostat::agent {

std::vector<BalloonEvent> balloon_events(const BalloonTotals& before, const BalloonTotals& now, const std::string& cause) {
    using Kind = BalloonEvent::Kind;
    std::vector<BalloonEvent> events;
    const Bytes inflated = saturating_sub(now.inflated, before.inflated);
    const HeapBalloonSize largest{before.size.granted + inflated};
    const Bytes deflated = saturating_sub(largest.granted, now.size.granted);
    const Bytes refilled = saturating_sub(now.refilled, before.refilled);
    if (!inflated.is_zero()) events.push_back({Kind::inflate, inflated, largest, cause});
    if (!deflated.is_zero())
        events.push_back({Kind::deflate, deflated, now.size, now.cleared != before.cleared ? "cleared-chunks" : cause});
    if (!refilled.is_zero()) events.push_back({Kind::refill, refilled, now.size, "pages-came-back"});
    return events;
}

}  // namespace aerostat::agent
