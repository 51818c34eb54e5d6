#!/usr/bin/env python3
"""Cost curves against truth for real programs: H2, Lucene and Jetty, each doing the same work in heaps of several sizes.

As `prediction`, with programs that somebody else wrote. The rate of requests is found once, in the largest heap, where the agent
is, and is then the same in all of them. Cost is the CPU of GC threads plus the time the program stood still: at safepoints by the
JVM's own counter, and in ZGC's allocation stalls, each thread's, by the collector's log. A heap in which the program dies of an
OutOfMemoryError, or answers less than is due, is saturated.
"""

import os
import re
import shutil
import sys
import tempfile

import process
from common import MIB, ROOT, arguments, jdks, layers
from prediction import conclude, family, settled, show, sizes

sys.path.insert(0, os.path.join(ROOT, "tests", "workloads", "programs"))

import trial  # noqa: E402

STALL = re.compile(r"Allocation Stall \(.*\) ([0-9.]+)ms$")
UNDONE = {"cost": None, "gc_cpu": None, "stalled_seconds": None, "work_held": 0.0}
LIVE_MIB = 100  # what a program is told to hold; how much is alive with it is the agent's to find out
GUESS = 7       # times that: the heap in which this is done, and the rate found


def standing(program):
    """Seconds in which the program stood still so far."""
    counters = process.counters(program.service.pid)
    with open(program.gc_log, encoding="utf-8") as file:
        stalls = sum(float(found.group(1)) for found in map(STALL.search, map(str.rstrip, file)) if found)
    return counters["sun.rt.safepointTime"] / counters["sun.os.hrt.frequency"] + stalls / 1000


def window(program, seconds):
    """Figures for each second of load."""
    before, still = process.threads(program.service.pid), standing(program)
    load = program.load_for(seconds)
    after = process.threads(program.service.pid)
    figures = {"gc_cpu": process.cpu_between(before, after, process.GC_THREADS) / seconds,
               "stalled_seconds": (standing(program) - still) / seconds, "work_held": load["requests"] / max(1, load["due"]),
               "p99_ms": load["p99_ms"]}
    return {**figures, "cost": figures["gc_cpu"] + figures["stalled_seconds"]}


class Family:
    """One program on one collector: its live set, then the same work in heaps of several times that."""

    def __init__(self, layer, class_path, name, options):
        self.layer, self.class_path, self.name = layer, class_path, name
        self.quick = options.quick
        self.rate, self.live = None, None

    def plan(self, heap):
        return (trial.QUICK if self.quick else trial.FULL)._replace(live_mib=LIVE_MIB, heap_mib=heap // MIB)

    def run(self):
        first = self.plan(int(LIVE_MIB * MIB * GUESS))
        with tempfile.TemporaryDirectory(prefix="aerostat-bench-") as directory:
            probe = trial.Trial(self.layer.home, self.class_path, self.name, self.layer.flags, first, directory)
            try:
                self.rate = probe.warm_up()
                self.live = probe.learn_live()
            finally:
                probe.close()
        return family(sizes(self.live, self.quick), self.observe)

    def observe(self, heap, agent):
        with tempfile.TemporaryDirectory(prefix="aerostat-bench-") as directory:
            try:
                kind = trial.Trial if agent else trial.Loaded
                program = kind(self.layer.home, self.class_path, self.name, self.layer.flags, self.plan(heap), directory)
            except (trial.Wrong, TimeoutError):
                return {"heap": heap, **UNDONE}
            try:
                return {"heap": heap, **self.measured(program, agent)}
            except trial.Wrong:
                return {"heap": heap, **UNDONE}
            finally:
                program.close()

    def measured(self, program, agent):
        program.ask(f"rate {self.rate}")
        program.load_for(program.plan.warm_up)
        report = settled(program.guestd, program.load_for, 10 if self.quick else 60) if agent else None
        figures = window(program, program.plan.phase)
        return {**figures, "report": report} if agent else figures


def extra(parser):
    parser.add_argument("--programs", default=",".join(trial.PROGRAMS), help="default: %(default)s")


def measure(options, class_path):
    runs_of = {}
    for layer in layers(options):
        for name in options.programs.split(",")[:1 if options.quick else None]:
            runs_of[layer.name, name] = Family(layer, class_path, name, options).run()
            show(layer, name, runs_of[layer.name, name])
    conclude(options, "prediction_programs", runs_of)


def main():
    options = arguments(__doc__, extra)
    unknown = set(options.programs.split(",")) - set(trial.PROGRAMS)
    if unknown:
        sys.exit(f"unknown program {', '.join(sorted(unknown))}: choose from {', '.join(trial.PROGRAMS)}")
    classes = tempfile.mkdtemp(prefix="aerostat-classes-")
    try:
        measure(options, trial.compiled(jdks()[min(jdks())], classes))
    except trial.maven.Unreachable as why:
        print(f"SKIP programs: {why}", flush=True)
    finally:
        shutil.rmtree(classes, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
