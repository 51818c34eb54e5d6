"""Inflating and deflating at random under allocation load, while the program verifies its own heap: no byte is damaged, no
allocation fails, and nothing of the agent's stays behind."""

import os
import random
import re
import time
import zlib

from collectors import for_each_combination
from heap_pages import HEAP_LOG, HeapPages, full_gcs, gc_stalls
from jni_refs import jni_global_refs
from orders import GRACE_MS, LIFT, RandomOrders

from agent_case import GIB, MIB, evidence
from hard_case import HardCase, run_and_count
from java_service import jdks

SECONDS = float(os.environ.get("AEROSTAT_SOAK_SECONDS", "60"))
SEED = int(os.environ.get("AEROSTAT_SOAK_SEED") or random.SystemRandom().randrange(1 << 32))
# Each flight is a JVM of its own; the seed shares the options out among them.
FLIGHTS = [",cpu-budget=20%", ",stress-passes=on,cpu-budget=100%,log=verbose"]
HOLDS = {"G1": ("", ",g1-hold=size")}  # for each flight one of them
LEVERS_ONLY = {"Serial": ",full-gcs=1000"}  # collectors that hold no balloon, and what has their levers work
HEAP = 2 * GIB
LIVE = (80 * MIB, 260 * MIB)
KNOWN_REASONS = {"met", "deadline", "floor", "gc-distress", "not-reclaimable", "cancelled", "superseded"}
# Beside the heap a JVM breathes. What its own books say it has grown by (NativeMemoryTracking: collectors' tables, compiled code) is
# not the agent's, which allocates past those books. In flights of 45 s with no orders at all (G1) two such looks were 2.3 MiB apart at most. With a
# heap that commits as it likes, mark bitmaps and card tables come and go with what it has committed. A flight moves thousands of
# chunks: a leak of 4 KiB a chunk shows, and with a longer AEROSTAT_SOAK_SECONDS smaller ones do.
NATIVE_GROWTH = 16 * MIB
TABLES = 1 / 32 + 3 / 512  # of the committed heap: two bits a word, and three bytes for 512
REFS_GROWTH = 16  # the JVM's own: classes that attach and management load later


class Soak(HardCase):
    @for_each_combination
    def test_nothing_is_damaged_and_nothing_leaks_under_random_orders(self, major, collector):
        for flight, options in enumerate(FLIGHTS):
            seed = zlib.crc32(f"{SEED}/{major}/{collector}/{flight}".encode())
            Flight(self, major, collector, options, random.Random(seed)).fly(SECONDS / len(FLIGHTS), seed)
            self.doCleanups()

    def test_one_damaged_byte_is_found(self):
        service = self.service(min(jdks()), ["-Xmx256m"], main="Checked")
        service.tell("live 50MiB")
        self.assertEqual(service.tell("check")["damage"], "0")
        done = service.tell("damage")
        self.assertNotEqual(service.tell("check")["damage"], "0")
        told = " ".join(line for line in service.lines if line.startswith("damaged"))
        self.assertIn(f"object={done['object']} ", told)
        self.assertIn(f"offset={done['offset']} ", told)


class Flight:
    """One JVM from its start to its end."""

    def __init__(self, case, major, collector, options, rng):
        self.case, self.major, self.collector, self.options, self.random = case, major, collector, options, rng

    def fly(self, seconds, seed):
        gc_log = os.path.join(self.case.directory(), "gc.log")
        self.holds = self.collector not in LEVERS_ONLY
        fixed = self.random.random() < 0.5 and self.holds  # levers give nothing of a heap of fixed size
        self.options += LEVERS_ONLY.get(self.collector, "") + self.random.choice(HOLDS.get(self.collector, ("",)))
        args = [f"-Xmx{HEAP}", *([f"-Xms{HEAP}"] if fixed else []), f"-Xlog:gc,{HEAP_LOG}:file={gc_log}",
                "-XX:NativeMemoryTracking=summary"]
        self.guestd, self.service = self.case.with_agent(self.major, self.collector, args, ["--rate", "800"], "Checked",
                                                         self.options, levers_will_do=not self.holds)
        print(f"\nsoak: seed={SEED} flight_seed={seed} jdk={self.major} collector={self.collector} fixed_size={fixed} "
              f"options={self.options[1:]} (again: AEROSTAT_SOAK_SEED={SEED})", flush=True)
        try:
            self.run(seconds, seed, gc_log, fixed)
        except Exception:
            self.case.tell_of_the_end(self.service)
            raise

    def run(self, seconds, seed, gc_log, fixed):
        orders = RandomOrders(self.guestd, self.service, seed, *LIVE)
        self.service.tell(f"live {LIVE[1] // MIB}MiB")
        began = time.monotonic()
        self.fly_until(orders, began + seconds / 3)
        pages = HeapPages(self.service.pid, gc_log)
        before = self.quiet(pages)
        self.fly_until(orders, began + seconds)
        after = self.quiet(pages)
        answer = self.service.tell("report")
        report = self.guestd.reports[-1]
        balloons = [r["balloon_bytes"] for r in self.guestd.reports]
        tally = orders.tally
        evidence("agent.soak", jdk=self.major, collector=self.collector, seed=SEED, fixed_size=fixed, options=self.options[1:],
                 minutes=round((time.monotonic() - began) / 60, 2), operations=sum(tally.reasons.values()), reasons=tally.text(),
                 given_mib=tally.given // MIB, most_balloon_mib=max(balloons) // MIB,
                 ballooned_mib=sum(abs(a - b) for a, b in zip(balloons, balloons[1:])) // MIB,
                 latest_ms=tally.latest_ms, ops=answer["ops"],
                 checks=answer["checks"], checked_gib=round(int(answer["checked_bytes"]) / GIB, 1), damage=answer["damage"],
                 oome=answer["oome"], worst_stall_ms=answer["worst_stall_ms"], full_gcs=full_gcs(gc_log),
                 gc_stalls=gc_stalls(gc_log),
                 cleared=report["cleared_chunks"], guard_releases=report["guard_releases"], refills=report["refills"],
                 native_growth_kib=(after["native"] - before["native"]) // 1024, native_mib=after["native"] // MIB,
                 of_jvm_kib=(after["tracked"] - before["tracked"]) // 1024,
                 committed_mib=f"{before['committed'] // MIB}..{after['committed'] // MIB}",
                 global_refs=f"{before['refs']}..{after['refs']}")
        self.judge(tally, answer, before, after, max(balloons))

    def fly_until(self, orders, until):
        while time.monotonic() < until:
            orders.step()

    def quiet(self, pages):
        """The same state at each look: no target, no balloon, as much alive, a full collection behind."""
        self.guestd.order(f"quiet-{time.monotonic_ns()}", LIFT)
        self.guestd.wait_report(lambda r: r["balloon_bytes"] == 0 and "target_bytes" not in r, 20, "a report without a balloon")
        self.service.tell("rate 800")
        self.service.tell(f"live {LIVE[1] // MIB}MiB")
        self.service.jcmd("GC.run")
        checked = self.service.tell("check")
        self.case.assertEqual(checked["damage"], "0", self.damage())
        self.service.jcmd("System.trim_native_heap")  # what malloc keeps of what was freed is no leak
        committed = self.guestd.wait_report()["committed_bytes"]
        return {"refs": jni_global_refs(self.service), "native": pages.own_beside(), "committed": committed,
                "tracked": self.tracked()}

    def tracked(self):
        """What the JVM itself has committed beside its heap."""
        said = self.service.jcmd("VM.native_memory", "summary", "scale=KB")
        total, heap = (int(re.search(what + r".*committed=(\d+)KB", said).group(1)) for what in ("Total:", "Java Heap"))
        return (total - heap) * 1024

    def judge(self, tally, answer, before, after, most_balloon):
        case = self.case
        case.assertEqual((answer["damage"], answer["oome"]), ("0", "0"), self.damage())
        case.assertGreater(int(answer["checks"]), 1000)
        case.assertLessEqual(set(tally.reasons), KNOWN_REASONS, tally.details)
        if self.holds:
            case.assertGreater(most_balloon, 0, "no order ever made a balloon: the flight has tested nothing")
            case.assertEqual(tally.details, set(), "the agent gave up ballooning in this JVM")
        else:
            case.assertGreater(tally.given, 0, "no order ever gave anything: the flight has tested nothing")
            case.assertEqual(most_balloon, 0)
            case.assertEqual({text for text in tally.details if not text.startswith("the collector gives no more")}, set())
        case.assertLessEqual(tally.latest_ms, GRACE_MS, "an operation ended long after its deadline")
        case.assertLessEqual(after["refs"] - before["refs"], REFS_GROWTH, "JNI global references leak")
        of_jvm = max(0, after["tracked"] - before["tracked"])
        of_tables = TABLES * max(0, after["committed"] - before["committed"])
        case.assertLessEqual(after["native"] - before["native"], NATIVE_GROWTH + of_tables + of_jvm, "memory beside the heap grows")
        case.assertEqual(self.guestd.errors, [])

    def damage(self):
        return [line for line in self.service.lines if line.startswith("damaged")]


if __name__ == "__main__":
    run_and_count()
