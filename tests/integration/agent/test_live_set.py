"""What G1 keeps in its old generation is mostly garbage between two cycles; the agent must not take it for live data."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)), "bench"))

import process  # noqa: E402
from agent_case import MIB, AgentCase, evidence, jdks, run_and_count  # noqa: E402

CYCLE_PAUSES = "sun.gc.collector.2.invocations"
PROGRAM = ["--live", "100MiB", "--rate", "200MiB", "--replace", "0.3"]
MARGIN = 32 * MIB  # the least a floor keeps above the live set


class LiveSet(AgentCase):
    def test_old_garbage_that_cycles_find_is_not_alive(self):
        if 17 not in jdks():
            self.skipTest("no JDK 17 found")
        guestd, service = self.ballooned(17, ["-XX:+UseG1GC", "-Xmx512m"], PROGRAM, main="Churn")
        cycles = []

        def after_some_cycles(report):
            cycles.append(process.counters(service.pid)[CYCLE_PAUSES])
            return cycles[-1] >= 8 and "live_bytes" in report

        guestd.wait_report(after_some_cycles, 180, "four cycles and a live set")
        seen = [guestd.wait_report() for _ in range(3)]
        truth = int(service.tell("live")["used_bytes"])
        said = [report.get("live_bytes", report["used_bytes"]) for report in seen]
        evidence("agent.live_set", alive_mib=truth // MIB, said_mib="/".join(str(one // MIB) for one in said),
                 used_mib="/".join(str(report["used_bytes"] // MIB) for report in seen), cycle_pauses=cycles[-1])
        for one in said:
            self.assertGreater(one + MARGIN, truth, "a floor below what is alive")
        self.assertLess(min(said), 1.6 * truth, "old garbage counts as alive")
        self.assertGreater(seen[-1]["curve_seen_ms"], 1000, "nothing was observed of what collections cost")


if __name__ == "__main__":
    run_and_count()
