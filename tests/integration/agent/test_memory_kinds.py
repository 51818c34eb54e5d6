"""Heaps of memory that the kernel keeps (hugetlb, locked) or gives in large pieces only (transparent huge pages): what cannot be
given is not punched, and it is said."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys

from agent_case import MIB, evidence, process_memory, run_and_count, time
from edge_case import EdgeCase, on_collectors

HERE = os.path.dirname(os.path.abspath(__file__))
POOL = "/proc/sys/vm/nr_hugepages"
HUGE_PAGES = 160  # of 2 MiB: a heap of 128 MiB and what else the JVM wants of them


def skip(case, why):
    print(f"SKIP {case.id()}: {why}", file=sys.stderr)
    case.skipTest(why)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def status_bytes(pid, field):
    return int(re.search(rf"^{field}:\s+(\d+) kB", read(f"/proc/{pid}/status"), re.M).group(1)) * 1024


@contextlib.contextmanager
def huge_pages(case):
    """Reserves them for as long as the block lasts."""
    if os.geteuid() != 0 or not os.access(POOL, os.W_OK):
        skip(case, "needs root to reserve huge pages")
    before = int(read(POOL))
    try:
        set_pool(before + HUGE_PAGES)
        if int(read(POOL)) < before + HUGE_PAGES:
            skip(case, "the kernel has not so many huge pages")
        yield
    finally:
        set_pool(before)


def set_pool(count):
    with open(POOL, "w", encoding="ascii") as file:
        file.write(str(count))


class MemoryKinds(EdgeCase):
    def preloaded(self, when):
        """The environment of a JVM whose memory is locked."""
        if os.geteuid() != 0:
            skip(self, "needs root to lock so much memory")
        compiler = shutil.which("cc") or shutil.which("clang")
        if not compiler:
            skip(self, "no C compiler")
        library = os.path.join(self.directory(), "lock_memory.so")
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, os.path.join(HERE, "lock_memory.c")], check=True)
        for name, value in (("LD_PRELOAD", library), ("LOCK_MEMORY", when)):
            os.environ[name] = value
            self.addCleanup(os.environ.pop, name, None)

    def check_nothing_given(self, figure, guestd, service, major, collector, size):
        """`size`: what tells the heap's memory from outside. Orders of all kinds change nothing of it."""
        before = size()
        for number, cap in enumerate(("elastic", "hard")):
            guestd.order(f"o{number}", 32 * MIB, 1500, cap=cap)
            result = guestd.result(f"o{number}")
        after = size()
        evidence(figure, jdk=major, collector=collector, reason=result["reason"], detail=result["detail"],
                 held_mib=f"{before // MIB}..{after // MIB}")
        self.assertEqual((result["reason"], result["obtained_bytes"]), ("not-reclaimable", 0))
        self.assertGreaterEqual(after, before - MIB)  # libraries that other processes map and leave make the share of one move
        self.assertGreater(before, 50 * MIB)
        self.assertEqual(guestd.wait_report()["balloon_bytes"], 0)
        self.check_heap(service)
        self.check_no_crash()
        return result["detail"]

    @on_collectors((17, "G1"))
    def test_a_heap_of_hugetlb_pages_is_left_alone(self, major, collector):
        with huge_pages(self):
            guestd, service = self.edge(major, collector, ["-Xms128m", "-Xmx128m", "-XX:+UseLargePages",
                                                           "-XX:ReservedCodeCacheSize=16m"])
            service.tell("live 50MiB")

            def hugetlb():
                return sum(int(kib) for kib in re.findall(r"_Hugetlb: +(\d+) kB", read(f"/proc/{service.pid}/smaps"))) * 1024

            detail = self.check_nothing_given("agent.hugetlb", guestd, service, major, collector, hugetlb)
            self.assertIn("hugetlb", detail)
            service.stop()

    @on_collectors((17, "ZGC"))
    def test_a_heap_that_is_locked_from_the_start_is_left_alone(self, major, collector):
        self.preloaded("start")
        guestd, service = self.edge(major, collector, ["-Xms256m", "-Xmx256m"])
        service.tell("live 50MiB")
        detail = self.check_nothing_given("agent.locked", guestd, service, major, collector,
                                          lambda: process_memory(service.pid, "Locked"))
        self.assertIn("locked in memory", detail)

    @on_collectors((17, "G1"))
    def test_a_heap_that_is_locked_later_gives_no_page_and_says_so(self, major, collector):
        self.preloaded("later")
        guestd, service = self.edge(major, collector, ["-Xms512m", "-Xmx512m"])
        service.tell("live 50MiB")
        service.tell("garbage 200MiB")
        os.kill(service.pid, signal.SIGRTMIN + 5)
        until = time.monotonic() + 20
        while status_bytes(service.pid, "VmLck") < 400 * MIB:
            self.assertLess(time.monotonic(), until, "the program has not locked its memory")
        before = process_memory(service.pid, "Locked")
        guestd.order("a", 100 * MIB, 3000, cap="hard")
        result = guestd.result("a")
        after = process_memory(service.pid, "Locked")
        evidence("agent.locked_later", jdk=major, collector=collector, reason=result["reason"], detail=result["detail"],
                 locked_mib=f"{before // MIB}..{after // MIB}")
        self.assertEqual((result["reason"], result["obtained_bytes"]), ("not-reclaimable", 0))
        self.assertIn("locked in memory", result["detail"])
        self.assertGreater(after, before - 8 * MIB)
        self.assertEqual(guestd.wait_report()["balloon_bytes"], 0)
        self.check_heap(service)
        self.check_no_crash()

    @on_collectors((17, "G1"), only=("G1",))
    def test_transparent_huge_pages_go_whole(self, major, collector):
        if "[never]" in read("/sys/kernel/mm/transparent_hugepage/enabled"):
            skip(self, "this kernel gives no transparent huge pages")
        guestd, service = self.edge(major, collector, ["-Xms1g", "-Xmx1g", "-XX:G1HeapRegionSize=16m",
                                                       "-XX:+UseTransparentHugePages"], ["--rate", "200"])
        service.tell("live 50MiB")
        service.tell("garbage 600MiB")
        before, huge = process_memory(service.pid), process_memory(service.pid, "AnonHugePages")
        report = guestd.wait_report(lambda r: r["footprint_bytes"] > 600 * MIB)
        guestd.order("a", report["footprint_bytes"] - 300 * MIB, 5000)
        result = guestd.result("a")
        fell = before - process_memory(service.pid)
        evidence("agent.huge_pages", jdk=major, collector=collector, reason=result["reason"], fell_mib=fell // MIB,
                 obtained_mib=result["obtained_bytes"] // MIB, elapsed_ms=result["elapsed_ms"],
                 huge_mib=f"{huge // MIB}..{process_memory(service.pid, 'AnonHugePages') // MIB}")
        self.assertGreater(huge, 300 * MIB, "the heap had no huge pages to give")
        self.assertGreaterEqual(result["obtained_bytes"], 200 * MIB)  # in regions of 16 MiB what the collector needs is coarse
        self.assertGreaterEqual(fell, result["obtained_bytes"] - 64 * MIB)
        self.check_heap(service)

    @on_collectors((17, "G1"), only=("G1",))
    def test_where_huge_pages_leave_too_little_of_a_region_the_levers_alone_work(self, major, collector):
        guestd, service = self.edge(major, collector, ["-Xmx512m", "-XX:G1HeapRegionSize=1m", "-XX:+UseTransparentHugePages"])
        self.assertTrue(guestd.hello["jvm"]["can_balloon"])
        self.assertIn("huge pages", guestd.hello["jvm"]["why_not"])
        service.tell("garbage 200MiB")
        guestd.order("a", 100 * MIB, 2000)
        guestd.result("a")
        self.assertEqual(guestd.wait_report()["balloon_bytes"], 0)


if __name__ == "__main__":
    run_and_count()
