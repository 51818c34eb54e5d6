"""What page cache is worth: a container that reads files, squeezed to a budget of stall, with and without the learned curve.

In a virtual machine, for it needs memory.reclaim. A cgroup there reads a file set in a loop, some of it more often than the
rest, from the guest's own disk. The bench plays the host: it orders the container smaller step by step, and compares what
guestd's curve foretells with the stall that the cgroup's memory.pressure then counts. Then what a budget of 1 % of stall
gains: by the curve alone, and with a guestd that is told the budget and watches it ([os] stall_budget_percent).
"""

import os
import signal
import sys
import time

from common import MIB, ROOT, arguments, table, write_json

for part in ("support", os.path.join("e2e", "vm")):
    sys.path.insert(0, os.path.join(ROOT, "tests", part))

from aerowire import Connection, WireError  # noqa: E402
from bed import Bed, Unavailable  # noqa: E402

CGROUP = "/sys/fs/cgroup/reader"
LIMIT_MIB = 256
# Of one file, in MiB: from, how much, every so many rounds; and what is read once and never again.
PARTS = ((0, 16, 1), (16, 16, 2), (32, 16, 4))
COLD = (48, 64)
BUDGET = 0.01  # stalled seconds a second
CONFIG = f'reserve = "16MiB"\n[os]\ncgroup = "{CGROUP}"\npressure_stall = "900ms"\npressure_window = "1s"\n'


def reader_script(file):
    cold = f"dd if={file} of=/dev/null bs=1M skip={COLD[0]} count={COLD[1]} 2>/dev/null"
    lines = ["#!/bin/sh", f"echo $$ >{CGROUP}/cgroup.procs", cold, "i=0", "while :; do", "i=$((i + 1))"]
    for start, size, every in PARTS:
        lines.append(f"[ $((i % {every})) = 0 ] && dd if={file} of=/dev/null bs=1M skip={start} count={size} 2>/dev/null")
    return "\n".join([*lines, "usleep 200000", "done"]) + "\n"


class Host:
    """The host's end of the guest's channel."""

    def __init__(self, channel, lease_ms=60_000):
        """`lease_ms`: longer than it will ever say nothing."""
        self._line = Connection.to(channel)
        self.hello = self.receive("hello", 30)
        self._line.send("welcome", self.hello["id"], session=self.hello["session"], name=self.hello["name"], lease_ms=lease_ms)
        self._ops = 0

    def receive(self, kind, within=15, matching=lambda message: True):
        until = time.monotonic() + within
        while True:
            message = self._line.receive(max(0.01, until - time.monotonic()))
            if message["type"] == kind and matching(message):
                return message

    def listen(self, seconds):
        """Passes over what comes meanwhile, so that it does not fill the channel. A closed one the next call tells."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                self._line.receive(left)
            except WireError:
                time.sleep(max(0.0, until - time.monotonic()))

    def os_layer(self):
        """As of now: reports that lie in the channel are passed over."""
        latest = None
        try:
            while True:
                latest = self.receive("report", 0.2)
        except WireError:
            return (latest or self.receive("report", 5))["os"]

    def close(self):
        self._line.close()

    def hold(self, size, deadline_s=8):
        self._ops += 1
        self._line.send("apply", session=self.hello["session"], op=f"hold-{self._ops}", jvms=[], os_target_bytes=int(size),
                        deadline_ms=1000 * deadline_s, lease_ms=60_000)
        return self.receive("result", deadline_s + 10, lambda message: message["op"] == f"hold-{self._ops}")


def cost_at(curve, memory):
    """Stalled seconds a second by the curve; beyond its ends, as at its ends."""
    if memory <= curve[0][0]:
        return curve[0][1]
    for (left, high), (right, low) in zip(curve, curve[1:]):
        if memory <= right:
            return high + (low - high) * (memory - left) / (right - left)
    return curve[-1][1]


def least_within(curve, now, budget):
    """The least memory that costs no more than `budget` above what it costs now."""
    most = cost_at(curve, now) + budget
    least = now
    while least > curve[0][0] and cost_at(curve, least - MIB) <= most:
        least -= MIB
    return least


class Squeezed:
    def __init__(self, vm, seconds):
        self.vm, self.seconds = vm, seconds
        file = vm.run("ls /usr/lib/jvm/*/lib/modules | head -1").strip()
        vm.run(f"mkdir {CGROUP} && echo {LIMIT_MIB}M >{CGROUP}/memory.max")
        for path, text in (("/tmp/reader", reader_script(file)), ("/tmp/guestd.toml", CONFIG)):
            vm.run(f"cat >{path} <<'END'\n{text}END")
        vm.shell.start("exec sh /tmp/reader")
        vm.start_guestd(options="--config /tmp/guestd.toml")
        self.host = Host(vm.channel_path)
        self.deadline_s = 8

    def watch_the_budget(self):
        """A guestd that has learned nothing yet, and keeps what it holds the container at within the budget."""
        self.vm.kill_guestd(signal.SIGTERM)
        self.host.close()
        budget = f"stall_budget_percent = {100 * BUDGET:.0f}"
        self.vm.run(f"cat >/tmp/guestd.toml <<'END'\n{CONFIG}{budget}\nEND")
        self.vm.start_guestd(options="--config /tmp/guestd.toml")
        self.host = Host(self.vm.channel_path)
        self.deadline_s = 24

    def stalled(self):
        """Seconds since the cgroup was made."""
        line = self.vm.run(f"head -1 {CGROUP}/memory.pressure")
        return int(line.split("total=")[1]) / 1e6

    def holds(self):
        return int(self.vm.run(f"cat {CGROUP}/memory.current"))

    def stall_rate(self):
        time.sleep(1)  # what the step itself has cost is not the price of having less
        before, began = self.stalled(), time.monotonic()
        time.sleep(self.seconds)
        return (self.stalled() - before) / (time.monotonic() - began)

    def relax(self):
        self.host.hold(LIMIT_MIB * MIB)
        time.sleep(self.seconds)

    def squeeze_to(self, size):
        """(what the curve foretells, what was measured, what the container holds then, the result)."""
        layer = self.host.os_layer()
        foretold = cost_at(layer["curve"], self.used(layer) - max(0, layer["holds_bytes"] - size))
        result = self.host.hold(size, self.deadline_s)
        return foretold, self.stall_rate(), self.holds(), result

    @staticmethod
    def used(layer):
        """Where the curve begins to rise: nothing is spare, and all of the cache is there."""
        return layer["size_bytes"] - layer["spare_bytes"]

    def within_budget(self):
        """The size of the container at which the curve of this moment costs the budget."""
        layer = self.host.os_layer()
        used = self.used(layer)
        return layer["holds_bytes"] - (used - least_within(layer["curve"], used, BUDGET)), layer


def measure(vm, quick):
    squeezed = Squeezed(vm, 4 if quick else 8)
    time.sleep(15 if not quick else 8)  # every part has been read
    full = squeezed.holds()
    figures = {"held_mib": full / MIB, "steps": []}
    rows = []

    def note(name, size):
        foretold, measured, holds, result = squeezed.squeeze_to(size)
        rows.append([name, f"{size / MIB:.0f}", f"{holds / MIB:.0f}", f"{foretold:.4f}", f"{measured:.4f}", result["reason"]])
        figures["steps"].append({"name": name, "target_mib": size / MIB, "held_mib": holds / MIB, "foretold": foretold,
                                 "measured": measured, "reason": result["reason"]})
        return holds, measured

    figures["stall_unsqueezed"] = squeezed.stall_rate()
    print(f"unsqueezed: {full / MIB:.0f} MiB held, {figures['stall_unsqueezed']:.4f} s/s stalled", flush=True)
    size, _ = squeezed.within_budget()
    found = {"assumed": note("assumed curve, 1 %", size)}
    squeezed.relax()
    for less in (32, 56, 72, 84, 92):
        if note("learning", full - less * MIB)[1] > 0.5:
            break
    squeezed.relax()
    for less in (44, 64, 88):
        note("foretold", full - less * MIB)
        squeezed.relax()
    size, layer = squeezed.within_budget()
    found["learned"] = note("learned curve, 1 %", size)
    squeezed.watch_the_budget()
    squeezed.relax()
    found["watched"] = note("watched, as far as it goes", full / 3)
    found["watched_later"] = squeezed.holds(), squeezed.stall_rate()
    squeezed.relax()
    size, _ = squeezed.within_budget()
    found["watched_learned"] = note("watched, learned curve, 1 %", size)
    table(["step", "target MiB", "held MiB", "foretold s/s", "measured s/s", "ended"], rows)
    for name, (holds, measured) in found.items():
        figures[name] = {"gained_mib": (full - holds) / MIB, "stall": measured}
        print(f"FIGURE pagecache.{name} gained_mib={(full - holds) / MIB:.0f} of={full / MIB:.0f} "
              f"stall_percent={100 * measured:.2f} budget_percent={100 * BUDGET:.0f}", flush=True)
    figures["refault_learned"] = layer["learned"]
    return figures


def main():
    options = arguments(__doc__)
    try:
        with Bed() as bed:
            figures = measure(bed.boot("reader", memory_mib=768), options.quick)
    except Unavailable as why:
        print(f"SKIP pagecache: {why}", flush=True)
        return
    write_json(options, "pagecache", figures)


if __name__ == "__main__":
    main()
