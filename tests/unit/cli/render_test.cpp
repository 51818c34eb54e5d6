#include "cli/render.h"

#include <gmock/gmock.h>

#include "tests/support/builders.h"

namespace aerostat::cli {
namespace {

using namespace aerostat::literals;
using aerostat::testing::a_guest_view;
using ::testing::HasSubstr;
using ::testing::Not;

StatusView a_status() {
    StatusView status;
    status.daemon = "hostd";
    status.name = "rack1";
    status.software = "0.1.0";
    status.mode = "act";
    status.policy = "price";
    status.memory = 6_GiB;
    status.charged = 4_GiB;
    status.price = 0.0125;
    status.guests = {a_guest_view("orders")};
    return status;
}

OperationView an_operation(EndReason reason) {
    OperationView operation;
    operation.op = "op-17";
    operation.command = "squeeze";
    operation.target = "orders/api";
    operation.asked = 512_MiB;
    operation.obtained = 300_MiB;
    operation.verified = 298_MiB;
    operation.shortfall = 212_MiB;
    operation.reason = reason;
    operation.deadline = Millis(5000);
    operation.elapsed = Millis(840);
    return operation;
}

TEST(RenderStatus, ShowsTheHostAndItsGuests) {
    const std::string text = render_status(a_status(), {});
    EXPECT_THAT(
        text,
        HasSubstr(
            "hostd rack1, mode act, policy price, memory 6.00 GiB, charged 4.00 GiB, price 12 ms/s a GiB, version 0.1.0\n"));
    EXPECT_THAT(text, HasSubstr("orders  connected"));
    EXPECT_THAT(text, HasSubstr("session:4711"));
}

TEST(RenderStatus, SaysWhatIsWrong) {
    StatusView status = a_status();
    status.warnings = {"the kernel has no PSI"};
    status.short_by = 512_MiB;
    status.paused = true;
    status.guests.clear();
    const std::string text = render_status(status, {});
    EXPECT_THAT(text, HasSubstr("warning: the kernel has no PSI\n"));
    EXPECT_THAT(text, HasSubstr("exceed the budget by 512 MiB"));
    EXPECT_THAT(text, HasSubstr(", paused"));
    EXPECT_THAT(text, HasSubstr("no guests\n"));
}

TEST(RenderJvms, ShowsTheBalloonAsAClassOfItsOwn) {
    const std::string text = render_jvms(a_status(), {});
    EXPECT_THAT(text, HasSubstr("BALLOON"));
    EXPECT_THAT(text, HasSubstr("64 MiB"));
    EXPECT_THAT(text, HasSubstr("12.5 %"));
}

TEST(RenderJvms, SaysWhyThereIsNoBalloon) {
    StatusView status = a_status();
    auto& facts = status.guests[0].jvms[0].report.facts;
    facts.can_balloon = false;
    facts.why_not = "AlwaysPreTouch";
    EXPECT_THAT(render_jvms(status, {}), HasSubstr("no balloon: AlwaysPreTouch"));
    status.guests.clear();
    EXPECT_EQ(render_jvms(status, {}), "no JVMs\n");
}

TEST(RenderJvms, SaysHowATargetIsHeld) {
    StatusView status = a_status();
    auto& report = status.guests[0].jvms[0].report;
    report.distress.clear();
    report.running_op.clear();
    report.held = "by its size";
    report.levers = {"MaxHeapFreeRatio=10"};
    EXPECT_THAT(render_jvms(status, {}), HasSubstr("held by its size; MaxHeapFreeRatio=10"));
}

TEST(RenderOperation, SaysInOneLineThatItWasMet) {
    OperationView operation = an_operation(EndReason::met);
    operation.obtained = 512_MiB;
    operation.verified = 509_MiB;
    EXPECT_EQ(render_operation(operation, {}),
              "squeeze orders/api: met: 512 MiB of 512 MiB obtained, 509 MiB verified, in 840 ms\n");
}

TEST(RenderOperation, SaysWhatIsMissingAndWhatBecameOfTheRest) {
    OperationView operation = an_operation(EndReason::gc_distress);
    operation.rest = RestIs::rolled_back;
    operation.verified.reset();
    operation.detail = "occupancy 91 %";
    EXPECT_EQ(render_operation(operation, {}),
              "squeeze orders/api: gc-distress: 300 MiB of 512 MiB obtained, not verified, in 840 ms\n"
              "212 MiB missing; what was obtained is rolled back\noccupancy 91 %\n");
}

TEST(RenderOperation, PointsToTheListWhileItRuns) {
    OperationView operation = an_operation(EndReason::met);
    operation.running = true;
    EXPECT_EQ(render_operation(operation, {}), "squeeze orders/api: started as op-17, 512 MiB asked; see aerostatctl ops\n");
}

TEST(RenderProgress, ShowsTimeAndWhatHasBeenObtained) {
    ControlRequest request;
    request.command = Command::squeeze;
    request.target = "orders/api";
    request.bytes = 512_MiB;
    EXPECT_EQ(render_progress(request, nullptr, Millis(1200), {}), "squeeze orders/api: 512 MiB, 1.2 s of 5.00 s");
    const OperationView seen = an_operation(EndReason::met);
    EXPECT_EQ(render_progress(request, &seen, Millis(1200), {}), "squeeze orders/api: 300 MiB of 512 MiB, 1.2 s of 5.00 s");
}

TEST(RenderOperations, ShowsRunningAndEndedOnes) {
    OperationView running = an_operation(EndReason::met);
    running.running = true;
    const std::string text = render_operations({{running, an_operation(EndReason::deadline)}}, {});
    EXPECT_THAT(text, HasSubstr("running"));
    EXPECT_THAT(text, HasSubstr("deadline"));
    EXPECT_EQ(render_operations({}, {}), "no operations\n");
}

TEST(RenderPlan, ShowsEachChangeWithItsReason) {
    const PlanView plan{4_GiB, "price", 0.5, std::nullopt, {{"orders", "api", 1_GiB, 512_MiB, 0.25, "cheapest bytes"}}};
    const std::string text = render_plan(plan, {});
    EXPECT_THAT(text, HasSubstr("4.00 GiB to share out by policy price, price of memory 500 ms/s a GiB\n"));
    EXPECT_THAT(text, HasSubstr("-512 MiB"));
    EXPECT_THAT(text, HasSubstr("cheapest bytes"));
    EXPECT_THAT(text, Not(HasSubstr("kept ready")));
    EXPECT_THAT(render_plan({}, {}), HasSubstr("nothing to move\n"));
}

TEST(RenderPlan, TellsWhatIsKeptReady) {
    PlanView plan;
    plan.ready = 120_MiB;
    EXPECT_THAT(render_plan(plan, {}), HasSubstr("of it 120 MiB kept ready for heaps that grow faster than others give\n"));
}

TEST(Render, LetsNobodyWriteToTheTerminal) {
    StatusView status = a_status();
    const std::string hostile = "\x1b[2J\x07\xff";
    status.warnings = {hostile};
    status.guests[0].state = status.guests[0].identity = hostile;
    auto& report = status.guests[0].jvms[0].report;
    report.distress = report.facts.collector = report.facts.java_version = hostile;
    OperationView operation = an_operation(EndReason::deadline);
    operation.detail = operation.target = operation.command = hostile;
    const PlanView plan{1_GiB, hostile, 0, std::nullopt, {{"orders", "api", 1_GiB, 1_GiB, 0, hostile}}};
    const std::string all = render_status(status, {}) + render_jvms(status, {}) + render_top(status, {}, {}) +
                            render_operation(operation, {}) + render_operations({{operation}}, {}) + render_plan(plan, {});
    EXPECT_THAT(all, Not(HasSubstr("\x1b")));
    EXPECT_THAT(all, Not(HasSubstr("\x07")));
    EXPECT_THAT(all, Not(HasSubstr("\xff")));
}

TEST(RenderReply, SaysDoneForAnAnswerWithoutABody) { EXPECT_EQ(render_reply(Command::pause, {}, {}), "pause: done\n"); }

}  // namespace
}  // namespace aerostat::cli
