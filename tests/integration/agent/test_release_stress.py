"""Before region pinning (JDK 22) critical sections can make a program throw OutOfMemoryErrors with free heap (JDK-8192647).
The agent's releases must not: they run here as fast as they can beside 64 threads that allocate arrays of 300 KB.

Longer, and with Serial: tests/soak/test_agent_oom.py."""

import os

from agent_case import MIB, evidence, run_and_count, time
from edge_case import OPTIONS, EdgeCase, on_collectors

# G1 before pinning is where it happens; the others have no lock, and are shown not to need more time.
SECONDS = {"G1": float(os.environ.get("AEROSTAT_STRESS_SECONDS", "12"))}
SHORT = 5.0
AT_MOST = 120.0  # on a machine so slow that the guard sees distress at first: until there has been a balloon
# Replacements a second and thread: enough to allocate all the time, not so many that the agent gets no CPU to stress anything.
PROGRAM = ["--rate", "12", "--threads", "64", "--checkers", "1", "--slab", "300KiB"]


class ReleaseStress(EdgeCase):
    @on_collectors((17, "G1"), (17, "ZGC"), (17, "Shenandoah"), (25, "G1"))
    def test_no_allocation_fails_while_releases_run_flat_out(self, major, collector):
        log = os.path.join(self.directory(), "gc.log")
        fixed = ["-Xms1g"] if collector == "G1" else []  # a soft maximum below -Xms drives nothing on Shenandoah
        seconds = SECONDS.get(collector, SHORT)
        guestd, service = self.ballooned(
            major, [OPTIONS[collector], *self.crash_option(), *fixed, "-Xmx1g",
                    f"-Xlog:gc=info,gc+jni=debug,gc+alloc=warning:file={log}"],
            PROGRAM, ",stress-passes=on,cpu-budget=100%", "Checked")
        service.tell("live 100MiB")
        begun, orders = time.monotonic(), 0
        while not self.enough(time.monotonic() - begun, seconds, guestd.reports):
            guestd.order(f"o{orders}", 450 * MIB if orders % 4 != 3 else 1 << 40, 1000, cap="hard")
            guestd.result(f"o{orders}")
            guestd.wait_report()  # answers may come at once: the agent cuts off who floods it
            orders += 1
        answer = service.tell("report")
        with open(log, encoding="utf-8") as file:
            lines = file.readlines()
        most = max(r["balloon_bytes"] for r in guestd.reports)
        took = round(time.monotonic() - begun, 1)
        evidence("agent.release_stress", jdk=major, collector=collector, seconds=took, orders=orders, oome=answer["oome"],
                 damage=answer["damage"], ops=answer["ops"], worst_stall_ms=answer["worst_stall_ms"],
                 most_balloon_mib=most // MIB, agent_cpu=round(max(r.get("agent_cpu", 0) for r in guestd.reports), 2),
                 pauses=sum("Pause" in line for line in lines),
                 gclocker_gcs=sum("GCLocker Initiated GC" in line for line in lines),
                 gclocker_stalls=sum("stalled by JNI critical" in line or "Allocation failed. Thread" in line for line in lines),
                 gclocker_retries=sum("Retried waiting for GCLocker" in line for line in lines),
                 distress="|".join(sorted({r["distress"] for r in guestd.reports if r.get("distress")})) or "none",
                 cleared=guestd.reports[-1]["cleared_chunks"])
        self.assertGreater(most, 0, "there was no balloon to pass over")
        self.assertEqual((answer["oome"], answer["damage"]), ("0", "0"))
        self.assertEqual(service.tell("check")["damage"], "0")
        self.check_no_crash()

    @staticmethod
    def enough(elapsed, seconds, reports):
        return elapsed >= (seconds if any(r["balloon_bytes"] for r in reports) else AT_MOST)


if __name__ == "__main__":
    run_and_count()
