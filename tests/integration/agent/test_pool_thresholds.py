"""Thresholds on memory pools (MemoryPoolMXBean): to them a balloon is used memory, and it must not make them go off."""

from agent_case import MIB, evidence, run_and_count
from edge_case import OPTIONS, EdgeCase, on_collectors

THRESHOLD = 600 * MIB
HELD = 100 * MIB


class PoolThresholds(EdgeCase):
    def alarmed(self, major, collector):
        guestd, service = self.ballooned(major, [OPTIONS[collector], "-Xmx1g"], main="Alarmed")
        service.tell(f"hold {HELD // MIB}MiB")
        service.tell("garbage 400MiB")
        return guestd, service

    @staticmethod
    def squeeze(guestd):
        """As hard as can be: a balloon of all that the target does not leave."""
        guestd.order("squeeze", 200 * MIB, 3000, cap="hard")
        return guestd.result("squeeze")

    @on_collectors((17, "G1"))
    def test_a_balloon_does_not_set_off_an_alarm_of_the_program(self, major, collector):
        guestd, service = self.alarmed(major, collector)
        service.tell(f"watch {THRESHOLD // MIB}MiB")
        result = self.squeeze(guestd)
        held = guestd.wait_report()
        seen = service.tell("alarms")
        evidence("agent.alarm", jdk=major, collector=collector, balloon_mib=held["balloon_bytes"] // MIB,
                 used_mib=int(seen["used_bytes"]) // MIB, threshold_mib=THRESHOLD // MIB, alarms=seen["alarms"],
                 reason=result["reason"], obtained_mib=result["obtained_bytes"] // MIB, detail=result.get("detail"))
        self.assertGreater(int(seen["watched"]), 0)
        self.assertEqual(seen["alarms"], "0")
        self.assertLess(int(seen["used_bytes"]), THRESHOLD)
        self.assertGreater(held["balloon_bytes"], 50 * MIB, "there was no balloon to set anything off")

    @on_collectors((17, "G1"))
    def test_without_a_threshold_the_balloon_is_larger_and_it_shrinks_when_one_is_set(self, major, collector):
        """What the other test is measured against; and nothing was loaded to find out that there is none."""
        guestd, service = self.alarmed(major, collector)
        self.squeeze(guestd)
        report = guestd.wait_report(lambda r: r["balloon_bytes"] > THRESHOLD, 90, "a balloon beyond the threshold to come")
        self.assertNotIn("aerostat.agent.Thresholds", service.jcmd("VM.class_hierarchy"))
        service.tell(f"watch {THRESHOLD // MIB}MiB")
        after = guestd.wait_report(lambda r: r["balloon_bytes"] < THRESHOLD - HELD, 10, "a balloon below the new threshold")
        evidence("agent.late_alarm", jdk=major, collector=collector,
                 balloon_mib=f"{report['balloon_bytes'] // MIB}..{after['balloon_bytes'] // MIB}")


if __name__ == "__main__":
    run_and_count()
