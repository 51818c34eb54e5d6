#include <gtest/gtest.h>

#include <array>
#include <span>

#include "jvm-agent/decide/live_estimate.h"
#include "tests/unit/jvm-agent/heap_on_paper.h"

// Live sets concluded from collectors' own logs: Churn with 100 MiB alive in 700, of which 30 % of what it allocates
// replaces parts. The last collection of each is full: what it left was alive.
namespace aerostat::agent {
namespace {

using namespace literals;
using namespace std::chrono_literals;

enum class Pause { young, remark, cleanup, full };
/// MiB in use when it began, and at its end.
struct Seen {
    Pause pause;
    std::uint64_t before, after;
};

// JDK 17, G1: loading, and two cycles with their mixed collections.
constexpr auto kG1 = std::to_array<Seen>(
    {{Pause::young, 18, 18},    {Pause::young, 33, 33},     {Pause::young, 48, 49},    {Pause::young, 64, 64},
     {Pause::young, 79, 80},    {Pause::young, 102, 102},   {Pause::young, 123, 111},  {Pause::young, 132, 119},
     {Pause::young, 140, 128},  {Pause::young, 153, 137},   {Pause::young, 167, 149},  {Pause::young, 187, 163},
     {Pause::young, 201, 178},  {Pause::young, 222, 194},   {Pause::young, 246, 211},  {Pause::young, 244, 223},
     {Pause::young, 292, 246},  {Pause::young, 280, 256},   {Pause::young, 340, 282},  {Pause::young, 301, 288},
     {Pause::young, 404, 323},  {Pause::young, 340, 328},   {Pause::remark, 345, 322}, {Pause::cleanup, 356, 356},
     {Pause::young, 383, 331},  {Pause::young, 352, 315},   {Pause::young, 343, 303},  {Pause::young, 331, 291},
     {Pause::young, 320, 254},  {Pause::young, 282, 208},   {Pause::young, 241, 221},  {Pause::young, 340, 255},
     {Pause::young, 272, 260},  {Pause::young, 377, 294},   {Pause::young, 468, 335},  {Pause::young, 487, 369},
     {Pause::remark, 407, 371}, {Pause::cleanup, 420, 420}, {Pause::young, 471, 364},  {Pause::young, 377, 303},
     {Pause::young, 331, 249},  {Pause::young, 277, 198},   {Pause::young, 226, 200},  {Pause::young, 449, 256},
     {Pause::young, 471, 291},  {Pause::young, 491, 325},   {Pause::young, 505, 357},  {Pause::young, 515, 391},
     {Pause::remark, 421, 404}, {Pause::cleanup, 422, 422}, {Pause::full, 500, 108}});

// JDK 17, Parallel.
constexpr auto kParallel = std::to_array<Seen>(
    {{Pause::young, 95, 91},   {Pause::young, 186, 125}, {Pause::young, 315, 168}, {Pause::young, 358, 212},
     {Pause::full, 414, 108},  {Pause::young, 310, 160}, {Pause::young, 238, 184}, {Pause::young, 262, 198},
     {Pause::young, 276, 208}, {Pause::young, 286, 217}, {Pause::young, 295, 227}, {Pause::young, 305, 240},
     {Pause::young, 318, 256}, {Pause::young, 334, 272}, {Pause::young, 350, 288}, {Pause::full, 366, 108},
     {Pause::young, 186, 136}, {Pause::young, 214, 152}, {Pause::young, 230, 168}, {Pause::young, 178, 170},
     {Pause::full, 170, 108}});

class Replay {
public:
    explicit Replay(CollectionKind kind) {
        heap_.kind = kind;
        heap_.max = heap_.committed = 700_MiB;
        heap_.region = 1_MiB;
        heap_.waste = kind == CollectionKind::young_and_marking ? 35_MiB : 0_B;
        live_.observe(heap_, Bytes(), now_);
    }
    void play(const Seen& seen) {
        now_ += 200ms;
        heap_.used = heap_.used_after_gc = 1_MiB * seen.after;
        heap_.freed += 1_MiB * (seen.before > seen.after ? seen.before - seen.after : 0);
        const bool collects = seen.pause == Pause::young || seen.pause == Pause::full;
        if (seen.pause == Pause::young) ++heap_.young_gcs;
        if (seen.pause == Pause::full) ++*heap_.full_gcs;
        if (!collects) ++heap_.cycle_pauses;
        application_ = collects ? heap_.used : std::min(application_, heap_.used);
        live_.observe(heap_, application_, now_);
    }
    [[nodiscard]] Bytes assumed() const { return live_.assumed(now_).value(); }

private:
    HeapFacts heap_ = four_gib();
    LiveEstimate live_;
    Bytes application_;
    TimePoint now_{1h};
};

Bytes truth_of(std::span<const Seen> log) { return 1_MiB * log.back().after; }

TEST(LiveSetReplay, G1sIsNeverTakenForLessThanItIsAndAfterItsSecondSearchNotForMuchMore) {
    Replay replay(CollectionKind::young_and_marking);
    const std::span<const Seen> log = kG1;
    const Bytes truth = truth_of(log);
    int remarks = 0, since_remark = 0;
    for (const Seen& seen : log.first(log.size() - 1)) {
        replay.play(seen);
        ++since_remark;
        if (seen.pause == Pause::remark) {
            ++remarks;
            since_remark = 0;
        }
        const bool has_loaded = seen.before > 130;
        const bool has_searched_twice = remarks >= 2 && since_remark >= 6;
        if (has_loaded) {
            EXPECT_GE(replay.assumed(), truth) << seen.before;
        }
        if (has_searched_twice) {
            EXPECT_LE(replay.assumed(), share_of(truth, 1.4)) << seen.before;
        }
    }
    ASSERT_GE(remarks, 2);
}

TEST(LiveSetReplay, ParallelsIsLearntFromFullCollections) {
    Replay replay(CollectionKind::stop_the_world);
    const std::span<const Seen> log = kParallel;
    const Bytes truth = truth_of(log);
    int full = 0;
    for (const Seen& seen : log) {
        replay.play(seen);
        if (seen.pause == Pause::full) ++full;
        if (full >= 1) {
            EXPECT_GE(replay.assumed(), share_of(truth, 0.95)) << seen.before;
        }
        if (full >= 2) {
            EXPECT_LE(replay.assumed(), share_of(truth, 1.05)) << seen.before;
        }
    }
    ASSERT_GE(full, 3);
}

}  // namespace
}  // namespace aerostat::agent
