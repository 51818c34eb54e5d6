#!/usr/bin/env python3
"""How little memory suffices for several services: fixed heaps, the JDK's own means, the kernel's limit, and Aerostat's policies.

Five services of different kinds (HTTP, cache, database, search, batch) with a load that moves between them in the course of a
day, at fixed times whatever happens, and no more than half of the processors' power. First unlimited, to find what they hold and
how well they do; then with budgets of 75, 60, 50 and 40 % of that, and further towards each system's edge. A budget is good when
throughput stays within 3 %, each service's p99 within 10 % (or unlimited's own spread), nobody dies, and the budget is held.

A run of hours that was interrupted goes on where it was: finished cells are kept in a file. --at-most N ends it after N cells.
"""

import hashlib
import os
import shutil
import sys
import tempfile
import time

from common import ROOT, arguments, jdks, write_json

sys.path[:0] = [os.path.join(ROOT, "tests", part) for part in
                ("support", "soak", os.path.join("workloads", "programs"), os.path.join("e2e", "demo"))]

import interrupts  # noqa: E402
import trial  # noqa: E402
from consolidation import cell, judge, report, search  # noqa: E402
from consolidation.plan import FULL, MOST_CPU_SHARE, QUICK, SHARES, cell_seconds  # noqa: E402
from consolidation.state import OtherRun, State  # noqa: E402
from consolidation.systems import SYSTEMS, UNLIMITED  # noqa: E402
from harness import Trouble, built  # noqa: E402
from memory_cgroup import MemoryCgroup  # noqa: E402

QUICK_SYSTEMS, QUICK_SHARES = ("price",), (0.60,)
CALIBRATION_SECONDS = 10


def options(parser):
    parser.add_argument("--systems", default=",".join(SYSTEMS), help="default: " + ",".join(SYSTEMS))
    budgets = ",".join(f"{100 * one:.0f}" for one in SHARES)
    parser.add_argument("--budgets", default=budgets, help="in percent; default: " + budgets)
    parser.add_argument("--part", type=float, metavar="SECONDS",
                        help=f"length of each of the day's parts (default {FULL.part:.0f})")
    parser.add_argument("--warm", type=float, metavar="SECONDS",
                        help=f"likewise, of the day before that does not count (default {FULL.warm_part:.0f})")
    parser.add_argument("--runs", type=int, metavar="N", help=f"runs unlimited and at each edge (default {FULL.runs})")
    parser.add_argument("--no-edges", action="store_true", help="only the budgets given, once each: no bisecting, no repeats")
    parser.add_argument("--at-most", type=int, metavar="N", help="end after so many cells; the next run goes on")
    parser.add_argument("--state", metavar="FILE", help="where finished cells are kept (default: in the build directory)")
    parser.add_argument("--fresh", action="store_true", help="forget finished cells")
    parser.add_argument("--report", metavar="DIR", help="write tables (markdown) and charts (SVG) there")
    parser.add_argument("--keep-logs", metavar="DIR", help="keep the logs of daemons, services and collectors there")


class Run:
    """All cells of one run, in their order."""

    def __init__(self, asked, class_path):
        self.asked, self.began, self.ran = asked, time.monotonic(), 0
        self.plan = settings(asked)
        self.systems, self.shares = chosen(asked)
        major = next((one for one in map(int, asked.jdks.split(",")) if one in jdks()), min(jdks()))
        self.bench = cell.Bench(jdks()[major], class_path, self.plan, asked.keep_logs)
        self.state = State(state_path(asked), {"plan": list(self.plan), "jdk": jdks()[major], "load": loads(),
                                               "cores": os.cpu_count()})
        self.cgroup = None

    def judged(self):
        """(reference, base, footprint, {(system, share): verdict}) of what is finished; None without an unlimited run."""
        unlimited = self.state.of("unlimited", None)
        if not unlimited:
            return None
        against = judge.reference(unlimited)
        base, footprint = cell.base_of(self.plan, unlimited)
        verdicts = {key: judge.verdict(self.state.of(*key), against) for key in self.state.runs() if key[1] is not None}
        return against, base, footprint, verdicts

    def _goods(self):
        judged = self.judged()
        verdicts = judged[3] if judged else {}
        return {system: {share: one["good"] for (name, share), one in verdicts.items() if name == system}
                for system in self.systems}

    def _next(self):
        runs = self.state.runs()
        if not self.asked.no_edges:
            return search.next_cell(runs, self._goods(), self.systems, self.shares, self.plan)
        grid = [search.Cell("unlimited", None, 0)] * (runs.get(("unlimited", None), 0) < self.plan.runs)
        grid += [search.Cell(system, share, 0) for share in self.shares for system in self.systems
                 if not runs.get((system, share))]
        return grid[0] if grid else None

    def left(self):
        """(cells, seconds) at most from here."""
        runs = self.state.runs()
        if self.asked.no_edges:
            count = max(0, self.plan.runs - runs.get(("unlimited", None), 0))
            count += sum(not runs.get((system, share)) for system in self.systems for share in self.shares)
        else:
            count = search.cells_left(runs, self._goods(), self.systems, self.shares, self.plan)
        seen = (time.monotonic() - self.began) / self.ran if self.ran else cell_seconds(self.plan)
        if self.asked.at_most is not None:
            count = min(count, self.asked.at_most - self.ran)
        return count, count * seen + (0 if self.state.calibration else CALIBRATION_SECONDS)

    def all(self):
        """Runs what is left to run. True when nothing is left."""
        if not self.state.calibration:
            self.state.add({"calibration": cell.calibrate(self.bench)})
            self.began = time.monotonic()
        print("busiest rates: " + ", ".join(f"{name} {rate}/s" for name, rate in self.state.calibration.items()), flush=True)
        while following := self._next():
            if self.asked.at_most is not None and self.ran >= self.asked.at_most:
                return False
            self._one(following)
        return True

    def _one(self, following):
        system = SYSTEMS.get(following.system, UNLIMITED)
        judged = self.judged()
        budget = int(judged[2] * following.share) if following.share else 0
        cgroup = self.cgroup if system.limited else None
        figures = cell.run(self.bench, system, judged[1] if budget else None, budget, self.state.calibration, cgroup)
        self.state.add({"cell": {"system": following.system, "share": following.share, "budget_bytes": budget, **figures}})
        self.ran += 1
        count, seconds = self.left()
        print(f"{self._line(following)}   [{self.ran} cells done, at most {count} to go, {minutes(seconds)}]", flush=True)

    def _line(self, following):
        last = self.state.of(following.system, following.share)[-1]
        deaths = "".join(f", {name}: {why}" for name, why in last["deaths"].items())
        memory = f"{last['memory']['mean'] >> 20} MiB (peak {last['memory']['peak'] >> 20})"
        if last["others_cpu"] > judge.MOST_OTHERS:
            deaths += f"; DISTURBED: others took {last['others_cpu']:.2f} processors"
        if following.share is None:
            share = last["cpu"] / os.cpu_count()
            over = f" MORE THAN {MOST_CPU_SHARE:.0%}: the machine is too slow for these rates" if share > MOST_CPU_SHARE else ""
            return f"unlimited: {memory}, CPU {share:.0%}{over}{deaths}"
        ratios = judge.ratios(last, self.judged()[0])
        return (f"{following.system} at {following.share:.0%} = {last['budget_bytes'] >> 20} MiB: throughput "
                f"{ratios['throughput_ratio']:.3f}, p99 × {report.ratio(ratios['p99_ratio'])} ({ratios['p99_hurt']}), {memory}, "
                f"above {last['memory']['above_share']:.0%}, GC {last['gc_cpu']:.2f} cores{deaths}")


def minutes(seconds):
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def loads():
    """What the programs under load are, so that cells of others are not mixed in."""
    sums = hashlib.sha256()
    for folder in (os.path.join(ROOT, "tests", "workloads", "programs"), os.path.join(ROOT, "tests", "bench", "consolidation")):
        for name in sorted(os.listdir(folder)):
            if name.endswith((".java", "plan.py", "systems.py")):
                with open(os.path.join(folder, name), "rb") as file:
                    sums.update(file.read())
    return sums.hexdigest()[:16]


def settings(asked):
    plan = QUICK if asked.quick else FULL
    plan = plan._replace(part=asked.part) if asked.part else plan
    plan = plan._replace(warm_part=asked.warm) if asked.warm else plan
    return plan._replace(runs=asked.runs) if asked.runs else plan


def chosen(asked):
    """(systems, budgets) asked for."""
    systems = asked.systems.split(",")
    unknown = set(systems) - set(SYSTEMS)
    if unknown:
        raise SystemExit(f"unknown system {', '.join(sorted(unknown))}: choose from {', '.join(SYSTEMS)}")
    shares = [round(float(one) / 100, 4) for one in asked.budgets.split(",")]
    if asked.quick and len(systems) == len(SYSTEMS):  # unless told otherwise
        systems, shares = list(QUICK_SYSTEMS), list(QUICK_SHARES)
    return systems, shares


def state_path(asked):
    """--quick keeps nothing unless told where."""
    path = asked.state or (None if asked.quick else os.path.join(ROOT, os.environ.get("AEROSTAT_BUILD", "build/release"),
                                                                 "consolidation.state"))
    if asked.fresh and path and os.path.exists(path):
        os.remove(path)
    return path


def with_cgroup(run):
    """Makes the memory cgroup that a system needs; leaves such systems out, loudly, where there is none."""
    if not any(SYSTEMS[name].limited for name in run.systems):
        return
    run.cgroup, why = MemoryCgroup.make()
    if not run.cgroup:
        left_out = [name for name in run.systems if SYSTEMS[name].limited]
        print(f"SKIP {', '.join(left_out)}: {why}", flush=True)
        run.systems = [name for name in run.systems if name not in left_out]


def measure(asked, class_path):
    run = Run(asked, class_path)
    if asked.quick:
        run.asked.no_edges = True
    with_cgroup(run)
    try:
        count, seconds = run.left()
        print(f"{len(run.state.cells)} cells finished before; at most {count} to go, about {minutes(seconds)}", flush=True)
        finished = run.all()
    finally:
        if run.cgroup:
            run.cgroup.remove()
    show(asked, run)
    if not finished:
        print(f"\nnot finished: the same command goes on, about {minutes(run.left()[1])}", flush=True)


def show(asked, run):
    judged = run.judged()
    if not judged:
        return
    against, _, footprint, verdicts = judged
    systems = [name for name in SYSTEMS if any(name == one for one, _ in verdicts)]
    words = report.text(run.state, verdicts, against, footprint, systems)
    print("\n" + words, flush=True)
    if asked.report:
        report.write(asked.report, words, report.charts(run.state, verdicts, footprint, systems))
    write_json(asked, "consolidation", report.figures(run.state, verdicts, against, footprint, systems))


def main():
    asked = arguments(__doc__, options)
    interrupts.listen()
    classes = tempfile.mkdtemp(prefix="aerostat-classes-")
    try:
        for needed in ("aerostat-hostd", "aerostat-guestd", "aerostatctl"):
            built("bin", needed)
        measure(asked, trial.compiled(jdks()[min(jdks())], classes))
    except trial.maven.Unreachable as why:
        print(f"SKIP consolidation: {why}", flush=True)
    except interrupts.Interrupted as interrupted:
        print("\nconsolidation: interrupted; everything it had started is ended, and the same command goes on", file=sys.stderr)
        return 128 + interrupted.args[0]
    except (Trouble, OtherRun, OSError) as trouble:
        return f"consolidation: {trouble}"
    finally:
        shutil.rmtree(classes, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
