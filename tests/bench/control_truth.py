#!/usr/bin/env python3
"""How true `available` is: what guestd tells applications of a squeezed guest, against what one can really take.

The guest is a container, squeezed by guestd to three quarters; before that once to where it began to stall, after which its
programs go on for 45 s. Then files are read and left. A program in it takes memory step by step; the truth is what it
held before the container's PSI `some` first stayed above 1 %, or before the kernel killed for want of memory. Beside it the
kernel's estimate (MemAvailable, reckoned for the container as guestd does). Needs AEROSTAT_MEMORY_CGROUP (docs/testing.md)."""

import os
import sys
import tempfile
import time

from common import MIB, ROOT, agent_library, arguments, classes, jdks, table, write_json
from container_guest import ContainerGuest

for part in (("soak",), ("integration", "guestd")):
    sys.path.insert(0, os.path.join(ROOT, "tests", *part))

from bed import Bed  # noqa: E402
from checks import Skip, wait_until  # noqa: E402
from condition_page import read_page  # noqa: E402
from memory_cgroup import MemoryCgroup  # noqa: E402

SIZE, SQUEEZED = 640 * MIB, 480 * MIB
LIVES_ON = 45  # seconds after the squeeze, with what it uses
STALLS = 0.01  # of the time: PSI `some` of 1 %
GOAL = 0.10


class Files:
    """Files that are on the disk and not in memory."""

    def __init__(self, directory):
        self._directory = directory

    def make(self, mib):
        path = os.path.join(self._directory, f"{mib}-{time.monotonic_ns()}")
        with open(path, "wb") as file:
            for _ in range(mib):
                file.write(os.urandom(MIB))
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return path


class Mix:
    """What goes on in the guest, in MiB: anonymous memory; files read once, or twice, and left; a file read all the time; a
    JVM whose heap is squeezed."""

    def __init__(self, name, anonymous=60, once=0, twice=0, hot=0, every=0.5, heap=0):
        self.name, self.anonymous, self.once, self.twice = name, anonymous, once, twice
        self.hot, self.every, self.heap = hot, every, heap


MIXES = (Mix("idle cache", once=240, twice=120),
         Mix("hot cache, idle cache", once=280, hot=96),
         Mix("hot cache, idle, used twice", once=60, twice=200, hot=96),
         Mix("JVM with a balloon, hot, idle", anonymous=30, once=120, twice=60, hot=48, heap=192),
         Mix("nearly full", anonymous=330, hot=64, every=0.25, once=80))


def words(text):
    return set(text.replace(",", " ").split())


def mixes_named(text):
    """The mix of that name; else those whose names begin with it, or have all its words."""
    exact = [mix for mix in MIXES if mix.name == text]
    return exact or [mix for mix in MIXES if mix.name.startswith(text) or words(text) <= words(mix.name)]


class Guest:
    """The container with its programs, guestd, and the bench in its host's place."""

    def __init__(self, mix, container, bed, compiled, files):
        self.mix, self.container, self.bed, self.compiled, self.files = mix, container, bed, compiled, files
        self.orders = 0
        self.host = bed.host()
        bed.options += ["--host", "unix:" + self.host.path]
        bed.start()
        self.host.accept(lease_ms=600_000)

    def begin(self):
        """Squeezed to where it begins to stall, given back, and then used on: what is idle was read since."""
        self.container.actor("hold", self.mix.anonymous)
        if self.mix.heap:
            self.begin_jvm()
        if self.mix.hot:
            self.container.actor("read", self.files.make(self.mix.hot), 0, self.mix.every)
        self.order(SQUEEZED, self.heap_targets())
        if self.mix.hot:
            self.squeeze_until_it_stalls()
            time.sleep(LIVES_ON)
        for size, times in ((self.mix.twice, 2), (self.mix.once, 1)):
            if size:
                self.container.actor("read", self.files.make(size), times, 0)

    def begin_jvm(self):
        home = jdks()[min(jdks())]
        agent = f"-agentpath:{agent_library()}=runtime-dir={self.bed.runtime},name=app"
        jvm = self.container.start([os.path.join(home, "bin", "java"), f"-Xmx{self.mix.heap}m", "-XX:+UseG1GC", agent, "-cp",
                                    self.compiled, "Service", "--rate", "50"])
        for order in (f"live {self.mix.heap // 6}MiB", f"garbage {self.mix.heap // 2}MiB"):
            jvm.stdin.write(order + "\n")
            jvm.stdin.flush()
            while not jvm.stdout.readline().startswith("done"):
                pass
        wait_until(lambda: "app" in self.bed.jvms(), 20, "the JVM to be known")

    def heap_targets(self):
        return {name: int(jvm["report"]["footprint_bytes"] * 0.6) for name, jvm in self.bed.jvms().items()}

    def os_layer(self):
        return self.bed.status()["guests"][0]["os"]

    def order(self, size, heaps=None):
        """Of a container whose size guestd has seen as it is."""
        wait_until(lambda: abs(self.os_layer()["holds_bytes"] - self.container.cgroup.usage()) < 8 * MIB, 20,
                   "a look at the container")
        self.orders += 1
        self.host.apply(f"order-{self.orders}", heaps or {}, deadline_ms=5000, os_target_bytes=int(size))
        return self.host.expect("result", 20)

    def squeeze_until_it_stalls(self):
        size = min(SQUEEZED, self.container.cgroup.usage())
        for _ in range(12):
            size -= self.mix.hot * MIB // 8
            self.order(size)
            if self.container.stall_rate(2) > STALLS:
                break
        self.order(SQUEEZED)

    def told(self):
        """(what applications are told is available, the kernel's estimate)."""
        said = read_page(os.path.join(self.bed.runtime, "condition"))
        return said["available_bytes"], self.bed.status()["guests"][0]["memory_available_bytes"]


class Taker:
    def __init__(self, guest, seconds):
        self.guest, self.seconds, self.held, self.rates = guest, seconds, 0, []
        self.program = guest.actor("take")

    def take(self, size):
        """Whether it lives."""
        try:
            self.program.stdin.write(f"{size / MIB}\n")
            self.program.stdin.flush()
        except BrokenPipeError:
            return False
        return self.program.stdout.readline() == "taken\n"

    def stalls(self):
        """For good, not only while the kernel sorts its lists. PSI is added up every two seconds."""
        rate = self.guest.stall_rate(self.seconds)
        if rate > STALLS:
            rate = self.guest.stall_rate(2 * self.seconds, 2)
        self.rates.append((self.held // MIB, round(rate, 4)))
        return rate > STALLS

    def most(self, likely):
        """Half of what is likely at once, then in steps."""
        for size in [likely // 8] * 4 + [max(likely // 24, MIB)] * 48:
            if not self.take(size):
                return "killed"
            before, self.held = self.held, self.held + size
            if self.held > likely // 2 and self.stalls():
                self.held = before
                return "stalls"
        return "no end"


def measure(mix, quick, directory, compiled):
    cgroup, why = MemoryCgroup.make()
    if not cgroup:
        raise Skip(why)
    why = ContainerGuest.why_not(cgroup)
    if why:
        cgroup.remove()
        raise Skip(why)
    container = ContainerGuest(cgroup, SIZE)
    config = f'reserve = "16MiB"\n[os]\ncgroup = "{cgroup.path}"\npressure_stall = "900ms"\npressure_window = "1s"\n'
    try:
        with Bed(start=False, config=config) as bed:
            guest = Guest(mix, container, bed, compiled, Files(directory))
            guest.begin()
            taker = Taker(container, 2 if quick else 4)
            stalled_before = container.stall_rate(8)
            available, kernel = guest.told()
            lists = {name: container.stat(name) for name in ("active_file", "inactive_file")}
            learned = guest.os_layer()["learned"]
            ended = taker.most(max(available, 24 * MIB))
            return {"truth": taker.held, "available": available, "kernel": kernel, "ended": ended,
                    "stalled_before": stalled_before, "learned": learned, "steps": taker.rates, **lists}
    finally:
        container.close()


def error(said, truth):
    return (said - truth) / max(truth, 1)


def main():
    options = arguments(__doc__, lambda parser: parser.add_argument(
        "--only", default="", metavar="MIX", help="the mix of this name; else all that begin with it, or have all its words"))
    mixes = mixes_named(options.only)
    if not mixes:
        raise SystemExit(f"no mix is called {options.only}: choose from {'; '.join(mix.name for mix in MIXES)}")
    rows, figures = [], {}
    with classes() as compiled, tempfile.TemporaryDirectory(prefix="aerostat-truth-") as directory:
        for mix in mixes:
            try:
                seen = figures[mix.name] = measure(mix, options.quick, directory, compiled)
            except Skip as why:
                print(f"SKIP control_truth: {why}", flush=True)
                return 0
            errors = [f"{error(seen[key], seen['truth']):+.0%}" for key in ("available", "kernel")]
            rows.append([mix.name, *(f"{seen[key] / MIB:.0f}" for key in ("truth", "available")), errors[0],
                         f"{seen['kernel'] / MIB:.0f}", errors[1], f"{seen['active_file'] / MIB:.0f}", seen["ended"]])
            print(f"FIGURE truth \"{mix.name}\" error={errors[0]} mem_available_error={errors[1]}", flush=True)
    table(["guest", "truth MiB", "available MiB", "error", "MemAvailable MiB", "error", "active MiB", "ended"], rows)
    write_json(options, "control", {"truth": figures})
    missed = [name for name, seen in figures.items() if abs(error(seen["available"], seen["truth"])) > GOAL]
    print(f"goal: {GOAL:.0%}: " + ("MISSED by " + ", ".join(missed) if missed else "kept"))
    return 1 if missed and not options.quick else 0


if __name__ == "__main__":
    sys.exit(main())
