#pragma once

#include "host-controller/local/group_gauge.h"
#include "host-controller/sense/report_check.h"
#include "tests/support/builders.h"

// What guests say of themselves, for tests of how far they are believed.
namespace aerostat::host {

using namespace aerostat::literals;
using namespace std::chrono_literals;

inline constexpr TimePoint kStart{std::chrono::hours(1)};

inline GuestId session(pid_t sid) { return local::ProcessGroup{sid, 99, ""}.text(); }

inline GuestReport a_guest_report(Bytes footprint, Bytes ceiling = 4_GiB) {
    GuestReport report;
    report.jvms.push_back(aerostat::testing::a_report("shop"));
    report.jvms[0].footprint = {footprint};
    report.jvms[0].ceiling = ceiling;
    return report;
}

/// 1 GiB outside the heaps, of which 600 MiB are cache by its own word; 100 MiB more are free.
inline GuestReport a_container_report() {
    GuestReport report = a_guest_report(500_MiB);
    OsReport os;
    os.size = 1124_MiB;
    os.spare = 100_MiB;
    os.floor = 424_MiB;
    os.can_move = true;
    os.curve = *CostCurve::make({{300_MiB, 100.0}, {424_MiB, 2.0}, {1_GiB, 0.0}, {1124_MiB, 0.0}});
    report.os = os;
    return report;
}

}  // namespace aerostat::host
