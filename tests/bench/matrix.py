#!/usr/bin/env python3
"""What each JDK × collector gives back within five seconds, measured from outside: a markdown table, and JSON.

A heap of 4 GiB, of which 2.5 GiB became old and were then dropped; 125 MiB stay alive. One order, a target near the live set."""

import argparse
import itertools
import json
import os
import shutil
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "soak"))

from collectors import COLLECTORS, missing, why_no_balloon  # noqa: E402
from heap_pages import HEAP_LOG, HeapPages, full_gcs, gc_stalls  # noqa: E402

from agent_case import GIB, MIB, WANTED_JDKS  # noqa: E402
from fake_guestd import FakeGuestd  # noqa: E402
from java_service import JavaService, agent_library, compile_workloads, jdks  # noqa: E402

WITHIN_S = 5
SAMPLE_S = 0.02
LIVE = 125 * MIB
LIVE_WITH_HEADERS = LIVE * (4096 + 16) // 4096
TARGET = 256 * MIB
FULL = {"heap": 4 * GIB, "garbage": "2.5GiB"}
QUICK = {"heap": 2 * GIB, "garbage": "1.2GiB"}
BUSY = "200"  # requests a second and thread
# Of the agent, where they decide what it may do; others have none.
OPTIONS = dict.fromkeys(("Parallel", "Serial"), ["", "full-gcs=20", "refill-reserve=2GiB", "full-gcs=20,refill-reserve=2GiB"])
# Shenandoah is asked for concurrent ones where its soft maximum drives none, or young ones only.
OPTIONS |= dict.fromkeys(("Shenandoah", "GenerationalShenandoah"), ["", "full-gcs=20"])
# Without it Parallel resizes nothing in full collections that are asked for.
RESIZES = {"Parallel": ["-XX:+UseAdaptiveSizePolicyWithSystemGC"]}


class Peak(threading.Thread):
    """The most that was resident while it ran, above what was when it began. A cheap counter: PSS costs 20 ms a look."""

    def __init__(self, look):
        super().__init__(daemon=True)
        self.look, self.begin, self.samples = look, look(), 0
        self.most = self.begin
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(SAMPLE_S):
            self.most = max(self.most, self.look())
            self.samples += 1

    def above(self):
        self.over.set()
        self.join()
        return self.most - self.begin


class Cell:
    """One JVM, one order."""

    def __init__(self, major, collector, options, fixed, busy, size):
        self.row = {"jdk": major, "collector": collector, "options": options, "xms_is_xmx": fixed,
                    "program": "busy" if busy else "idle"}
        self.size, self.busy = size, busy
        self.directory = tempfile.mkdtemp(prefix="aerostat-matrix-")
        self.gc_log = os.path.join(self.directory, "gc.log")

    def run(self, classes):
        guestd = FakeGuestd(self.directory)
        heap = self.size["heap"]
        options = ",".join(filter(None, [f"runtime-dir={self.directory},name=svc", self.row["options"]]))
        resizes = RESIZES.get(self.row["collector"], []) if "full-gcs" in self.row["options"] else []
        args = [*COLLECTORS[self.row["collector"]], *resizes, f"-Xmx{heap}", *([f"-Xms{heap}"] if self.row["xms_is_xmx"] else []),
                f"-Xlog:gc,{HEAP_LOG}:file={self.gc_log}", f"-agentpath:{agent_library()}={options}"]
        service = JavaService(jdks()[self.row["jdk"]], classes, args, ["--threads", "2"])
        try:
            service.answer()
            guestd.wait_session()
            self.row["note"] = why_no_balloon(guestd)
            if not self.row["note"].startswith("left alone"):
                self.measure(guestd, service)
        finally:
            service.stop()
            guestd.close()
            shutil.rmtree(self.directory, ignore_errors=True)
        return self.row

    def measure(self, guestd, service):
        service.tell(f"live {LIVE // MIB}MiB")
        service.tell(f"garbage {self.size['garbage']}")
        service.tell(f"rate {BUSY if self.busy else 0}")
        guestd.wait_report()
        pages = HeapPages(service.pid, self.gc_log)
        service.tell("report")
        full_before, stalls_before, before = full_gcs(self.gc_log), gc_stalls(self.gc_log), pages.held()
        peak = Peak(pages.quick_look)
        peak.start()
        until = time.monotonic() + WITHIN_S
        guestd.order("all", TARGET, WITHIN_S * 1000)
        result = guestd.result("all")
        while time.monotonic() < until:  # what is asked is the state at that moment, not when the agent has answered
            peak.over.wait(max(0, until - time.monotonic()))
        above, after = peak.above(), pages.held()
        figures = service.tell("report")
        checked = service.tell("check")
        self.row.update(before_bytes=before, given_bytes=before - after, free_bytes=before - LIVE_WITH_HEADERS,
                        share=(before - after) / (before - LIVE_WITH_HEADERS), full_gcs=full_gcs(self.gc_log) - full_before,
                        gc_stalls=gc_stalls(self.gc_log) - stalls_before, worst_stall_ms=int(figures["worst_stall_ms"]),
                        peak_above_bytes=above, samples=peak.samples,
                        reason=result["reason"], obtained_bytes=result["obtained_bytes"], elapsed_ms=result["elapsed_ms"],
                        oome=int(figures["oome"]), corrupt=int(checked["corrupt"]),
                        balloon_bytes=guestd.reports[-1]["balloon_bytes"], detail=result.get("detail", ""))


def line(row):
    name = " ".join([row["collector"], row["options"]]).strip()
    shape = f"| {row['jdk']} | {name} | {'Xms = Xmx' if row['xms_is_xmx'] else ''} | {row['program']} |"
    if "share" not in row:
        return f"{shape} | | | | | | {row['note']} |"
    result = "; ".join(filter(None, [row["reason"], row["note"] or row["detail"]]))
    return (f"{shape} {row['given_bytes'] / GIB:.2f} GiB | {row['share']:.0%} | {row['full_gcs']} | {row['gc_stalls']} | "
            f"{row['worst_stall_ms']} ms | {row['peak_above_bytes'] / MIB:.0f} MiB | {result} |")


def table(rows):
    head = ["| JDK | collector | heap | program | given back in 5 s | of what was free | full GCs | GC stalls | worst stall | "
            "peak above | result |", "|---|---|---|---|---|---|---|---|---|---|---|"]
    return "\n".join(head + [line(row) for row in rows])


def cells(wanted_jdks, wanted_collectors):
    for major in wanted_jdks:
        for collector in wanted_collectors:
            yield from itertools.product([major], [collector], OPTIONS.get(collector, [""]), (False, True), (False, True))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a heap of 2 GiB with 1.2 GiB of garbage")
    parser.add_argument("--json", metavar="FILE", help="all figures of all cells")
    parser.add_argument("--jdks", default=",".join(map(str, WANTED_JDKS)), help="such as 17,25")
    parser.add_argument("--collectors", default=",".join(COLLECTORS), help="such as G1,Z; default: all")
    asked = parser.parse_args()
    asked.collectors = ",".join("ZGC" if name == "Z" else name for name in asked.collectors.split(","))  # Z, as in other benches
    strange = [name for name in asked.collectors.split(",") if name not in COLLECTORS]
    if strange:
        parser.error(f"unknown collector {', '.join(strange)}: there are {', '.join(COLLECTORS)}")
    return asked


def main():
    asked = arguments()
    classes = tempfile.mkdtemp(prefix="aerostat-classes-")
    rows, left_out = [], set()
    try:
        compile_workloads(classes)
        for major, collector, *how in cells(map(int, asked.jdks.split(",")), asked.collectors.split(",")):
            why = missing(major, collector)
            if why:
                left_out.add(f"SKIPPED {collector} on JDK {major}: {why}")
                continue
            rows.append(Cell(major, collector, *how, QUICK if asked.quick else FULL).run(classes))
            print(line(rows[-1]), file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(classes, ignore_errors=True)
    print(table(rows))
    print("\n".join(sorted(left_out)))
    if asked.json:
        with open(asked.json, "w", encoding="utf-8") as file:
            json.dump({"quick": asked.quick, "cells": rows, "skipped": sorted(left_out)}, file, indent=1)
    damaged = [row for row in rows if row.get("corrupt") or row.get("oome")]
    sys.exit(f"damage or OutOfMemoryErrors in {len(damaged)} cells" if damaged else 0)


if __name__ == "__main__":
    main()
