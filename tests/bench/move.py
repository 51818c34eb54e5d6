"""How fast the agent moves memory, in GiB/s, beside the kernel's own limit for the same kind of memory in the same run.

Chunks: a heap of fixed size (-Xms = -Xmx: the collector gives nothing itself) whose garbage has been collected, so that it is
free and resident. Levers: a heap that may shrink, full of garbage that nobody has collected yet. Times are the agent's own
(elapsed_ms of its result); beside them stands what the other end of the socket saw. Deflating lets chunks go: the
collector uses their room from its next collection on, the kernel gives pages when they are touched.
"""

import os
import queue
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from common import GIB, MIB, ROOT, agent_library, arguments, classes, layers, spread, table, tool, write_json

sys.path.insert(0, os.path.join(ROOT, "tests", "soak"))

from fake_guestd import FakeGuestd  # noqa: E402
from heap_pages import HEAP_LOG, HeapPages  # noqa: E402
from java_service import JavaService  # noqa: E402

LIVE, GARBAGE, MOVED = 125 * MIB, 1536 * MIB, GIB
ROWS = (("limit", "madvise alone"), ("chunks_inside", "chunks, agent's time"), ("chunks_outside", "chunks, from outside"),
        ("chunks_deflate", "chunks let go"), ("levers_inside", "levers, agent's time"),
        ("levers_outside", "levers, from outside"), ("levers_deflate", "chunks let go, with levers"))
LET_GO = ("chunks_deflate", "levers_deflate")  # no page moves then: the kernel gives them back when they are used
OUTCOME = ("reason", "obtained_bytes", "fell_bytes", "elapsed_ms", "detail")
LIFTED = 1 << 40  # a target above any heap


class TooLittle(Exception):
    """There is not as much to move as is to be moved."""


class Heap:
    """A service in a JVM with the agent."""

    def __init__(self, layer, class_dir, flags):
        self.directory = tempfile.mkdtemp(prefix="aerostat-bench-")
        self.guestd = FakeGuestd(self.directory)
        agent = f"-agentpath:{agent_library()}=runtime-dir={self.directory},name=move"
        gc_log = os.path.join(self.directory, "gc.log")
        log = f"-Xlog:{HEAP_LOG}:file={gc_log}"
        self.service = JavaService(layer.home, class_dir, [*layer.flags, *flags, log, agent])
        self.orders = 0
        self.service.answer()
        self.guestd.wait_session()
        self.jvm = self.guestd.hello["jvm"]
        self.pages = HeapPages(self.service.pid, gc_log)

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.service.stop()
        self.guestd.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def fill(self):
        self.service.tell(f"live {LIVE}B")
        self.service.tell(f"garbage {GARBAGE}B")

    def order(self, target, deadline_ms=20000):
        """The agent's result, with the seconds that it took as seen from here."""
        self.orders += 1
        began = time.monotonic()
        self.guestd.order(f"move-{self.orders}", target, deadline_ms)
        result = self.guestd.result(f"move-{self.orders}", deadline_ms / 1000 + 10)
        result["outside_s"] = result["at"] - began
        return result

    def shrink(self):
        """From what is resident now, as seen from outside: reports tell of earlier, and a collector may have given some back."""
        before = self.pages.held()
        if before <= MOVED:
            raise TooLittle(f"only {before / MIB:.0f} MiB of the heap are resident once it is full")
        result = self.order(before - MOVED)
        result["fell_bytes"] = before - self.pages.held()
        result["inside"] = speed(result["obtained_bytes"], result["elapsed_ms"] / 1000)
        result["outside"] = speed(result["obtained_bytes"], result["outside_s"])
        return result

    def lift(self):
        """Ends the order; the speed at which chunks were let go, or None if there were too few to tell."""
        held = self.guestd.wait_report()["balloon_bytes"]
        result = self.order(LIFTED)
        self.guestd.wait_report(lambda report: report["balloon_bytes"] == 0, 30, "an empty balloon")
        return speed(held, result["outside_s"]) if held >= MOVED // 4 else None


def speed(bytes_, seconds):
    return bytes_ / GIB / max(seconds, 0.0005)  # elapsed_ms is whole milliseconds


def rounds(layer, class_dir, flags, count, collected):
    """Shrinks and lifts `count` times; None where the agent cannot balloon, with its reason printed."""
    shrunk, lifted = [], []
    with Heap(layer, class_dir, flags) as heap:
        if not heap.jvm["can_balloon"]:
            return None, heap.jvm.get("why_not", "no reason given")
        for _ in range(count):
            heap.fill()
            if collected:
                heap.service.jcmd("GC.run")
            shrunk.append(heap.shrink())
            lifted.append(heap.lift())
    return (shrunk, [figure for figure in lifted if figure is not None]), None


def limit(kind, count):
    command = [tool("bench_madvise_limit"), kind, str(MOVED // MIB), str(count)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(line) for line in run.stdout.split()]


def measure(layer, class_dir, options):
    """The figures of one layer, or why there are none."""
    count = 2 if options.quick else 6
    size = f"{3 * GIB // MIB}m"
    limits = limit("shared" if layer.collector == "Z" else "private", count)
    chunks, why = rounds(layer, class_dir, [f"-Xms{size}", f"-Xmx{size}"], count, True)
    if why:
        return {"unsupported": why, "limit_gib_per_s": statistics.median(limits)}
    levers, _ = rounds(layer, class_dir, [f"-Xmx{size}"], count, False)
    figures = {"limit": spread(limits), "limit_gib_per_s": statistics.median(limits), "outcomes": {}}
    for name, (shrunk, lifted) in (("chunks", chunks), ("levers", levers)):
        for side in ("inside", "outside"):
            figures[f"{name}_{side}"] = spread(result[side] for result in shrunk)
        if lifted:
            figures[f"{name}_deflate"] = spread(lifted)
        figures["outcomes"][name] = [{key: result.get(key) for key in OUTCOME} for result in shrunk]
    figures["gib_per_s"] = figures["chunks_inside"]["median"]
    figures["ratio"] = figures["gib_per_s"] / figures["limit_gib_per_s"]
    return figures


def measured(layer, class_dir, options):
    """An agent that does not answer, or a JVM that ends, is the failure of this layer alone."""
    try:
        return measure(layer, class_dir, options)
    except (OSError, TooLittle, queue.Empty) as trouble:  # a TimeoutError is an OSError
        return {"failed": str(trouble) or "the program does not answer"}


def show(name, figures):
    print(f"\n{name}", flush=True)
    if "failed" in figures:
        print(f"FAILED {name}: {figures['failed']}", flush=True)
        return
    if "unsupported" in figures:
        print(f"SKIP {name}: the agent holds no balloon here: {figures['unsupported']}", flush=True)
        return
    rows = []
    for key, what in ROWS:
        if key in figures:
            share = "-" if key in LET_GO else f"{figures[key]['median'] / figures['limit_gib_per_s']:.1%}"
            rows.append([what, *(figures[key][part] for part in ("min", "median", "max")), share])
    table(["GiB/s", "min", "median", "max", "of limit"], rows)
    for kind, outcomes in figures["outcomes"].items():
        print(f"{kind}: " + ", ".join(f"{one['reason']} {one['obtained_bytes'] / MIB:.0f} MiB "
                                      f"(from outside {one['fell_bytes'] / MIB:.0f}) in {one['elapsed_ms']} ms"
                                      + (f" ({one['detail']})" if one.get("detail") else "")
                                      for one in outcomes), flush=True)


def main():
    options = arguments(__doc__)
    figures = {}
    with classes() as class_dir:
        for layer in layers(options):
            figures[layer.name] = measured(layer, class_dir, options)
            show(layer.name, figures[layer.name])
    write_json(options, "move", figures)
    if all("unsupported" in figure for figure in figures.values()):
        print("No layer could be measured.")
    failed = [name for name, figure in figures.items() if "failed" in figure]
    return f"failed: {', '.join(failed)}" if failed else 0


if __name__ == "__main__":
    sys.exit(main())
