"""Parallel and Serial: nothing by default; where the operator has set memory aside for it, a balloon in the old generation, and
what a full collection does to it, seen from outside."""

import functools
import itertools
import os
import sys

from agent_case import GIB, MIB, WANTED_JDKS, AgentCase, agent_library, evidence, jdks, process_memory
from java_service import ROOT, JavaService

sys.path.insert(0, os.path.join(ROOT, "tests", "soak"))

from collectors import skip  # noqa: E402
from hard_case import run_and_count  # noqa: E402
from memory_cgroup import MemoryCgroup  # noqa: E402

COLLECTORS = ("Parallel", "Serial")
# A small young generation, so that there are some young collections a second.
HEAP = ["-Xmx512m", "-Xmn32m"]
BUSY, QUIET = "4000", "50"
LARGE = 40 * MIB  # of a balloon: several chunks of 4 MiB
RESERVE = 300 * MIB
RECLAIMED = 0.6  # of a balloon, in the PSS of a program that runs beside it


def for_each_combination(test, collectors=COLLECTORS):
    """Runs a test on each JDK × collector; one that cannot run is a skip that is printed and counted."""

    @functools.wraps(test)
    def wrapper(self):
        for major, collector in itertools.product(WANTED_JDKS, collectors):
            with self.subTest(jdk=major, collector=collector):
                if major not in jdks():
                    skip(self, test.__name__, major, collector, f"no JDK {major} found")
                try:
                    test(self, major, collector)
                finally:
                    self.doCleanups()  # one JVM at a time

    return wrapper


class StopTheWorld(AgentCase):
    def roomy(self, major, collector, options="", heap=(), home=None):
        """A service whose heap is resident and mostly free, after a full collection: (guestd, service)."""
        guestd = self.guestd()
        agent = f"-agentpath:{agent_library()}=runtime-dir={os.path.dirname(guestd.path)},name=svc{options}"
        args = [f"-XX:+Use{collector}GC", *HEAP, *heap, agent]
        service = JavaService(home or jdks()[major], self.classes, args, ["--threads", "2"])
        self.addCleanup(service.stop)
        service.answer()
        guestd.wait_session()
        service.tell("live 60MiB")
        service.tell("garbage 300MiB")
        service.jcmd("GC.run")
        service.tell("report")
        return guestd, service

    def balloon(self, guestd, size=LARGE):
        """An order that asks for all; returns the report with a balloon beyond `size`."""
        guestd.order("all", 64 * MIB, 60_000)
        return guestd.wait_report(lambda r: r["balloon_bytes"] >= size, 40, f"a balloon of {size // MIB} MiB")

    @for_each_combination
    def test_by_default_nothing_is_touched(self, major, collector):
        guestd, service = self.roomy(major, collector)
        before = process_memory(service.pid)
        guestd.order("squeeze", 64 * MIB, 2000)
        result = guestd.result("squeeze")
        after = process_memory(service.pid)
        seen = service.tell("report")
        evidence("agent.stop_the_world.default", jdk=major, collector=collector, reason=result["reason"],
                 fell_mib=(before - after) // MIB, full_gcs=seen["full_gcs"])
        self.assertEqual((result["reason"], result["obtained_bytes"]), ("unsupported", 0))
        self.assertIn(collector, result["detail"])
        self.assertLess(before - after, 16 * MIB)
        self.assertEqual(guestd.wait_report()["balloon_bytes"], 0)

    @for_each_combination
    def test_with_a_reserve_chunks_come_and_a_full_collection_ends_them(self, major, collector):
        guestd, service = self.roomy(major, collector, f",refill-reserve={RESERVE // MIB}MiB")
        before = process_memory(service.pid)
        full_gcs = guestd.wait_report()["full_gcs"]
        service.tell(f"rate {BUSY}")
        report = self.balloon(guestd)
        service.tell(f"rate {QUIET}")
        held = guestd.wait_report()["balloon_bytes"]
        given = before - process_memory(service.pid)
        quiet = service.tell("report")
        self.assertEqual(guestd.wait_report()["full_gcs"], full_gcs, "the balloon caused a full collection")
        pressures = len(guestd.pressures)
        service.jcmd("GC.run")
        returned = before - process_memory(service.pid)
        stall = service.tell("report")["worst_stall_ms"]
        guestd.wait_for(lambda: len(guestd.pressures) > pressures, 10, "a word of the guard")
        self.assertIn(guestd.result("all")["reason"], ("gc-distress", "met"))
        report = guestd.wait_report(lambda r: r["balloon_bytes"] == 0, 10, "the end of the balloon")
        afterwards = before - process_memory(service.pid)
        evidence("agent.stop_the_world", jdk=major, collector=collector, balloon_mib=held // MIB, given_mib=given // MIB,
                 worst_stall_ms=quiet["worst_stall_ms"], given_right_after_a_full_gc_mib=returned // MIB,
                 full_gc_stall_ms=stall, given_afterwards_mib=afterwards // MIB, refills=report["refills"])
        self.assertGreaterEqual(given, held * RECLAIMED)
        self.assertGreaterEqual(afterwards, held * RECLAIMED, "pages that came back were not released again")
        self.assertNotIn("error", service.tell("grow 400MiB"), "the program can hold less than without a balloon")
        self.assertEqual(service.tell("report")["oome"], "0")
        self.check_heap(service)

    def contained(self, major, collector):
        """As roomy(), in a memory cgroup that has no limit yet: (guestd, service, cgroup)."""
        group, why = MemoryCgroup.make()
        if not group:
            skip(self, self._testMethodName, major, collector, why)
        self.addCleanup(group.remove)
        home = group.home_inside(jdks()[major], self.directory())
        return *self.roomy(major, collector, f",refill-reserve={RESERVE // MIB}MiB", home=home), group

    @for_each_combination
    def test_a_full_collection_in_a_container_with_little_room_kills_nobody(self, major, collector):
        guestd, service, group = self.contained(major, collector)
        service.tell(f"rate {BUSY}")
        held = self.balloon(guestd)["balloon_bytes"]
        service.tell("rate 0")
        room = LARGE // 2  # less than the balloon: it has to go before it comes back
        group.limit(group.usage() + room)
        left = guestd.wait_report(lambda r: r["balloon_bytes"] < room, 5, "a balloon that fits into the container")
        service.jcmd("GC.run")
        answer = service.tell("check")
        evidence("agent.stop_the_world.container", jdk=major, collector=collector, balloon_mib=held // MIB,
                 left_mib=left["balloon_bytes"] // MIB, limit_mib=group.limited // MIB, peak_mib=group.peak() // MIB)
        self.assertIsNone(service.process.poll())
        self.assertEqual(answer["corrupt"], "0")

    @functools.partial(for_each_combination, collectors=["Parallel"])
    def test_parallel_shrinks_in_full_collections_where_it_was_started_to_resize_then(self, major, collector):
        guestd, service = self.roomy(major, collector, ",full-gcs=4", ["-Xmx1g", "-XX:+UseAdaptiveSizePolicyWithSystemGC"])
        service.tell("garbage 500MiB")
        before = process_memory(service.pid)
        guestd.order("squeeze", guestd.wait_report()["footprint_bytes"] - 200 * MIB, 8000)
        result = guestd.result("squeeze")
        fell = before - process_memory(service.pid)
        evidence("agent.stop_the_world.levers", jdk=major, collector=collector, reason=result["reason"], fell_mib=fell // MIB,
                 obtained_mib=result["obtained_bytes"] // MIB, elapsed_ms=result["elapsed_ms"])
        self.assertGreaterEqual(fell, 150 * MIB)
        guestd.order("lift", GIB * 4)
        guestd.result("lift")
        self.assertEqual(guestd.wait_report().get("levers", []), [])
        self.check_heap(service)


if __name__ == "__main__":
    run_and_count()
