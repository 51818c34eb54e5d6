#include "guest-balloon/decide/guard.h"

#include "contract/codec.h"
#include "guest-balloon/decide/os_probe.h"
#include "guest-balloon/decide/os_step.h"
#include "guest-balloon/decide/patched_line.h"
#include "guest-balloon/decide/time_jump.h"
#include "tests/unit/guest-balloon/guest_fixture.h"

namespace aerostat::guest {
namespace {

TEST(PatchedLine, IsTheMessageWithItsNumberFilledIn) {
    SetHeapTarget order;
    order.session = "s1";
    order.op = "op-1";
    order.target.footprint = Bytes(PatchedLine::kOpen);
    auto line = PatchedLine::make("id", order, "target_bytes");
    ASSERT_TRUE(line);
    for (const Bytes target : {0_B, 1_B, 64_MiB, 1_GiB * 5000}) {
        const auto back = decode_message(line->with(target.count()));
        ASSERT_TRUE(back);
        EXPECT_EQ(std::get<SetHeapTarget>(back->body).target.footprint, target);
        EXPECT_EQ(std::get<SetHeapTarget>(back->body).op, "op-1");
    }
    EXPECT_TRUE(decode_message(line->with(~0ULL))) << "cut to what fits";
    EXPECT_FALSE(PatchedLine::make("id", order, "deadline_ms"));
}

TEST(Guard, RaisesWhatIsWorthMostWithinWhatTheGuestCanBack) {
    std::array<GuardedHeap, 3> heaps{
        {{0, 100_MiB, 1_GiB, 1.0, 0_B}, {1, 200_MiB, 300_MiB, 9.0, 0_B}, {2, 1_GiB, 2_GiB, 0.5, 0_B}}};
    release_heaps(heaps, 500_MiB, 200_MiB);
    Bytes given;
    for (const GuardedHeap& heap : heaps) given += saturating_sub(heap.raised, heap.target);
    EXPECT_EQ(given, 300_MiB) << "available memory less the reserve, and not a byte more";
    EXPECT_EQ(heaps[0].number, 1U);
    EXPECT_EQ(heaps[0].raised, 300_MiB) << "the dearest first, up to its ceiling";
    EXPECT_EQ(heaps[1].raised, 300_MiB);
    EXPECT_EQ(heaps[2].raised, heaps[2].target);
}

TEST(Guard, GivesNothingWhereThereIsNothing) {
    std::array<GuardedHeap, 1> heaps{{{0, 100_MiB, 1_GiB, 1.0, 0_B}}};
    release_heaps(heaps, 200_MiB, 200_MiB);
    EXPECT_EQ(heaps[0].raised, 100_MiB);
    release_heaps(heaps, 0_B, 200_MiB);
    EXPECT_EQ(heaps[0].raised, 100_MiB);
    release_heaps({}, 1_GiB, 0_B);
}

TEST(PressureEdges, TellTheHostOncePerSpell) {
    using News = PressureEdges::News;
    PressureEdges edges;
    TimePoint now{std::chrono::hours(1)};
    EXPECT_EQ(edges.note(now), News::edge);
    EXPECT_EQ(edges.note(now + milliseconds(100)), News::nothing);
    for (int i = 1; i <= 15; ++i) EXPECT_EQ(edges.note(now + milliseconds(500) * i), News::goes_on) << i;
    now += milliseconds(7500);
    EXPECT_TRUE(edges.is_on(now + seconds(1)));
    EXPECT_FALSE(edges.is_on(now + seconds(3)));
    EXPECT_EQ(edges.note(now + seconds(3)), News::edge);
    int told = 0;
    for (int i = 1; i <= 40; ++i) told += edges.note(now + seconds(3) + milliseconds(500) * i) == News::edge ? 1 : 0;
    EXPECT_EQ(told, 1) << "and again every twelve seconds: the host's help has ended by then";
}

TEST(OsStep, TakesInStepsAndHoldsAtItsTarget) {
    OsMoveSight seen{.holding = 1_GiB, .target = 800_MiB, .spare = 1_GiB, .left = seconds(1)};
    EXPECT_EQ(next_os_step(seen).bytes, 64_MiB);
    seen.spare = 10_MiB;
    EXPECT_EQ(next_os_step(seen).bytes, 10_MiB) << "within what can be spared";
    seen.spares_swap = false;
    seen.spare = 1_GiB;
    EXPECT_EQ(next_os_step(seen).bytes, 8_MiB) << "smaller, where a step might reach anonymous memory";
    seen.holding = 800_MiB;
    EXPECT_EQ(next_os_step(seen), (OsStep{OsAction::hold, 800_MiB, EndReason::met, ""}));
}

TEST(OsStep, EndsWithItsReason) {
    const OsMoveSight fine{.holding = 1_GiB, .target = 800_MiB, .spare = 1_GiB, .left = seconds(1)};
    const auto with = [&](auto change) {
        OsMoveSight seen = fine;
        change(seen);
        return next_os_step(seen);
    };
    EXPECT_EQ(with([](auto& s) { s.left = Duration::zero(); }).reason, EndReason::deadline);
    EXPECT_EQ(with([](auto& s) { s.swapped = 1_MiB; }).reason, EndReason::guest_pressure);
    EXPECT_EQ(with([](auto& s) { s.spare = 0_B; }).reason, EndReason::guest_pressure);
    EXPECT_EQ(with([](auto& s) { s.fruitless = 3; }).reason, EndReason::not_reclaimable);
    EXPECT_GT(with([](auto& s) { s.fruitless = 3; }).bytes, fine.holding) << "held with room to breathe";
    EXPECT_EQ(with([](auto& s) { s.pressure = true; }).action, OsAction::let_go);
}

TEST(Probe, IsSmallAndOnlyWhereTheGuestIsCalm) {
    OsSight seen;
    seen.active_file = 1_GiB;
    seen.refaults = 0;
    EXPECT_EQ(probe_size(seen, seconds(60)), 0_B) << "without PSI nobody knows";
    seen.psi_some_avg10 = 0;
    EXPECT_EQ(probe_size(seen, seconds(10)), 0_B);
    EXPECT_EQ(probe_size(seen, seconds(60)), share_of(1_GiB, 0.01));
    seen.psi_some_avg10 = 0.05;
    EXPECT_EQ(probe_size(seen, seconds(60)), share_of(1_GiB, 0.005));
    seen.psi_some_avg10 = 3;
    EXPECT_EQ(probe_size(seen, seconds(60)), 0_B);
}

TEST(TimeJump, IsSeenInTheDifferenceOfClocks) {
    JumpWatch watch;
    Clocks now{TimePoint(seconds(1000)), seconds(1000), seconds(5'000'000)};
    EXPECT_EQ(watch.look(now), "");
    const auto pass = [&](Duration monotonic, Duration boot, Duration wall) {
        now.monotonic += monotonic;
        *now.since_boot += boot;
        *now.wall += wall;
        return watch.look(now);
    };
    EXPECT_EQ(pass(seconds(1), seconds(1), seconds(1)), "");
    EXPECT_EQ(pass(seconds(30), seconds(30), seconds(30)), "") << "a loop that hung is no jump";
    EXPECT_NE(pass(seconds(1), seconds(601), seconds(601)).find("suspended"), std::string::npos);
    EXPECT_EQ(pass(seconds(1), seconds(1), seconds(1)), "");
    EXPECT_NE(pass(seconds(1), seconds(1), seconds(3601)).find("wall clock"), std::string::npos);
    EXPECT_NE(pass(seconds(1), seconds(1), -seconds(3600)).find("wall clock"), std::string::npos);
    EXPECT_EQ(pass(seconds(1), seconds(1), seconds(3)), "") << "NTP mends seconds";
    now.since_boot.reset();
    EXPECT_EQ(watch.look(now), "") << "a source that is missing says nothing";
}

TEST(GuestState, TheGuardEndsARunningSqueezeWithItsReason) {
    Guest guest;
    guest.connect("shop", 10);
    const auto op = guest.ask(Guest::squeeze("shop", 100_MiB));
    ASSERT_TRUE(op);
    Order order;
    order.op = "guard-1";
    order.origin = Origin::guard;
    JvmTask task;
    task.jvm = "shop";
    task.target.footprint = 1_GiB;
    order.tasks.push_back(task);
    guest.state.guard_fired(order, guest.clock.now(), guest.effects);
    EXPECT_EQ(guest.view(*op).reason, EndReason::guest_pressure);
}

}  // namespace
}  // namespace aerostat::guest
