"""With g1-hold=size a G1 heap whose program keeps all processors busy is as small as its target, and gives way at once."""

from agent_case import GIB, MIB, AgentCase, evidence, for_each_jdk, run_and_count, time

HEAP = GIB
TARGET = 420 * MIB
NEAR = 1.12
IN_A_ROW = 3
FLAT_OUT = ["--rate", "-1", "--threads", "2"]


class HeldUnderLoad(AgentCase):
    def busy(self, major):
        """A program at full speed, whose garbage is old."""
        guestd, service = self.ballooned(major, ["-XX:+UseG1GC", f"-Xmx{HEAP // MIB}m"], FLAT_OUT, ",g1-hold=size")
        service.tell("live 128MiB")
        service.tell("garbage 300MiB")
        return guestd, service

    def time_ratio(self, service):
        line = next(line for line in service.jcmd("VM.flags", "-all").splitlines() if " GCTimeRatio " in line)
        return int(line.split("=")[1].split()[0])

    @staticmethod
    def is_held(report):
        """By the heap's own size, and not because of chunks."""
        small = report["committed_bytes"] <= NEAR * TARGET and report["balloon_bytes"] <= TARGET // 8
        return small and "GCTimeRatio=1" in (report.get("levers") or [])

    def squeezed(self, guestd):
        """The order's result, and the first of some reports in a row of a heap that is held."""
        guestd.order("shrink", TARGET, 10000, cap="firm")
        result = guestd.result("shrink", 60)
        self.assertEqual(result["reason"], "met", result)
        seen = len(guestd.reports)

        def stays():
            last = guestd.reports[seen:][-IN_A_ROW:]
            return last if len(last) == IN_A_ROW and all(map(self.is_held, last)) else None

        return result, guestd.wait_for(stays, 120, "a heap that is as small as its target and stays so")[0]

    def rush(self, service):
        service.tell("report")
        began = time.monotonic()
        self.assertNotIn("error", service.tell("grow 640MiB"))
        took = time.monotonic() - began
        after = service.tell("report")
        self.assertEqual((after["full_gcs"], after["oome"]), ("0", "0"))
        return took

    @for_each_jdk
    def test_it_is_small_and_stays_so_and_half_a_gigabyte_more_is_there_at_once(self, major):
        guestd, service = self.busy(major)
        result, near = self.squeezed(guestd)
        self.assertEqual(self.time_ratio(service), 1)
        took = self.rush(service)
        evidence("agent.held_under_load", jdk=major, order_ms=result["elapsed_ms"], committed_mib=near["committed_bytes"] // MIB,
                 balloon_mib=near["balloon_bytes"] // MIB, rush_s=round(took, 2))
        guestd.order("release", HEAP)
        guestd.wait_report(lambda r: not r.get("levers"), 60, "the JVM's own settings")
        self.check_own_settings(service, GCTimeRatio=12)
        self.check_heap(service)
        service.stop()

    @for_each_jdk
    def test_a_ratio_that_is_the_operators_is_not_touched_and_that_is_said(self, major):
        _, service = self.ballooned(major, ["-XX:+UseG1GC", "-Xmx256m", "-XX:GCTimeRatio=9"], options=",g1-hold=size")
        self.assertEqual(self.time_ratio(service), 9)
        service.stop()
        self.assertTrue(any("GCTimeRatio is yours" in line for line in service.errors), service.errors)


if __name__ == "__main__":
    run_and_count()
