#pragma once

#include "contract/control.h"
#include "contract/messages.h"

// Complete, valid values that tests change where it matters to them.
namespace aerostat::testing {

using namespace aerostat::literals;

inline JvmReport a_report(std::string name = "shop") {
    JvmReport report;
    report.name = std::move(name);
    report.facts = {"17.0.21", "G1", 4_GiB, 256_MiB, true, ""};
    report.footprint = {3_GiB};
    report.committed = 3500_MiB;
    report.used = 2_GiB;
    report.live = 125_MiB;
    report.floor = 330_MiB;
    report.ceiling = 4_GiB;
    report.non_heap = 90_MiB;
    report.balloon = {64_MiB};
    report.balloon_verified = 62_MiB;
    report.releasable = 1_GiB;
    report.target = HeapTarget{1_GiB};
    report.target_left = Millis(90'000);
    report.alloc_bytes_per_s = 1.25e8;
    report.gc_cpu = 0.125;
    report.pause_p99 = Millis(12);
    report.gc_count = 321;
    report.full_gcs = 0;
    report.levers = {"MaxHeapFreeRatio=10", "MinHeapFreeRatio=0"};
    report.held = "by its size";
    report.running_op = "op-17";
    report.curve = CostCurve::hyperbola(1e7, 125_MiB, 330_MiB, 4_GiB);
    report.curve_seen = Millis(42'500);
    return report;
}

inline OsReport a_report_of_os() {
    OsReport os;
    os.size = 2_GiB;
    os.floor = 400_MiB;
    os.spare = 824_MiB;
    os.taken = 64_MiB;
    os.driver = "cgroup-v2";
    os.can_move = true;
    os.holds = 3_GiB;
    os.limit = 4_GiB;
    os.target = 4_GiB;
    os.learned = true;
    os.curve = *CostCurve::make({{400_MiB, 0.5}, {1224_MiB, 0.0}, {2_GiB, 0.0}});
    return os;
}

inline GuestView a_guest_view(std::string name) {
    GuestView view;
    view.name = std::move(name);
    view.identity = "session:4711";
    view.state = "connected";
    view.min = 256_MiB;
    view.max = 8_GiB;
    view.charged = 1_GiB;
    view.fixed = 100_MiB;
    view.memory_available = 2_GiB;
    view.jvms.push_back({a_report(), Millis(40), 1_GiB, std::nullopt, 0.25, 1100_MiB});
    return view;
}

}  // namespace aerostat::testing
