#include "jvm-agent/decide/shrink_plan.h"

#include <algorithm>

namespace aerostat::agent {
namespace {

/// Time kept back for the last look and the answer.
constexpr Duration kLastLook = std::chrono::milliseconds(120);
/// How long levers may work alone. The JVM looks at a changed interval once a second, and a cycle takes its time.
constexpr Duration kLeversAlone = std::chrono::milliseconds(1500);
/// What is given back by itself goes within this time once it is due.
constexpr Duration kUncommits = std::chrono::seconds(1);

const char* const kSlight = "collections would not bring enough to be worth them";
const char* const kNothingNew = "no more could be had a short while ago, and nothing has changed since";

ShrinkStep end(EndReason reason, std::string detail = {}) { return {ShrinkAction::end, Bytes(), reason, std::move(detail)}; }

Duration levers_alone(const ShrinkSight& seen) { return std::min(kLeversAlone, seen.deadline / 2); }

/// Beyond the target, rounded up a region.
Bytes missing(const ShrinkSight& seen) {
    return round_up(saturating_sub(seen.footprint, seen.target.footprint) + seen.heap.region, seen.heap.region);
}

/// What chunks still have to take so that the measured footprint comes down to the target.
Bytes wanted_of_chunks(const ShrinkSight& seen) {
    if (!seen.may_inflate) return Bytes();
    return std::min({seen.cap == Cap::hard ? Bytes(Bytes::kLimit) : missing(seen),
                     saturating_sub(seen.balloon_limit, seen.balloon), seen.room});
}

/// By themselves, or for want of any. What the last cycle has freed is given back a while after it.
bool levers_done(const ShrinkSight& seen) {
    const bool over = seen.levers == LeverPhase::unavailable || seen.levers == LeverPhase::spent;
    const bool waits = seen.levers == LeverPhase::spent && keeps_itself_small(seen.heap, seen.target.footprint);
    return over && !(waits && seen.since_levers < seen.heap.gives_back_after + kUncommits);
}

std::string who_needs_the_rest(const HeapFacts& heap) {
    if (heap.alarm.is_zero() || heap.alarm >= heap.max) return "the collector needs the rest to work in";
    if (heap.alarm == kAlarmUnknown) return "what thresholds the program has set on its memory pools cannot be read";
    return "the program has set a threshold of " + format_bytes(heap.alarm) + " on a memory pool, and must not be alarmed";
}

/// The true floor is known, by a cycle that this operation has seen, and nothing is left that could go below it.
bool at_floor(const ShrinkSight& seen) {
    const bool known = seen.live && (seen.cycle_completed || seen.slight);
    if (!known || seen.target.footprint >= seen.floor || !seen.footprint_is_fresh) return false;
    if (seen.footprint <= seen.floor) return true;
    return levers_done(seen) && wanted_of_chunks(seen).is_zero();
}

/// The balloon is as large as the collector can bear beside what is alive, and nothing else gives memory.
bool at_limit(const ShrinkSight& seen) {
    return seen.cycle_completed && seen.footprint_is_fresh && seen.may_inflate && levers_done(seen) &&
           saturating_sub(seen.balloon_limit, seen.balloon) < seen.heap.region;
}

}  // namespace

ShrinkStep next_step(const ShrinkSight& seen) {
    const ShrinkStep look{ShrinkAction::look, {}, {}, {}};
    const ShrinkStep wait{ShrinkAction::wait, {}, {}, {}};
    const bool there = seen.footprint <= seen.target.footprint;
    const Bytes wanted = wanted_of_chunks(seen);
    const bool capped = seen.cap != Cap::hard || wanted.is_zero();
    if (there && seen.footprint_is_fresh && capped) return end(EndReason::met);
    if (seen.hurt) return end(EndReason::gc_distress, "the balloon was hurting the program and was let go");
    if (seen.elapsed >= seen.deadline) return end(EndReason::deadline);
    if (seen.elapsed + kLastLook >= seen.deadline) return seen.footprint_is_fresh ? end(EndReason::deadline) : look;
    if (seen.same_try) return seen.footprint_is_fresh ? end(EndReason::floor, kNothingNew) : look;
    if (seen.levers == LeverPhase::unused && !seen.slight) return {ShrinkAction::pull_levers, {}, {}, {}};
    if (!seen.footprint_is_fresh && (!seen.footprint_is_guess || there)) return look;
    if (at_floor(seen)) return end(EndReason::floor, "the live set is " + format_bytes(*seen.live));
    if (seen.no_chunks.empty() && at_limit(seen)) return end(EndReason::floor, who_needs_the_rest(seen.heap));
    if (!seen.no_chunks.empty() && levers_done(seen) && seen.footprint_is_fresh)
        return end(EndReason::not_reclaimable, "the collector gives no more, and " + seen.no_chunks);
    if (!seen.may_inflate && levers_done(seen) && seen.footprint_is_fresh)
        return end(EndReason::gc_distress, "the collector gives no more, and the balloon has lately hurt the program");
    if (seen.slight && wanted.is_zero()) return seen.footprint_is_fresh ? end(EndReason::floor, kSlight) : look;
    // Levers that only find garbage need not be waited for where enough is free already.
    const bool worth_waiting = seen.levers_give || (!seen.cycle_completed && wanted < missing(seen));
    const bool levers_first = seen.levers == LeverPhase::working && worth_waiting && seen.elapsed < levers_alone(seen);
    if (levers_first && seen.cap != Cap::hard) return wait;
    if (!wanted.is_zero()) return {ShrinkAction::inflate, wanted, {}, {}};
    return seen.footprint_is_fresh ? wait : look;
}

}  // namespace aerostat::agent
