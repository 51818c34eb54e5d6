#include "jvm-agent/decide/size_hold.h"

#include <gtest/gtest.h>

namespace aerostat::agent {
namespace {

using namespace literals;
using namespace std::chrono_literals;

constexpr HeapTarget kTarget{500_MiB};
constexpr TimePoint kNow{1h};

class SizeHoldTest : public testing::Test {
protected:
    SizeHoldTest() {
        heap.max = 1_GiB;
        heap.region = 1_MiB;
        heap.committed = 510_MiB;
        heap.grows_at_pauses = kHoldingGrowsAt;
    }
    void begin() {
        LeisureSight seen;
        seen.heap = heap;
        seen.target = seen.least = kTarget.footprint;
        seen.also_busy = seen.able = true;
        hold.plan().observe(seen, kNow);
        ASSERT_TRUE(hold.holds());
    }
    LeverSight levers(bool under_load, std::optional<Bytes> goal = {}) {
        LeverSight seen{heap, kTarget, std::nullopt, 300_MiB, 20_MiB};
        hold.set_size(seen, under_load, goal);
        return seen;
    }
    HeapFacts heap;
    SizeHold hold{G1Hold::size};
};

TEST_F(SizeHoldTest, IsForHeapsThatSizeThemselvesWhereTheOperatorAllowsIt) {
    EXPECT_TRUE(hold.applies(heap));
    EXPECT_FALSE(SizeHold(G1Hold::chunks).applies(heap));
    EXPECT_FALSE(SizeHold(G1Hold::calm).also_busy());
    heap.grows_at_pauses = 0;
    EXPECT_FALSE(hold.applies(heap));
}

TEST_F(SizeHoldTest, LeavesAHeapThatItDoesNotHoldAlone) { EXPECT_FALSE(hold.holds_under_load(kTarget)); }

TEST_F(SizeHoldTest, MakesChunksWithinWhatIsCommittedUnlessAllIsToBeTakenAtOnce) {
    EXPECT_EQ(hold.chunks_within(heap, Cap::firm).max, 510_MiB);
    EXPECT_EQ(hold.chunks_within(heap, Cap::hard).max, 1_GiB);
    EXPECT_EQ(SizeHold(G1Hold::chunks).chunks_within(heap, Cap::firm).max, 1_GiB);
}

TEST_F(SizeHoldTest, OwesWhatIsResidentBeyondTheTarget) {
    EXPECT_EQ(hold.owed(heap, kTarget, 520_MiB), 20_MiB);
    EXPECT_TRUE(hold.owed(heap, kTarget, 510_MiB).is_zero()) << "so little is not worth the cycles";
    EXPECT_TRUE(SizeHold(G1Hold::chunks).owed(heap, kTarget, 900_MiB).is_zero());
}

TEST_F(SizeHoldTest, KeepsABusyHeapDownThatIsAsLargeAsItsTarget) {
    begin();
    EXPECT_TRUE(hold.holds_down(kTarget, 510_MiB));
    EXPECT_FALSE(hold.holds_down(kTarget, 430_MiB)) << "up to its target it may grow";
    EXPECT_FALSE(hold.holds_down(std::nullopt, 510_MiB));
}

TEST_F(SizeHoldTest, SizesACalmHeapForItsTargetAndBalloon) {
    begin();
    const LeverSight seen = levers(false);
    EXPECT_EQ(seen.size, 520_MiB);
    EXPECT_FALSE(seen.exact || seen.holds_busy);
    EXPECT_EQ(levers(false, 505_MiB).size, 505_MiB) << "but for a step";
}

TEST_F(SizeHoldTest, SizesABusyHeapExactlyOnceItIsOffByMoreThanAFewRegions) {
    begin();
    EXPECT_EQ(levers(true).size, 520_MiB);
    EXPECT_TRUE(levers(true).exact && levers(true).holds_busy);
    heap.committed = 523_MiB;
    EXPECT_FALSE(levers(true).exact);
    for (const Bytes committed : {600_MiB, 500_MiB, 530_MiB, 500_MiB}) hold.observe(committed);
    EXPECT_LT(levers(true).size, 520_MiB) << "smaller by what it grows by between two remarks";
}

}  // namespace
}  // namespace aerostat::agent
