#include "guest-balloon/decide/os_cost.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "guest-balloon/decide/offers.h"

namespace aerostat::guest {
namespace {

using namespace aerostat::literals;
using std::chrono::seconds;

/// A guest that reads files, whose truth is known: so many pages needed again a second with so much cache, each at a price.
class Reader {
public:
    explicit Reader(std::function<double(Bytes)> refaults_per_second, double stall = 200e-6)
        : rate_(std::move(refaults_per_second)), stall_(stall) {
        seen.total = 2_GiB;
        seen.anonymous = 512_MiB;
        seen.refaults = 0;
        seen.stolen = 0;
        seen.stalled = Duration::zero();
        with_cache(1_GiB);
    }
    OsSight seen;
    RefaultBook book;
    TimePoint now{std::chrono::hours(1)};

    void with_cache(Bytes cache) {
        const Bytes taken = saturating_sub(seen.cache(), cache);
        *seen.stolen += taken.count() / kPage.count();
        seen.inactive_file = cache / 2;
        seen.active_file = saturating_sub(cache, cache / 2);
        seen.unused = 64_MiB;
        seen.total = 512_MiB + cache + 64_MiB;
        seen.available = cache + 64_MiB;
    }
    void runs(int seconds_long) {
        for (int i = 0; i < seconds_long; ++i) {
            now += seconds(1);
            *seen.refaults += static_cast<std::uint64_t>(rate_(seen.cache()));
            *seen.stalled += Duration(std::llround(rate_(seen.cache()) * stall_ * 1e9));
            book.observe(seen, now);
        }
    }
    [[nodiscard]] double truth(Bytes cache) const { return rate_(cache) * stall_; }
    [[nodiscard]] OsPicture layer(Bytes taken = 0_B) const { return os_picture_of(seen, book, {0_B, 64_MiB, taken}); }
    /// The curve where the cache is this large.
    [[nodiscard]] double predicted(Bytes cache) const {
        const OsPicture now_layer = layer();
        return now_layer.curve.evaluate(saturating_sub(now_layer.size, saturating_sub(seen.cache(), cache)));
    }

private:
    std::function<double(Bytes)> rate_;
    double stall_;
};

// Uniformly random reads over a set of `set` bytes: what does not fit is missed.
std::function<double(Bytes)> random_reads(Bytes set, double reads_per_second) {
    return [=](Bytes cache) { return reads_per_second * std::max(0.0, 1 - cache.as_double() / set.as_double()); };
}

// A loop over a set under LRU: all or nothing.
std::function<double(Bytes)> loop_over(Bytes set, double reads_per_second) {
    return [=](Bytes cache) { return cache < set ? reads_per_second : 0.0; };
}

void expect_convex(const CostCurve& curve) {
    const auto points = curve.points();
    EXPECT_TRUE(CostCurve::make({points.begin(), points.end()}));
}

TEST(OsCost, FreeMemoryAboveTheReserveCostsNothing) {
    Reader reader(random_reads(512_MiB, 0));
    reader.seen.unused = 300_MiB;
    reader.seen.total = 3_GiB;
    reader.seen.available = 1_GiB + 300_MiB;
    const OsPicture layer = reader.layer();
    EXPECT_EQ(layer.spare, 236_MiB);
    EXPECT_EQ(layer.curve.price_of_taking(layer.size), 0);
    EXPECT_EQ(layer.curve.evaluate(saturating_sub(layer.size, 236_MiB)), 0);
    EXPECT_GT(layer.curve.evaluate(saturating_sub(layer.size, 240_MiB)), 0);
    expect_convex(layer.curve);
}

TEST(OsCost, BeforeAnythingIsLearnedThePriorHolds) {
    const Reader reader(random_reads(512_MiB, 0));
    const OsPicture layer = reader.layer();
    const double pages_per_gib = (1_GiB).as_double() / kPage.as_double();
    const double inactive = layer.curve.price_of_taking(saturating_sub(layer.size, 256_MiB)) * (1_GiB).as_double();
    EXPECT_NEAR(inactive, RefaultBook::kPriorStall * pages_per_gib / 1800, 1e-6) << "once in half an hour";
    const double active = layer.curve.price_of_taking(saturating_sub(layer.size, 800_MiB)) * (1_GiB).as_double();
    EXPECT_NEAR(active, RefaultBook::kPriorStall * pages_per_gib / 30, 1e-6) << "once in half a minute";
}

TEST(OsCost, TheReserveAndWhatWouldBeSwappedAreNeverOffered) {
    Reader reader(random_reads(512_MiB, 0));
    const OsPicture dry = reader.layer();
    EXPECT_EQ(dry.curve.floor(), dry.floor) << "without swap, below the cache there is nothing";
    EXPECT_EQ(dry.floor, saturating_sub(dry.size, 1_GiB)) << "64 MiB stay unused";
    reader.seen.swap_free = 256_MiB;
    const OsPicture wet = reader.layer();
    EXPECT_EQ(wet.curve.floor(), saturating_sub(wet.floor, 256_MiB));
    EXPECT_GT(wet.curve.price_of_taking(wet.floor) * (1_GiB).as_double(), 999) << "a price that nobody pays";
    expect_convex(wet.curve);
}

TEST(OsCost, ASecondsStallPerRefaultIsLearned) {
    Reader reader(random_reads(2_GiB, 4000), 80e-6);
    EXPECT_FALSE(reader.book.has_learned_stall());
    reader.runs(60);
    EXPECT_TRUE(reader.book.has_learned_stall());
    EXPECT_NEAR(reader.book.stall_per_refault(), 80e-6, 5e-6);
}

TEST(OsCost, AWorkloadThatWasSqueezedOnceIsPredicted) {
    Reader reader(random_reads(1_GiB, 5000));
    reader.runs(10);
    for (const Bytes cache : {960_MiB, 896_MiB, 832_MiB, 768_MiB, 640_MiB}) {
        reader.with_cache(cache);
        reader.runs(10);
    }
    reader.with_cache(1_GiB);
    reader.runs(10);
    for (const Bytes cache : {960_MiB, 832_MiB, 700_MiB}) {
        EXPECT_NEAR(reader.predicted(cache), reader.truth(cache), 0.15 * reader.truth(cache)) << format_bytes(cache);
    }
    expect_convex(reader.layer().curve);
}

TEST(OsCost, ACliffMakesAllBelowItDear) {
    Reader reader(loop_over(900_MiB, 3000));
    reader.runs(10);
    for (const Bytes cache : {960_MiB, 920_MiB, 880_MiB}) {
        reader.with_cache(cache);
        reader.runs(10);
    }
    reader.with_cache(1_GiB);
    reader.runs(20);
    EXPECT_LT(reader.predicted(920_MiB), 0.01) << "above the working set it is cheap";
    for (const Bytes cache : {880_MiB, 800_MiB, 500_MiB}) EXPECT_GE(reader.predicted(cache), 0.9 * reader.truth(cache));
    expect_convex(reader.layer().curve);
}

TEST(OsCost, ASmallCacheBeforeAnythingWasTakenTeachesNothing) {
    Reader reader(random_reads(1_GiB, 0));
    for (const Bytes cache : {100_MiB, 300_MiB, 600_MiB, 1_GiB}) {  // a guest that has just been started
        reader.with_cache(cache);
        reader.runs(10);
    }
    EXPECT_TRUE(reader.book.seen_below(1_GiB).empty());
}

TEST(OsCost, ADeletedFileTeachesNothing) {
    Reader reader(random_reads(1_GiB, 0));
    reader.runs(10);
    reader.with_cache(400_MiB);
    reader.seen.stolen = 0;
    reader.runs(30);
    EXPECT_TRUE(reader.book.seen_below(1_GiB).empty());
}

TEST(OsCost, WhatWasLearnedFades) {
    Reader reader(random_reads(1_GiB, 5000));
    reader.runs(10);
    reader.with_cache(700_MiB);
    reader.runs(10);
    reader.with_cache(1_GiB);
    EXPECT_FALSE(reader.book.seen_below(1_GiB).empty());
    for (int hours = 0; hours < 2; ++hours) reader.runs(3600);
    EXPECT_TRUE(reader.book.seen_below(1_GiB).empty());
}

TEST(OsCost, WhatThrashesIsWorthGivingTo) {
    Reader reader(random_reads(1_GiB, 5000));
    reader.runs(5);
    reader.with_cache(800_MiB);
    reader.runs(30);
    const OsPicture layer = reader.layer(1_GiB);
    EXPECT_EQ(layer.curve.ceiling(), layer.size + 1_GiB);
    const double saved = layer.curve.evaluate(layer.size) - layer.curve.evaluate(layer.size + 224_MiB);
    EXPECT_NEAR(saved, reader.truth(800_MiB), 0.2 * reader.truth(800_MiB));
    EXPECT_LE(layer.curve.gain_of_giving(layer.size + 300_MiB), 1e-15) << "more than it ever had is worth nothing known";
}

TEST(OsCost, ABudgetOfStallIsTurnedIntoMemory) {
    const CostCurve curve = *CostCurve::make({{100_MiB, 1.0}, {200_MiB, 0.1}, {400_MiB, 0.0}, {500_MiB, 0.0}});
    EXPECT_EQ(least_within(curve, 500_MiB, 0.05), 300_MiB);
    EXPECT_EQ(least_within(curve, 500_MiB, 0.0), 400_MiB);
    EXPECT_EQ(least_within(curve, 300_MiB, 0.05), 200_MiB) << "beyond what it costs now";
    EXPECT_EQ(least_within(curve, 500_MiB, 5.0), 100_MiB);
    EXPECT_EQ(least_within(CostCurve::flat(1_MiB, 9_MiB), 9_MiB, 0), 1_MiB);
}

TEST(OsCost, AnyFiguresGiveACurve) {
    std::uint64_t state = 7;
    const auto any = [&](std::uint64_t below) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        return (state >> 20U) % below;
    };
    RefaultBook book;
    TimePoint now{std::chrono::hours(1)};
    for (int i = 0; i < 20'000; ++i) {
        OsSight seen;
        const std::uint64_t most = 1ULL << any(63);
        for (Bytes* figure : {&seen.total, &seen.available, &seen.unused, &seen.active_file, &seen.inactive_file,
                              &seen.anonymous, &seen.swap_free})
            *figure = Bytes(any(most));
        if (any(4) != 0) seen.refaults = any(1ULL << 60U);
        if (any(4) != 0) seen.stalled = Duration(static_cast<std::int64_t>(any(1ULL << 60U)));
        if (any(4) != 0) seen.stolen = any(1ULL << 60U);
        now += Duration(static_cast<std::int64_t>(any(1ULL << 36U)));
        book.observe(seen, now);
        const CostCurve offers = merge(offer_of(Bytes(any(most)), 0.2), offer_of(Bytes(any(1ULL << 30U)), 20));
        const OsPicture layer = os_picture_of(seen, book, {Bytes(any(most)), Bytes(any(most)), Bytes(any(most)), offers});
        expect_convex(layer.curve);
        expect_convex(layer.own);
        ASSERT_LE(due_of_offers(layer.own, layer.offers, Bytes(any(most))), layer.offered);
        ASSERT_LE(layer.floor, layer.size);
        const Bytes least = least_within(layer.curve, layer.size, 0.01);
        ASSERT_LE(least, std::clamp(layer.size, layer.curve.floor(), layer.curve.ceiling()));
    }
}

TEST(OsCost, TheAssumedPriceOfARefaultIsWhatReadingFromTheDisksHasCostIfThatIsLess) {
    OsSight seen;
    seen.refaults = 0;
    seen.io_stalled = seconds(10);
    seen.read_in = 1'000'000;
    RefaultBook book;
    book.observe(seen, TimePoint(seconds(1)));
    EXPECT_NEAR(book.stall_per_refault(), 10e-6, 1e-6);
    seen.io_stalled = seconds(10'000);
    book.observe(seen, TimePoint(seconds(2)));
    EXPECT_EQ(book.stall_per_refault(), RefaultBook::kPriorStall);
}

// What applications offer.

TEST(Offers, ComeAfterFreeMemoryAndIdleCacheByTheirPrice) {
    Reader reader([](Bytes) { return 0.0; });
    reader.with_cache(1_GiB);
    const OsPicture alone = reader.layer();
    const CostCurve offers = offer_of(100_MiB, 0.5);
    const OsPicture layer = os_picture_of(reader.seen, reader.book, {0_B, 64_MiB, 0_B, offers});
    EXPECT_EQ(layer.offered, 100_MiB);
    EXPECT_EQ(layer.floor, saturating_sub(alone.floor, 100_MiB));
    EXPECT_EQ(layer.own, alone.curve);
    EXPECT_EQ(layer.curve.ceiling(), alone.curve.ceiling());
    const double gib = static_cast<double>(1ULL << 30U);
    const Bytes idle_gone = saturating_sub(layer.size, layer.spare + reader.seen.inactive_file);
    EXPECT_LT(layer.curve.price_of_taking(idle_gone + 1_MiB) * gib, 0.1) << "idle cache goes first";
    EXPECT_NEAR(layer.curve.price_of_taking(idle_gone) * gib, 0.5, 0.01) << "then what is offered";
    EXPECT_GT(layer.curve.price_of_taking(saturating_sub(idle_gone, 101_MiB)) * gib, 1) << "then cache in use";
}

TEST(Offers, AreNoMoreThanWhatIsHeldOutsideTheHeaps) {
    Reader reader([](Bytes) { return 0.0; });
    const CostCurve offers = offer_of(1024_GiB, 0.5);
    EXPECT_EQ(os_picture_of(reader.seen, reader.book, {0_B, 64_MiB, 0_B, offers}).offered, 512_MiB);
    EXPECT_EQ(os_picture_of(reader.seen, reader.book, {400_MiB, 64_MiB, 0_B, offers}).offered, 112_MiB);
    EXPECT_EQ(os_picture_of(reader.seen, reader.book, {600_MiB, 64_MiB, 0_B, offers}).offered, 0_B);
}

TEST(Offers, AreTakenUpAsFarAsNothingElseIsCheaper) {
    // 100 MiB that cost nothing, 100 MiB at 2, 100 MiB at 8; and 50 MiB offered at 1, 50 at 5.
    const double mib = 1.0 / 1024;
    const CostCurve own = *CostCurve::make({{100_MiB, 1000 * mib}, {200_MiB, 200 * mib}, {300_MiB, 0}, {400_MiB, 0}});
    const CostCurve offers = merge(offer_of(50_MiB, 1), offer_of(50_MiB, 5));
    EXPECT_EQ(due_of_offers(own, offers, 400_MiB), 0_B);
    EXPECT_EQ(due_of_offers(own, offers, 300_MiB), 0_B) << "what is free goes first";
    EXPECT_EQ(due_of_offers(own, offers, 280_MiB), 20_MiB);
    EXPECT_EQ(due_of_offers(own, offers, 250_MiB), 50_MiB);
    EXPECT_EQ(due_of_offers(own, offers, 160_MiB), 50_MiB) << "the cheap cache beyond it";
    EXPECT_EQ(due_of_offers(own, offers, 120_MiB), 80_MiB) << "then the dear offer";
    EXPECT_EQ(due_of_offers(own, offers, 20_MiB), 100_MiB) << "all of it where the floor is in the way";
    EXPECT_EQ(due_of_offers(own, offers, 0_B), 100_MiB) << "also where that is not enough";
    EXPECT_EQ(due_of_offers(own, CostCurve(), 120_MiB), 0_B);
    const CostCurve both = with_offers(own, offers);
    EXPECT_EQ(both.floor(), 0_B);
    EXPECT_EQ(both.ceiling(), 400_MiB);
}

}  // namespace
}  // namespace aerostat::guest
