"""Before region pinning (JDK 22) critical sections can make a program throw OutOfMemoryErrors with free heap (JDK-8192647).
The agent's releases must not: they run here as fast as they can beside 64 allocating threads."""

import os

from agent_case import MIB, AgentCase, evidence, for_each_jdk, run_and_count, time

SECONDS = float(os.environ.get("AEROSTAT_STRESS_SECONDS", "15"))
# Requests a second and thread: enough to allocate all the time, not so many that the agent gets no CPU to stress anything.
RATE = "60"


class ReleaseStress(AgentCase):
    @for_each_jdk
    def test_no_allocation_fails_while_releases_run_flat_out(self, major):
        log = os.path.join(self.directory(), "gc.log")
        guestd, service = self.ballooned(
            major, ["-XX:+UseG1GC", "-Xms1g", "-Xmx1g", f"-Xlog:gc=info,gc+jni=debug,gc+alloc=warning:file={log}"],
            ["--rate", RATE, "--threads", "64"], options=",stress-passes=on,cpu-budget=100%")
        service.tell("live 150MiB")
        service.tell("report")
        until, orders = time.monotonic() + SECONDS, 0
        while time.monotonic() < until:
            target = 450 * MIB if orders % 4 != 3 else 1 << 40
            guestd.order(f"o{orders}", target, 1000, cap="hard")
            guestd.result(f"o{orders}")
            orders += 1
        report = guestd.wait_report()
        answer = service.tell("report")
        with open(log, encoding="utf-8") as file:
            lines = file.readlines()
        evidence("agent.release_stress", jdk=major, seconds=SECONDS, orders=orders, oome=answer["oome"], ops=answer["ops"],
                 full_gcs=answer["full_gcs"], worst_stall_ms=answer["worst_stall_ms"], most_balloon_mib=max(r["balloon_bytes"] for r in guestd.reports) // MIB,
                 reports_with_balloon=sum(r["balloon_bytes"] > 0 for r in guestd.reports), guard_releases=report["guard_releases"],
                 agent_cpu=round(report["agent_cpu"], 2), pauses=sum("Pause" in line for line in lines),
                 gclocker_gcs=sum("GCLocker Initiated GC" in line for line in lines),
                 gclocker_stalls=sum("stalled by JNI critical" in line or "Allocation failed. Thread" in line for line in lines),
                 gclocker_retries=sum("Retried waiting for GCLocker" in line for line in lines),
                 distress="|".join(sorted({r["distress"] for r in guestd.reports if r.get("distress")})) or "none",
                 cleared=report["cleared_chunks"])
        self.assertEqual(answer["oome"], "0")
        self.check_heap(service)


if __name__ == "__main__":
    run_and_count()
