"""A balloon takes nothing from what a program can hold: OutOfMemoryErrors come where they would come without it, and not before.

AEROSTAT_OOM_SHORT=1: one JDK, G1, a run of each (for the integration stage)."""

import collections
import contextlib
import os
import queue
import re
import struct
import time

from collectors import SHORT, for_each_combination, skip, why_no_balloon
from heap_pages import full_gcs, gc_stalls

from agent_case import MIB, evidence, process_memory
from hard_case import HardCase, run_and_count
from java_service import jdks
from memory_cgroup import MemoryCgroup
from orders import LIFT
from starved import starved_agent

SECONDS = float(os.environ.get("AEROSTAT_STRESS_SECONDS", "20"))
# A region of 1 MiB must be well below what counts as the same limit.
HEAP = (1024 if SHORT else 2048) * MIB
# Collectors whose limit is the same every time. That of the others varies from run to run also without the agent: on ZGC under
# marking by 3 %, and Shenandoah may go on collecting for minutes before it gives up.
EXACT = ("G1",)
SAME = 0.001
PATIENCE = 90
OBJECTS = ("1KiB", "300KiB")
EVERYTHING = "64GiB"
EXIT_ON_OUT_OF_MEMORY = 3

# What a program held, in what time, beside which balloon, and how much of that the collector took itself.
Limit = collections.namedtuple("Limit", "held balloon ms cleared")


class OutOfMemory(HardCase):
    def limited(self, major, collector, size, with_agent, more=(), options=""):
        """A JVM that tells how much it can hold: (guestd or None, service, the file where it writes that down)."""
        progress = os.path.join(self.directory(), "held")
        program = ["--size", size, "--progress", progress, "--churn", "1"]
        args = [f"-Xmx{HEAP}", *more]
        if with_agent:
            return (*self.with_agent(major, collector, args, program, "Limit", options), progress)
        return None, self.jvm(major, collector, args, program, "Limit"), progress

    @staticmethod
    def churn(collector, service):
        """On ZGC marking is under way all the time while the program grows. (Before, it would leave no room for a balloon.)"""
        if collector == "ZGC":
            service.tell("churn")

    def balloon(self, guestd, at_least=HEAP // 3):
        """The largest balloon that this JVM bears, at once; its bytes."""
        guestd.order("all", 1 * MIB, 10_000, cap="hard")
        guestd.result("all")
        return self.balloon_beyond(guestd, at_least)

    @staticmethod
    def balloon_beyond(guestd, size):
        report = guestd.wait_report(lambda r: r["balloon_bytes"] > size, 20, f"a balloon beyond {size // MIB} MiB")
        return report["balloon_bytes"]

    def limit(self, major, collector, size, with_balloon, starved=False):
        guestd, service, progress = self.limited(major, collector, size, with_balloon)
        balloon = self.balloon(guestd) if guestd else 0
        self.churn(collector, service)
        with starved_agent(service.pid) if starved else contextlib.nullcontext():
            held, took = self.grown_as_far_as_possible(service, progress)
        cleared = guestd.reports[-1]["cleared_chunks"] if guestd else 0
        service.stop()
        return Limit(held, balloon, took, cleared)

    def grown_as_far_as_possible(self, service, progress):
        """(bytes, ms). A collector that goes on for ever instead of an OutOfMemoryError has reached the limit as well."""
        try:
            answer = service.tell(f"grow {EVERYTHING}", within=PATIENCE)
        except queue.Empty:
            print(f"{service.pid}: no OutOfMemoryError after {PATIENCE} s; what it holds counts", flush=True)
            with open(progress, "rb") as file:
                return struct.unpack("<q", file.read(8))[0], PATIENCE * 1000
        self.assertEqual(answer.get("error"), "OutOfMemoryError")
        return int(answer["held_bytes"]), int(answer["ms"])

    def compare(self, figure, major, collector, size, runs, starved=False):
        """Exactly: the worst with a balloon against the best without. For others the worst of both, and what plain runs differ by
        is no fault of the balloon."""
        ours = [self.limit(major, collector, size, True, starved) for _ in range(runs)]
        plain = [self.limit(major, collector, size, False) for _ in range(runs)]
        held, without = [limit.held for limit in ours], [limit.held for limit in plain]
        spread = 1 - min(without) / max(without)
        gap = 1 - min(held) / (max(without) if collector in EXACT else min(without))
        evidence(figure, jdk=major, collector=collector, size=size, runs=runs,
                 with_balloon_mib=f"{min(held) / MIB:.2f}..{max(held) / MIB:.2f}",
                 without_mib=f"{min(without) / MIB:.2f}..{max(without) / MIB:.2f}", worst_gap=f"{gap:.4%}", spread_without=f"{spread:.4%}",
                 balloon_mib=min(limit.balloon for limit in ours) // MIB, cleared=sum(limit.cleared for limit in ours),
                 slowest_ms=max(limit.ms for limit in ours), slowest_without_ms=max(limit.ms for limit in plain))
        self.assertLessEqual(gap, SAME if collector in EXACT else SAME + spread, "a program with a balloon could hold less")

    @for_each_combination
    def test_the_live_set_grows_as_far_as_without_a_balloon(self, major, collector):
        for size in OBJECTS:
            self.compare("agent.limit", major, collector, size, 1 if SHORT else 3 if collector in EXACT else 5)

    @for_each_combination
    def test_it_does_so_too_when_the_agent_gets_no_cpu_to_let_go(self, major, collector):
        """Then the collector itself has to take the chunks."""
        self.compare("agent.limit_starved", major, collector, OBJECTS[0], 1 if SHORT or collector in EXACT else 5, starved=True)

    def grown_under_load(self, major, held_by_size):
        """(bytes, ms) of a busy program; if held, its heap was small by itself, and the agent gets no CPU to undo that."""
        guestd, service, progress = self.limited(major, "G1", OBJECTS[0], held_by_size, options=",g1-hold=size")
        service.tell("churn")
        if held_by_size:
            guestd.order("small", HEAP // 5, 10_000, cap="firm")
            guestd.result("small")
            guestd.wait_report(lambda r: "GCTimeRatio=1" in (r.get("levers") or []) and r["committed_bytes"] <= HEAP // 4
                               and r["balloon_bytes"] <= HEAP // 50, 90, "a heap held by its size")
        with starved_agent(service.pid) if held_by_size else contextlib.nullcontext():
            grown = self.grown_as_far_as_possible(service, progress)
        service.stop()
        return grown

    @for_each_combination
    def test_a_g1_heap_held_by_its_size_under_load_becomes_as_large_as_any_by_itself(self, major, collector):
        if collector != "G1" or SHORT:
            skip(self, "held by size", major, collector, "a matter of G1, and of the soak")
        held, took = self.grown_under_load(major, True)
        plain, plain_took = self.grown_under_load(major, False)
        evidence("agent.limit_held_by_size", jdk=major, held_mib=f"{held / MIB:.2f}", without_mib=f"{plain / MIB:.2f}", ms=took,
                 without_ms=plain_took)
        self.assertGreaterEqual(held, plain * (1 - SAME))

    @for_each_combination
    def test_options_for_out_of_memory_do_not_fire_before_it(self, major, collector):
        size = OBJECTS[0]
        plain = self.limit(major, collector, size, False).held
        dump = os.path.join(self.directory(), "heap.hprof")
        guestd, service, progress = self.limited(major, collector, size, True, [
            "-XX:+ExitOnOutOfMemoryError", "-XX:+HeapDumpOnOutOfMemoryError", f"-XX:HeapDumpPath={dump}"])
        balloon = self.balloon(guestd)
        self.churn(collector, service)
        most = int(plain * (1 - SAME)) if collector in EXACT else int(plain * 0.98)
        answer = service.tell(f"grow {most}B", within=180)
        self.assertNotIn("error", answer)
        self.assertFalse(os.path.exists(dump), "a heap dump before the limit")
        service.start(f"grow {EVERYTHING}")
        code = service.finish(180)
        with open(progress, "rb") as file:
            held = struct.unpack("<q", file.read(8))[0]
        evidence("agent.oom_options", jdk=major, collector=collector, balloon_mib=balloon // MIB, limit_mib=plain // MIB,
                 held_without_a_dump_mib=int(answer["held_bytes"]) // MIB, held_at_exit_mib=held // MIB, exit_code=code,
                 dump_mib=os.path.getsize(dump) // MIB if os.path.exists(dump) else 0)
        self.assertEqual(code, EXIT_ON_OUT_OF_MEMORY, service.errors[-5:])
        self.assertTrue(os.path.exists(dump), "the option works at all")
        self.assertGreaterEqual(held, most)

    @for_each_combination
    def test_no_allocation_of_64_threads_fails_while_passes_run_flat_out(self, major, collector):
        gc_log = os.path.join(self.directory(), "gc.log")
        fixed = ["-Xms1g"] if collector == "G1" else []  # a soft maximum below -Xms drives nothing on Shenandoah
        allowed = ",full-gcs=1000" if collector == "Serial" else ""  # which gives in full collections only
        guestd, service = self.with_agent(
            major, collector, [*fixed, "-Xmx1g", f"-Xlog:gc=info,gc+jni=debug,gc+alloc=warning:file={gc_log}"],
            ["--rate", "12", "--threads", "64", "--checkers", "1", "--slab", "300KiB"], "Checked",
            options=",stress-passes=on,cpu-budget=100%" + allowed, levers_will_do=True)
        holds = not why_no_balloon(guestd)
        service.tell("live 100MiB")
        until, orders = time.monotonic() + (5 if SHORT else SECONDS), 0
        targets = [450 * MIB, 450 * MIB, 450 * MIB, LIFT]
        while time.monotonic() < until:
            guestd.order(f"o{orders}", targets[orders % len(targets)], 1000, cap="hard")
            guestd.result(f"o{orders}")
            guestd.wait_report()  # answers may come at once: the agent cuts off who floods it
            orders += 1
        answer = service.tell("report")
        with open(gc_log, encoding="utf-8") as file:
            log = file.read()
        most = max(r["balloon_bytes"] for r in guestd.reports)
        obtained = sum(r["obtained_bytes"] for r in guestd.results.values() if "detail" not in r)
        evidence("agent.oom_passes", jdk=major, collector=collector, orders=orders, obtained_mib=obtained // MIB,
                 most_balloon_mib=most // MIB, oome=answer["oome"], damage=answer["damage"], ops=answer["ops"],
                 worst_stall_ms=answer["worst_stall_ms"],
                 gclocker_retries=len(re.findall("Retried waiting for GCLocker", log)),
                 gclocker_stalls=len(re.findall("stalled by JNI critical|Allocation failed. Thread", log)),
                 gclocker_gcs=log.count("GCLocker Initiated GC"), full_gcs=full_gcs(gc_log), gc_stalls=gc_stalls(gc_log),
                 agent_cpu=round(max(r.get("agent_cpu", 0) for r in guestd.reports), 2))
        if holds:
            self.assertGreater(most, 0, "there was no balloon to pass over")
        else:
            self.assertGreater(sum(r["obtained_bytes"] for r in guestd.results.values()), 0, "no order gave anything")
        self.assertEqual((answer["oome"], answer["damage"]), ("0", "0"))
        self.assertEqual(service.tell("check")["damage"], "0")

    @for_each_combination
    def test_a_full_collection_in_a_container_with_little_room_kills_nobody(self, major, collector):
        group, why = MemoryCgroup.make()
        if not group:
            skip(self, "container", major, collector, why)
        self.addCleanup(group.remove)
        home = group.home_inside(jdks()[major], self.directory())
        fixed = [] if "Shenandoah" in collector else [f"-Xms{HEAP}"]  # a soft maximum below -Xms drives nothing there
        guestd, service = self.with_agent(major, collector, [*fixed, f"-Xmx{HEAP}"], [], "Service", home=home)
        service.tell("live 150MiB")
        service.tell(f"garbage {HEAP // 2 // MIB}MiB")
        balloon = self.balloon(guestd, HEAP // 4)
        group.limit(process_memory(service.pid) + 300 * MIB)
        said = service.jcmd("GC.run")
        answer = service.tell("check")
        evidence("agent.container", jdk=major, collector=collector, balloon_mib=balloon // MIB, peak_mib=group.peak() // MIB,
                 limit_mib=group.limited // MIB, alive=service.process.poll() is None)
        self.assertIsNone(service.process.poll(), said)
        self.assertEqual(answer["corrupt"], "0")


if __name__ == "__main__":
    run_and_count()
