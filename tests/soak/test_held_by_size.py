"""A calm G1 heap becomes as small as its target step by step, and gives way at once when its program grows."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration", "agent"))

from agent_case import MIB, AgentCase, evidence, for_each_jdk, run_and_count, time  # noqa: E402

HEAP = 768 * MIB
TARGET = 160 * MIB
LIVE = "60MiB"
BEYOND = 64 * MIB  # that is left to chunks
ROUNDING = 4 * MIB  # of the balloon: fewer regions are not let go


def is_small(report):
    """As small as the target in force: an order that has found a floor above its target leaves it there."""
    small = report["committed_bytes"] <= report["target_bytes"] + BEYOND
    return small and report["balloon_bytes"] <= BEYOND + ROUNDING


def most_resident(report):
    return report["committed_bytes"] - report["balloon_bytes"]


class HeldBySize(AgentCase):
    def squeezed(self, major, cap):
        """A calm service that gave; with most of its heap in chunks."""
        guestd, service = self.ballooned(major, ["-XX:+UseG1GC", f"-Xmx{HEAP // MIB}m"], ["--rate", "100", "--threads", "2"])
        service.tell(f"live {LIVE}")
        service.tell("garbage 400MiB")
        self.full_gcs = service.tell("report")["full_gcs"]
        guestd.order("shrink", TARGET, 8000, cap="hard")
        result = guestd.result("shrink")
        self.assertLessEqual(result["shortfall_bytes"], BEYOND, result)
        firm = HEAP - TARGET - 3 * BEYOND
        report = guestd.wait_report(lambda r: r["balloon_bytes"] > firm, 120, "a balloon of all of the maximum")
        if cap != "hard":
            guestd.order("hold", TARGET, cap=cap)
            guestd.result("hold")
        return guestd, service, report

    def rush(self, service):
        """Seconds in which half a gigabyte more becomes alive."""
        service.tell("report")
        began = time.monotonic()
        self.assertNotIn("error", service.tell("grow 560MiB"))
        took = time.monotonic() - began
        after = service.tell("report")
        self.assertEqual((after["full_gcs"], after["oome"]), (self.full_gcs, "0"))
        return took

    def by_chunks(self, major):
        _, service, _ = self.squeezed(major, "hard")
        took = self.rush(service)
        service.stop()
        return took

    @for_each_jdk
    def test_it_becomes_small_and_a_rush_takes_no_longer(self, major):
        guestd, service, firm = self.squeezed(major, "firm")
        began, seen = time.monotonic(), len(guestd.reports)
        small = guestd.wait_report(is_small, 400, "a heap as small as its target")
        took = time.monotonic() - began
        left = HEAP - firm["balloon_bytes"]
        meanwhile = max(most_resident(report) for report in guestd.reports[seen:])
        rush, chunks = self.rush(service), self.by_chunks(major)
        evidence("agent.held_by_size", jdk=major, seconds=round(took, 1), committed_mib=small["committed_bytes"] // MIB,
                 balloon_mib=small["balloon_bytes"] // MIB, firm_mib=firm["balloon_bytes"] // MIB,
                 left_by_firm_mib=left // MIB, most_meanwhile_mib=meanwhile // MIB, rush_s=round(rush, 2), rush_by_chunks_s=round(chunks, 2))
        self.assertLessEqual(meanwhile, max(left, small["target_bytes"]) + BEYOND)
        self.assertLess(rush, 2 * chunks + 2)
        guestd.wait_report(lambda r: not r.get("levers"), 60, "the JVM's own settings")
        self.check_own_settings(service)
        self.check_heap(service)


if __name__ == "__main__":
    run_and_count()
