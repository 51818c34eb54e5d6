#include "guest-balloon/decide/guard.h"

#include "contract/codec.h"
#include "guest-balloon/decide/os_probe.h"
#include "guest-balloon/decide/os_step.h"
#include "guest-balloon/decide/patched_line.h"
#include "guest-balloon/decide/stall_watch.h"
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

TEST(Guard, AStallOfTheMachineIsTheGuestsOnlyWhereItIsTheMachineOrShortItself) {
    const PressureWord elsewhere{Stalled::machine, true, false, 21_GiB, 1_GiB};
    EXPECT_FALSE(concerns_guest(elsewhere));
    const auto with = [&](auto change) {
        PressureWord seen = elsewhere;
        change(seen);
        return concerns_guest(seen);
    };
    EXPECT_TRUE(with([](auto& s) { s.shares_machine = false; })) << "who else could it be";
    EXPECT_TRUE(with([](auto& s) { s.who = Stalled::container; }));
    EXPECT_TRUE(with([](auto& s) { s.available = 2047_MiB; })) << "short, or soon to be";
    EXPECT_FALSE(with([](auto& s) { s.available = 2_GiB; }));
    const auto without_reserve = [&](Bytes available) {
        return with([available](auto& s) {
            s.reserve = 0_B;
            s.available = available;
        });
    };
    EXPECT_TRUE(without_reserve(0_B)) << "nobody has asked for a reserve, and it is short all the same";
    EXPECT_TRUE(without_reserve(63_MiB));
    EXPECT_FALSE(without_reserve(64_MiB));
    EXPECT_TRUE(with([](auto& s) { s.held_unseen = true; })) << "it may be our hold that stalls it";
    EXPECT_TRUE(with([](auto& s) { s.available = 0_B; })) << "nothing is known: no reason to believe there is room";
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

/// A move of 200 MiB in eight seconds that may make the guest stall one hundredth of the time.
OsMoveSight with_budget() {
    OsMoveSight seen{.holding = 1000_MiB, .target = 800_MiB, .spare = 1_GiB, .left = seconds(8), .within = seconds(8)};
    seen.stall_budget = 0.01;
    seen.proven = 1010_MiB;
    return seen;
}

TEST(OsStep, WithABudgetItTakesBitByBitAndKeepsTimeToSeeWhatCameOfIt) {
    OsMoveSight seen = with_budget();
    const Bytes least_rate = 200_MiB / 80;
    Duration needed{};
    while (saturating_sub(seen.holding, seen.target) > 1_MiB) {
        const OsStep step = next_os_step(seen);
        ASSERT_EQ(step.action, OsAction::reclaim);
        EXPECT_LT(step.bytes, least_rate * 3) << "evenly";
        needed += step.pause;
        seen.left -= step.pause;
        seen.holding = saturating_sub(seen.holding, step.bytes);
    }
    EXPECT_GT(needed, seconds(4));
    EXPECT_GT(seen.left, seconds(1));
    EXPECT_EQ(next_os_step(seen).action, OsAction::watch);
    seen.judged = true;
    EXPECT_EQ(next_os_step(seen).reason, EndReason::met);
    EXPECT_EQ(next_os_step(seen).bytes, 800_MiB);
}

TEST(OsStep, WhereTheBudgetIsPassedItHoldsWhatWasNoTrouble) {
    OsMoveSight seen = with_budget();
    seen.stall = 0.011;
    const OsStep step = next_os_step(seen);
    EXPECT_EQ(step.action, OsAction::hold);
    EXPECT_EQ(step.bytes, 1010_MiB + 1000_MiB / 32) << "with a little room";
    EXPECT_EQ(step.reason, EndReason::guest_pressure);
    seen.stall = 0.009;
    EXPECT_EQ(next_os_step(seen).action, OsAction::reclaim);
    seen.left = milliseconds(150);
    EXPECT_EQ(next_os_step(seen).reason, EndReason::deadline);
}

TEST(StallWatch, SeesTheKernelsFigureAndWhatRefaultsCost) {
    StallWatch watch;
    StallSight seen{1000_MiB, Duration::zero(), 0};
    TimePoint now{seconds(100)};
    const auto later = [&](Duration by, Duration stalled, std::uint64_t refaults) {
        now += by;
        *seen.stalled += stalled;
        *seen.refaults += refaults;
        seen.held = saturating_sub(seen.held, 10_MiB);
        watch.note(seen, 100e-6, now);
    };
    watch.note(seen, std::nullopt, now);
    EXPECT_EQ(watch.stall(), 0);
    later(seconds(1), {}, 0);
    later(seconds(1), milliseconds(60), 0);
    EXPECT_NEAR(watch.stall(), 0.03, 1e-9);
    EXPECT_EQ(watch.proven(), 1000_MiB);
    for (int i = 0; i < 6; ++i) later(seconds(1), {}, 0);
    EXPECT_EQ(watch.stall(), 0) << "over";
    EXPECT_EQ(watch.proven(), 970_MiB) << "what was held five seconds ago";
    later(seconds(1), {}, 200);
    EXPECT_NEAR(watch.stall(), 0.02, 1e-9) << "before the kernel has added it up";
}

TEST(StallWatch, AHoldIsEasedByTheMoreTheFurtherBeyondTheBudgetItIs) {
    EXPECT_EQ(relief(320_MiB, 320_MiB, 0.01, 0.01), 0_B);
    EXPECT_EQ(relief(320_MiB, 320_MiB, 0.02, 0.01), 20_MiB);
    EXPECT_EQ(relief(320_MiB, 320_MiB, 1.0, 0.01), 40_MiB);
    EXPECT_EQ(relief(320_MiB, 200_MiB, 1.0, 0.01), 0_B) << "it is not the hold that makes it stall";
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
