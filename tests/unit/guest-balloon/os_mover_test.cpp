// Moves of a container's OS layer, over a folder that stands for its cgroup and a balloon that can be stopped at work.
#include "guest-balloon/app/os_mover.h"

#include <atomic>
#include <semaphore>

#include "tests/support/fake_root.h"
#include "tests/support/loop.h"

namespace aerostat::guest {
namespace {

using namespace aerostat::literals;
using aerostat::testing::run_until;

/// Waits with each call until the test lets it go on, as a kernel that is busy.
class SlowBalloon final : public OsBalloon {
public:
    explicit SlowBalloon(std::unique_ptr<OsBalloon> real) : real_(std::move(real)) {}
    [[nodiscard]] std::string name() const override { return real_->name(); }
    [[nodiscard]] std::string why_not() const override { return real_->why_not(); }
    Status reclaim(Bytes bytes, Bytes holding, std::uint64_t decided_at) override {
        wait();
        return real_->reclaim(bytes, holding, decided_at);
    }
    Status hold(std::optional<Bytes> most, std::uint64_t decided_at) override {
        wait();
        return real_->hold(most, decided_at);
    }
    [[nodiscard]] bool reclaims_without_limit() const override { return real_->reclaims_without_limit(); }
    [[nodiscard]] std::optional<Bytes> held() const override { return real_->held(); }
    void release_now() noexcept override { real_->release_now(); }
    [[nodiscard]] std::uint64_t releases() const noexcept override { return real_->releases(); }

    std::atomic<int> calls{0};
    std::counting_semaphore<> may_go_on{0};

private:
    void wait() {
        ++calls;
        may_go_on.acquire();
    }
    std::unique_ptr<OsBalloon> real_;
};

class OsMoverTest : public ::testing::Test {
protected:
    aerostat::testing::FakeRoot root;
    asio::io_context loop;
    SystemClock clock;
    std::shared_ptr<SlowBalloon> balloon;
    std::unique_ptr<OsMover> mover;
    std::optional<OsOutcome> moved;
    Bytes unheld = 4_GiB;  ///< the machine's memory: this container has no limit of its own

    void start(bool can_reclaim = true) {
        root.write("/memory.high", "max      \n");
        root.write("/memory.max", "max\n");
        if (can_reclaim) root.write("/memory.reclaim", "");
        holds(256_MiB);
        balloon = std::make_shared<SlowBalloon>(cgroup_balloon(2, root.path, root.path + "/os-limit"));
        mover = std::make_unique<OsMover>(loop, clock, balloon, procfs::MemoryCgroup{2, root.path, root.path},
                                          [this](const std::string&, const OsOutcome& outcome) { moved = outcome; });
    }
    // Where the hold is the limit itself.
    void start_in_version_one(Bytes limit, Bytes current) {
        root.write("/memory.limit_in_bytes", std::to_string(limit.count()) + "\n");
        root.write("/memory.usage_in_bytes", std::to_string(current.count()) + "\n");
        root.write("/memory.stat", "");
        unheld = limit;
        balloon = std::make_shared<SlowBalloon>(cgroup_balloon(1, root.path, root.path + "/os-limit"));
        balloon->may_go_on.release(1000);
        mover = std::make_unique<OsMover>(loop, clock, balloon, procfs::MemoryCgroup{1, root.path, root.path},
                                          [this](const std::string&, const OsOutcome& outcome) { moved = outcome; });
    }
    [[nodiscard]] std::uint64_t limit() const { return std::stoull(root.read("/memory.limit_in_bytes")); }
    void TearDown() override {
        if (balloon) balloon->may_go_on.release(100);
        mover.reset();
    }
    void holds(Bytes current) const {
        root.write("/memory.current", std::to_string(current.count()) + "\n");
        root.write("/memory.stat", "active_file 0\ninactive_file " + std::to_string((128_MiB).count()) + "\nanon 0\n");
    }
    void take(Bytes target, Duration within = std::chrono::seconds(60), OnShortfall on_shortfall = OnShortfall::keep) const {
        mover->move(MoveOs{"op-1", target, within, on_shortfall}, Bytes(), false, unheld);
    }
    [[nodiscard]] ::testing::AssertionResult begins(int call) {
        return run_until(loop, [&] { return balloon->calls == call; });
    }
    // Waits until the worker has done what came before: one more job is answered.
    [[nodiscard]] ::testing::AssertionResult worker_is_idle() {
        moved.reset();
        take(Bytes(Bytes::kLimit));
        return run_until(loop, [&] { return moved.has_value(); });
    }
    [[nodiscard]] std::string high() const { return root.read("/memory.high"); }
};

TEST_F(OsMoverTest, AStallWhileTheHoldIsOnItsWayIsNotForgotten) {
    start();
    take(256_MiB);  // is there already: what is left is to hold it
    ASSERT_TRUE(begins(1));
    mover->pressure();
    balloon->may_go_on.release();
    ASSERT_TRUE(run_until(loop, [&] { return moved.has_value(); }));
    EXPECT_EQ(high(), "max      \n");
    EXPECT_FALSE(balloon->held());
    EXPECT_EQ(moved->reason, EndReason::guest_pressure);
}

TEST_F(OsMoverTest, WithoutAStallTheHoldStands) {
    start();
    take(256_MiB);
    balloon->may_go_on.release();
    ASSERT_TRUE(run_until(loop, [&] { return moved.has_value(); }));
    EXPECT_EQ(high(), "268435456\n");
    EXPECT_EQ(moved->reason, EndReason::met);
}

TEST_F(OsMoverTest, AHoldThatIsRaisedStandsUntilAllIsGiven) {
    start();
    balloon->may_go_on.release(100);
    const auto moves_to = [&](Bytes target) {
        moved.reset();
        take(target);
        return run_until(loop, [&] { return moved.has_value(); });
    };
    ASSERT_TRUE(moves_to(256_MiB));
    ASSERT_TRUE(moves_to(512_MiB));
    EXPECT_EQ(high(), "536870912\n") << "a container without a limit is not let go by a little more";
    ASSERT_TRUE(moves_to(unheld));
    EXPECT_FALSE(balloon->held());
}

TEST_F(OsMoverTest, AMoveThatPassesItsDeadlineEndsAndHoldsWithRoomToBreathe) {
    start();
    take(128_MiB, std::chrono::milliseconds(50));
    ASSERT_TRUE(begins(1));
    ASSERT_TRUE(run_until(loop, [&] { return moved.has_value(); }));
    EXPECT_EQ(moved->reason, EndReason::deadline);
    balloon->may_go_on.release(2);
    ASSERT_TRUE(run_until(loop, [&] { return high() == "301989888\n"; })) << high();
    EXPECT_FALSE(mover->is_moving());
}

TEST_F(OsMoverTest, AMoveThatPassesItsDeadlineIsRolledBackWhereThatWasAskedFor) {
    start();
    take(256_MiB);
    balloon->may_go_on.release();
    ASSERT_TRUE(run_until(loop, [&] { return moved.has_value(); }));
    moved.reset();
    take(128_MiB, std::chrono::milliseconds(50), OnShortfall::rollback);
    ASSERT_TRUE(run_until(loop, [&] { return moved.has_value(); }));
    ASSERT_TRUE(begins(2));
    root.write("/memory.high", "201326592\n");  // as where taking needs a limit
    balloon->may_go_on.release(2);
    ASSERT_TRUE(run_until(loop, [&] { return high() == "268435456\n"; })) << high();
    EXPECT_FALSE(mover->is_moving());
}

TEST_F(OsMoverTest, AProbeNeverSetsALimit) {
    start(false);
    balloon->may_go_on.release(10);
    mover->probe(4_MiB);
    ASSERT_TRUE(worker_is_idle());
    EXPECT_EQ(high().substr(0, 3), "max");
    EXPECT_EQ(balloon->calls, 1) << "only the end of the move after it";
}

TEST_F(OsMoverTest, AProbeTakesPageCacheWhereTheKernelCan) {
    start();
    balloon->may_go_on.release(10);
    mover->probe(4_MiB);
    ASSERT_TRUE(worker_is_idle());
    EXPECT_EQ(root.read("/memory.reclaim").substr(0, 7), "4194304");
}

TEST_F(OsMoverTest, AHoldThatMakesTheGuestStallBeyondItsBudgetIsEased) {
    start();
    ManualClock time;
    mover = std::make_unique<OsMover>(loop, time, balloon, procfs::MemoryCgroup{2, root.path, root.path},
                                      [this](const std::string&, const OsOutcome& outcome) { moved = outcome; });
    mover->keep_within(0.01, root.path + "/memory.pressure");
    balloon->may_go_on.release(10);
    take(256_MiB);
    ASSERT_TRUE(run_until(loop, [&] { return moved.has_value(); }));
    ASSERT_EQ(high(), "268435456\n");
    StallSight seen{256_MiB, Duration::zero(), 0};
    const auto second = [&](Duration stalled) {
        time.advance(std::chrono::seconds(1));
        *seen.stalled += stalled;
        mover->watch(seen, std::nullopt, unheld);
    };
    for (int i = 0; i < 5; ++i) second(std::chrono::milliseconds(10));
    second(std::chrono::milliseconds(100));
    ASSERT_TRUE(run_until(loop, [&] { return high() == "301989888\n"; })) << high() << " and not before: an eighth more";
    EXPECT_EQ(balloon->held(), 288_MiB);
    mover.reset();
}

TEST_F(OsMoverTest, AHoldThatIsEasedUpToWhatWasAllowedBeforeItGoes) {
    start_in_version_one(128_MiB, 112_MiB);
    ManualClock time;
    mover = std::make_unique<OsMover>(loop, time, balloon, procfs::MemoryCgroup{1, root.path, root.path},
                                      [this](const std::string&, const OsOutcome& outcome) { moved = outcome; });
    take(112_MiB);
    ASSERT_TRUE(run_until(loop, [&] { return moved.has_value(); }));
    ASSERT_EQ(limit(), (112_MiB).count());
    mover->keep_within(0.01, root.path + "/memory.pressure");
    StallSight seen{112_MiB, Duration::zero(), 0};
    std::uint64_t most = 0;
    EXPECT_TRUE(run_until(loop, [&] {
        most = std::max(most, limit());
        const auto held = balloon->held();
        seen.held = held.value_or(seen.held);
        time.advance(std::chrono::seconds(1));
        *seen.stalled += std::chrono::milliseconds(500);
        mover->watch(seen, std::nullopt, unheld);  // it stalls whatever it is given
        return !held || most > unheld.count();
    }));
    EXPECT_EQ(std::max(most, limit()), unheld.count());  // the last one may have come behind the look above
    EXPECT_FALSE(balloon->held());
    mover.reset();
}

TEST_F(OsMoverTest, AMoveThatGetsNothingNeverAllowsMoreThanWasAllowedBefore) {
    start_in_version_one(128_MiB, 127_MiB);  // there is no page cache: nothing to spare
    take(112_MiB);
    ASSERT_TRUE(run_until(loop, [&] { return moved.has_value(); }));
    EXPECT_EQ(moved->reason, EndReason::guest_pressure);
    EXPECT_EQ(limit(), (128_MiB).count());
    EXPECT_FALSE(balloon->held());
}

TEST_F(OsMoverTest, AMoveThatIsCancelledNeverAllowsMoreThanWasAllowedBefore) {
    start();
    root.write("/memory.high", "301989888\n");
    unheld = 288_MiB;  // an operator's memory.high
    take(128_MiB);
    ASSERT_TRUE(begins(1));
    mover->cancel(CancelOs{"op-1", OnShortfall::keep});
    holds(272_MiB);
    balloon->may_go_on.release(10);
    ASSERT_TRUE(run_until(loop, [&] { return moved.has_value(); }));
    EXPECT_EQ(moved->reason, EndReason::cancelled);
    EXPECT_EQ(high(), "301989888\n");
    EXPECT_FALSE(balloon->held());
}

TEST_F(OsMoverTest, AStallBetweenTwoBitsEndsTheMoveAndNothingMoreIsTaken) {
    start();
    mover->keep_within(0.01, root.path + "/memory.pressure");
    balloon->may_go_on.release(10);
    take(128_MiB);
    ASSERT_TRUE(run_until(loop, [&] { return balloon->calls >= 1; }));
    EXPECT_EQ(std::stoull(root.read("/memory.reclaim")), (256_KiB).count()) << "bit by bit over a minute";
    const int calls = balloon->calls;
    mover->pressure();
    ASSERT_TRUE(run_until(loop, [&] { return moved.has_value(); }));
    EXPECT_EQ(moved->reason, EndReason::guest_pressure);
    EXPECT_FALSE(balloon->held());
    EXPECT_LE(balloon->calls, calls + 2) << "a bit that was on its way, and the end of the hold";
}

}  // namespace
}  // namespace aerostat::guest
