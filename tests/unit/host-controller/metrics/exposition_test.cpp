#include "host-controller/metrics/exposition.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aerostat::host::metrics {
namespace {

using namespace aerostat::literals;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

GuestView guest(const std::string& name, std::size_t jvms) {
    GuestView view;
    view.name = name;
    view.state = "connected";
    view.charged = 300_MiB;
    for (std::size_t i = 0; i < jvms; ++i) {
        view.jvms.emplace_back();
        view.jvms.back().report.name = "jvm" + std::to_string(i);
        view.jvms.back().report.footprint.resident = 200_MiB;
    }
    return view;
}

TEST(Exposition, ShowsTheBudgetTheGuestsAndTheirJvms) {
    Scene scene;
    scene.status.memory = 1_GiB;
    scene.status.mode = "act";
    scene.status.price = 0.25;
    scene.status.guests = {guest("shop", 1)};
    scene.level = "tight";
    const std::string page = expose(scene);
    EXPECT_THAT(page, HasSubstr("# TYPE aerostat_memory_bytes gauge\naerostat_memory_bytes 1073741824\n"));
    EXPECT_THAT(page, HasSubstr("\naerostat_level 2\n"));
    EXPECT_THAT(page, HasSubstr("\naerostat_acting 1\n"));
    EXPECT_THAT(page, HasSubstr("\naerostat_price_cores_per_gibibyte 0.25\n"));
    EXPECT_THAT(page, HasSubstr("\naerostat_guest_charged_bytes{guest=\"shop\"} 314572800\n"));
    EXPECT_THAT(page, HasSubstr("\naerostat_jvm_footprint_bytes{guest=\"shop\",jvm=\"jvm0\"} 209715200\n"));
    EXPECT_THAT(page, HasSubstr("\naerostat_guests{state=\"connected\"} 1\n"));
    EXPECT_THAT(page, HasSubstr("\naerostat_guests{state=\"stuck\"} 0\n"));
}

TEST(Exposition, LeavesOutWhatIsUnknownAndWhatIsNoNumber) {
    Scene scene;
    scene.status.guests = {guest("shop", 1)};
    scene.status.guests[0].jvms[0].price = std::numeric_limits<double>::infinity();
    scene.level = "unheard of";
    const std::string page = expose(scene);
    for (const char* absent : {"aerostat_guest_target_bytes", "aerostat_jvm_live_bytes", "aerostat_jvm_full_gcs_total",
                               "aerostat_jvm_price", "aerostat_level", "aerostat_price"})
        EXPECT_THAT(page, Not(HasSubstr(absent)));
}

TEST(Exposition, SumsOperationsByCommandAndReason) {
    Scene scene;
    OperationView one;
    one.command = "squeeze";
    one.asked = 100_MiB;
    one.obtained = 60_MiB;
    one.verified = 50_MiB;
    one.elapsed = 1500ms;
    one.reason = EndReason::deadline;
    scene.tally.ended(one);
    scene.tally.ended(one);
    scene.tally.decided(2s);
    scene.tally.ticked(250ms);
    scene.tally.ticked(-1s);
    const std::string page = expose(scene);
    EXPECT_THAT(page, HasSubstr("aerostat_operations_total{command=\"squeeze\",reason=\"deadline\"} 2\n"));
    EXPECT_THAT(page, HasSubstr("aerostat_operation_verified_bytes_total{command=\"squeeze\"} 104857600\n"));
    EXPECT_THAT(page, HasSubstr("aerostat_operation_seconds_total{command=\"squeeze\"} 3\n"));
    EXPECT_THAT(page, HasSubstr("aerostat_decision_seconds_total 2\n"));
    EXPECT_THAT(page, HasSubstr("aerostat_tick_delay_seconds_total 0.25\n"));
}

TEST(Exposition, CarriesNamesThatWouldBreakTheFormat) {
    Scene scene;
    scene.status.guests = {guest("a\"b\\c\nd", 0)};
    EXPECT_THAT(expose(scene), HasSubstr("aerostat_guest_charged_bytes{guest=\"a\\\"b\\\\c?d\"} 314572800\n"));
}

TEST(Exposition, StaysWithinItsBoundAndSaysHowManyAreLeftOut) {
    Scene scene;
    for (int i = 0; i < 70; ++i) scene.status.guests.push_back(guest("g" + std::to_string(i), 32));
    const std::string page = expose(scene);
    EXPECT_THAT(page, HasSubstr("\naerostat_jvms_left_out 240\n"));
    EXPECT_THAT(page, HasSubstr("aerostat_guest_charged_bytes{guest=\"g69\"}"));
    EXPECT_THAT(page, Not(HasSubstr("guest=\"g69\",jvm=")));
}

}  // namespace
}  // namespace aerostat::host::metrics
