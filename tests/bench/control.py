#!/usr/bin/env python3
"""What the memory condition costs: a read in C and in Java beside /proc, waking who waits, and a thousand readers.

A read of the page stands beside one pread of /proc/meminfo and one of /proc/pressure/memory, in the same run, in turns. The
wake-up is counted from the time that guestd puts into the page before it writes it to the time at which a waiting program
runs again. A thousand readers read ten times a second each; what counts is guestd's own CPU with and without them."""

import json
import os
import statistics
import subprocess
import sys
import time

from common import ROOT, arguments, spread, table, tool, write_json

sys.path.insert(0, os.path.join(ROOT, "tests", "integration", "guestd"))

from bed import Bed  # noqa: E402

C_PROMISED_NS, JAVA_PROMISED_NS, WAKE_PROMISED_MS = 25, 60, 1.0
CROWD = 1000
SOURCES = (("c", "C"), ("java", "Java"), ("proc_meminfo", "/proc/meminfo"), ("proc_pressure", "/proc/pressure/memory"))


def read_figures(runtime, rounds):
    run = subprocess.run([tool("bench_condition"), "read", runtime, str(rounds)], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    return {key: spread(line[key] for line in lines) for key in lines[0] if lines[0][key] >= 0}


def java_figure(runtime, options):
    """The Java reader's figures are its own module's; {} where there is no JDK."""
    try:
        from condition_java import java_read_ns
        return java_read_ns(runtime, options.quick)
    except (ImportError, SystemExit, ValueError, subprocess.SubprocessError) as why:
        print(f"SKIP the read in Java: {why}", flush=True)
        return {}


def java_wake(runtime, host, count):
    """The same in Java, through client.sock and the library's threads; None where there is no JDK."""
    try:
        from condition_java import WARMING, listener
        with listener(runtime) as command:
            return spread(wake_ms(command, host, WARMING + count, ("tight", "ample"))[WARMING:])
    except (ImportError, SystemExit, ValueError, subprocess.SubprocessError) as why:
        print(f"SKIP waking a listener in Java: {why}", flush=True)
        return None


def wake_ms(command, host, count, levels=("ample", "advisory")):
    """Milliseconds from the time that guestd puts into the page to the line that the command's program prints for a change, of
    so many changes. Each is news of the host, which guestd passes on at once; the first of the levels has to be one."""
    waiter = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    took = []
    try:
        waiter.stdout.readline()
        for number in range(count):
            time.sleep(0.01)  # the waiter sleeps by then; were it not, its figure would be smaller still
            host.line.send("condition", level=levels[number % 2])
            line = waiter.stdout.readline()
            if not line:
                raise SystemExit(f"{os.path.basename(command[0])} saw no change")
            took.append(float(line) / 1e6)
    finally:
        waiter.kill()
        waiter.wait()
    return took


def cpu_seconds(pid):
    """By the scheduler's own books: those of /proc/PID/stat count ticks of 10 ms."""
    nanoseconds = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
            nanoseconds += int(file.read().split()[0])
    return nanoseconds / 1e9


def cpu_share(pid, seconds):
    before, began = cpu_seconds(pid), time.monotonic()
    time.sleep(seconds)
    return (cpu_seconds(pid) - before) / (time.monotonic() - began)


def crowd_figures(bed, seconds):
    alone = cpu_share(bed.daemon.pid, seconds)
    readers = subprocess.Popen([tool("bench_condition"), "crowd", bed.runtime, str(CROWD)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    try:
        readers.stdout.readline()
        beside = cpu_share(bed.daemon.pid, seconds)
        reads = int(readers.communicate(timeout=30)[0])
    finally:
        readers.kill()
        readers.wait()
    return {"cpu_alone": alone, "cpu_with_readers": beside, "readers": CROWD, "reads": reads}


def show(figures, crowd):
    c = figures["condition_read_ns"]["c"]
    rows = []
    for key, what in SOURCES:
        if key in figures["condition_read_ns"]:
            rows.append((what, figures["condition_read_ns"][key], figures["condition_read_ns"][key] / c))
    table(("a read of the condition", "ns, median", "of C"), rows)
    wake = figures["condition_wake_ms"]
    print(f"FIGURE a change wakes a waiting program within {wake['median']:.3f} ms (median; {wake['max']:.3f} ms at most of "
          f"{wake['runs']})")
    if java := figures.get("condition_wake_java_ms"):
        print(f"FIGURE a change reaches a listener in Java within {java['median']:.3f} ms (median; {java['max']:.3f} ms at "
              f"most of {java['runs']})")
    print(f"FIGURE guestd's CPU: {crowd['cpu_alone']:.3%} of a core alone, {crowd['cpu_with_readers']:.3%} beside {CROWD} "
          f"readers ({crowd['reads']} reads)", flush=True)


def verdict(figures, crowd):
    reads, missed = figures["condition_read_ns"], []
    if reads["c"] > C_PROMISED_NS:
        missed.append(f"a read in C takes {reads['c']:.1f} ns, promised {C_PROMISED_NS}")
    if reads.get("java", 0) > JAVA_PROMISED_NS:
        missed.append(f"a read in Java takes {reads['java']:.1f} ns, promised {JAVA_PROMISED_NS}")
    if figures["condition_wake_ms"]["median"] > WAKE_PROMISED_MS:
        missed.append(f"waking takes {figures['condition_wake_ms']['median']:.2f} ms, promised {WAKE_PROMISED_MS:.0f}")
    java = figures.get("condition_wake_java_ms", {"median": 0})["median"]
    if java > WAKE_PROMISED_MS:
        missed.append(f"a listener in Java is told after {java:.2f} ms, promised {WAKE_PROMISED_MS:.0f}")
    if crowd["cpu_with_readers"] > crowd["cpu_alone"] + 0.01:
        missed.append("a thousand readers cost guestd more than one percent of a core")
    for what in missed:
        print("MISSED " + what)
    return missed


def main():
    options = arguments(__doc__)
    with Bed(start=False) as bed:
        host = bed.host()
        bed.options += ["--host", "unix:" + host.path]
        bed.start()
        host.accept(lease_ms=600_000)
        host.line.send("condition", level="ample", price=0.5)
        reads = read_figures(bed.runtime, 10 if options.quick else 60)
        figures = {"condition_read_ns": {key: value["median"] for key, value in reads.items()}, "condition_read_spread_ns": reads}
        figures["condition_read_ns"].update(java_figure(bed.runtime, options))
        count = 30 if options.quick else 300
        figures["condition_wake_ms"] = spread(wake_ms([tool("bench_condition"), "wait", bed.runtime, str(count)], host, count))
        if java := java_wake(bed.runtime, host, count):
            figures["condition_wake_java_ms"] = java
        figures["condition_crowd"] = crowd = crowd_figures(bed, 5 if options.quick else 20)
    show(figures, crowd)
    write_json(options, "control", figures)
    return 1 if verdict(figures, crowd) and not options.quick else 0


if __name__ == "__main__":
    sys.exit(main())
