#!/usr/bin/env python3
"""What a squeeze to 1.5 times the live set costs real programs: H2, Lucene and Jetty under steady load, before, during and after.

Requests come at fixed times at up to a third of the processors' power, and each answer is verified; latency counts from the time
at which a request was due. A wrong answer or an OutOfMemoryError ends a program's run and fails the bench; so do a full
collection since the squeeze, and a balloon that is still there after the release. Full collections and stalls (ZGC's allocation
stalls, Shenandoah's degenerated cycles) are counted in the collector's own log; memory is what the kernel's books say.
"""

import os
import shutil
import sys
import tempfile

from common import MIB, ROOT, arguments, jdks, layers, table, write_json

sys.path.insert(0, os.path.join(ROOT, "tests", "workloads", "programs"))

import trial  # noqa: E402

HEAD = ["program", "collector", "requests/s", "squ.", "rel.", "p99 ms", "squ.", "rel.", "p99 squ./uns.", "CPU", "squ.", "rel.",
        "live MiB", "memory MiB", "squ.", "rel.", "full GCs", "stalls", "squ.", "rel.", "given MiB", "reached", "held",
        "balloon", "squeeze"]


def options(parser):
    parser.add_argument("--programs", default=",".join(trial.PROGRAMS), help="default: " + ",".join(trial.PROGRAMS))
    parser.add_argument("--phase", type=float, metavar="SECONDS", help="length of each of the three phases that are measured")


def measure(layer, class_path, name, plan):
    directory = tempfile.mkdtemp(prefix="aerostat-programs-")
    try:
        one = trial.Trial(layer.home, class_path, name, layer.flags, plan, directory)
        try:
            why = one.why_left_alone()
            return {"left_alone": why} if why else with_ratios(one.run())
        finally:
            one.close()
    except (trial.Wrong, TimeoutError) as trouble:
        return {"failed": str(trouble)}
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def with_ratios(figures):
    """The squeezed and the released program against itself unsqueezed."""
    before = figures["unsqueezed"]
    for phase in ("squeezed", "released"):
        for key in ("throughput", "p99_ms", "cpu_share", "memory_bytes"):
            figures[phase][key + "_ratio"] = round(figures[phase][key] / before[key], 3)
    # The heap at the end of the squeeze, and on average while squeezed, in live sets.
    figures["reached_ratio"] = round(figures["reached_bytes"] / figures["live_bytes"], 2)
    figures["held_ratio"] = round(figures["squeezed"]["footprint_bytes"] / figures["live_bytes"], 2)
    return figures


def line(name, layer, figures):
    if "failed" in figures or "left_alone" in figures:
        return None

    def each(key, shown=lambda value: value):
        return [shown(figures[phase][key]) for phase in trial.PHASES]

    return [name, layer.name, *each("throughput", lambda v: f"{v:.0f}"), *each("p99_ms", lambda v: f"{v:.2f}"),
            figures["squeezed"]["p99_ms_ratio"], *each("cpu_share", lambda v: f"{v:.0%}"), figures["live_bytes"] // MIB,
            *each("memory_bytes", lambda v: v // MIB), figures["full_gcs"], *each("gc_stalls"), figures["obtained_bytes"] // MIB,
            figures["reached_ratio"], figures["held_ratio"],
            figures["balloon_bytes"] // MIB, outcome(figures)]


def outcome(figures):
    """A heap that is below the target already is only held there: its row shows nothing of a squeeze."""
    return "nothing to give" if figures["nothing_to_give"] else f"{figures['squeeze']} in {figures['squeeze_ms']} ms"


def remarks(name, layer, figures):
    """Why a squeeze was not met, and what the guard gave back for."""
    said = [figures["squeeze_detail"]] if figures.get("squeeze_detail") else []
    if figures.get("guard_releases"):
        causes = ", ".join(figures["distress"]) or "what no report tells"
        said.append(f"{figures['guard_releases']} releases by the guard, for {causes}")
    return f"{name} {layer.name}: {'; '.join(said)}" if said else None


def run_all(asked, class_path):
    """{program: {JDK: {collector: figures}}}, and the table's rows."""
    figures, rows, notes = {}, [], []
    plan = trial.QUICK if asked.quick else trial.FULL
    if asked.phase:
        plan = plan._replace(phase=asked.phase)
    for layer in layers(asked):
        for name in asked.programs.split(","):
            got = measure(layer, class_path, name, plan)
            figures.setdefault(name, {}).setdefault(str(layer.major), {})[layer.collector] = got
            rows.append(line(name, layer, got))
            notes.append(remarks(name, layer, got))
            told = [f"{key.replace('_', ' ')}: {got[key]}" for key in ("failed", "left_alone") if key in got]
            print(f"{name} {layer.name}: {''.join(told) or 'measured'}", flush=True)
    return figures, [row for row in rows if row], [note for note in notes if note]


def fault(figures):
    """What must not be; nothing if all is well."""
    if figures.get("full_gcs"):
        return f"{figures['full_gcs']} full collections since the squeeze"
    if figures.get("balloon_left_bytes"):
        return f"a balloon of {figures['balloon_left_bytes'] // MIB} MiB after the release"
    return figures.get("failed", "")


def failures(figures):
    return [f"{name} on JDK {major}, {collector}: {fault(one)}" for name, by_jdk in figures.items()
            for major, by_collector in by_jdk.items() for collector, one in by_collector.items() if fault(one)]


def main():
    asked = arguments(__doc__, options)
    unknown = set(asked.programs.split(",")) - set(trial.PROGRAMS)
    if unknown:
        sys.exit(f"unknown program {', '.join(sorted(unknown))}: choose from {', '.join(trial.PROGRAMS)}")
    classes = tempfile.mkdtemp(prefix="aerostat-classes-")
    try:
        figures, rows, notes = run_all(asked, trial.compiled(jdks()[min(jdks())], classes))
    except trial.maven.Unreachable as why:
        print(f"SKIP programs: {why}", flush=True)
        return 0
    finally:
        shutil.rmtree(classes, ignore_errors=True)
    if rows:
        table(HEAD, rows)
        print(*notes, sep="\n", flush=True)
    write_json(asked, "programs", figures)
    failed = failures(figures)
    return f"failed: {'; '.join(failed)}" if failed else 0


if __name__ == "__main__":
    sys.exit(main())
