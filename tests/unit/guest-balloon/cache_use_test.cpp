#include "guest-balloon/decide/cache_use.h"

#include <gtest/gtest.h>

// What of a guest's page cache is in use.
namespace aerostat::guest {
namespace {

using namespace aerostat::literals;
using std::chrono::seconds;

class UsedCache : public ::testing::Test {
protected:
    UsedCache() {
        seen.inactive_file = 100_MiB;
        seen.active_file = 400_MiB;
        seen.refaults = 0;
        seen.stalled = Duration::zero();
        seen.read_from_memory = 0;
    }
    /// Programs read so much a second; so many of the pages were missed, each at a stall of 20 us.
    void read(Bytes a_second, std::uint64_t missed = 0, int seconds_long = 120) {
        for (int i = 0; i < seconds_long; ++i) {
            now += seconds(1);
            *seen.read_from_memory += a_second.count();
            *seen.refaults += missed;
            *seen.stalled += std::chrono::microseconds(20 * missed);
            book.observe(seen, now);
            use.observe(seen, book, now);
        }
    }
    /// A page that was read from them.
    void disks_cost_8_us() {
        seen.io_stalled = seconds(80);
        seen.read_in = 10'000'000;
    }
    void read_all_of_a_small_cache() {
        disks_cost_8_us();
        seen.active_file = 96_MiB;
        seen.inactive_file = 4_MiB;
        read(190_MiB, 0, 30);
    }
    [[nodiscard]] Bytes in_use() const { return use.in_use(seen, book); }
    OsSight seen;
    RefaultBook book;
    CacheUse use;
    TimePoint now{std::chrono::hours(1)};
};

TEST_F(UsedCache, IsTheActiveListWhereNobodyKnowsWhatIsRead) {
    seen.read_from_memory.reset();
    use.observe(seen, book, now);
    EXPECT_EQ(in_use(), 400_MiB);
}

TEST_F(UsedCache, IsNothingWhereNobodyReadsButWhatIsMapped) {
    read(0_B);
    EXPECT_EQ(in_use(), 0_B);
    seen.mapped = 30_MiB;
    EXPECT_EQ(in_use(), 30_MiB);
}

TEST_F(UsedCache, IsAllThatIsReadWhereMissingItWouldCostTooMuch) {
    read(40_MiB, 1000);  // learns that a refault costs 20 us
    read(40_MiB, 0, 60);
    EXPECT_NEAR(in_use().as_double(), (400_MiB).as_double(), (1_MiB).as_double())
        << "10,240 pages a second would stall 0.2 s; of a loop a part is as dear as all";
    read(2_MiB, 0, 300);
    // 512 pages a second: a little more than may be missed.
    EXPECT_GT(in_use(), 20_MiB);
    EXPECT_LT(in_use(), 200_MiB);
    read(1_MiB, 0, 300);
    EXPECT_EQ(in_use(), 0_B) << "256 pages a second, half of the budget";
}

TEST_F(UsedCache, IsAllOfItWhereTheGuestStallsAlready) {
    read(40_MiB, 1000, 60);
    EXPECT_EQ(in_use(), seen.cache());
}

TEST_F(UsedCache, CountsAMissAsDearAsReadingFromTheDisksHowLittleRefaultsOfIdlePagesCost) {
    disks_cost_8_us();
    for (int i = 0; i < 60; ++i) *seen.refaults += 1000, read(40_MiB, 0, 1);  // no stall with them
    EXPECT_LT(book.stall_per_refault(), 1e-6);
    read(40_MiB, 0, 60);
    EXPECT_NEAR(in_use().as_double(), (400_MiB).as_double(), (1_MiB).as_double()) << "10,240 pages a second at 8 us";
}

TEST_F(UsedCache, IsNoMoreThanWhatWasEnoughWhileAsMuchWasRead) {
    read_all_of_a_small_cache();
    EXPECT_EQ(in_use(), 96_MiB);
    seen.active_file = 296_MiB;  // files that were read twice, and are left
    seen.inactive_file = 60_MiB;
    read(190_MiB, 0, 60);
    EXPECT_EQ(in_use(), 100_MiB) << "the same is read out of a larger cache";
    read(300_MiB, 0, 60);
    EXPECT_EQ(in_use(), 296_MiB) << "something else is read";
}

TEST_F(UsedCache, WasNotEnoughWhereWhatIsReadSeldomIsMissed) {
    read_all_of_a_small_cache();
    seen.active_file = 200_MiB;
    read(190_MiB, 0, 10);
    EXPECT_EQ(in_use(), 100_MiB);
    read(190_MiB, 4000, 5);  // what is read once a minute
    read(190_MiB, 0, 30);
    EXPECT_NEAR(in_use().as_double(), (200_MiB).as_double(), (1_MiB).as_double());
}

TEST_F(UsedCache, IsNoLargerForRefaultsWithoutAStall) {
    read(40_MiB, 1000);
    const Bytes before = [this] { return read(40_MiB, 0, 60), in_use(); }();
    for (int i = 0; i < 20; ++i) *seen.refaults += 1000, read(40_MiB, 0, 1);
    EXPECT_GT(book.cost_now(), CacheUse::kBearable);
    EXPECT_NEAR(in_use().as_double(), before.as_double(), (8_MiB).as_double()) << "the inactive list is idle yet";
}

}  // namespace
}  // namespace aerostat::guest
