#!/usr/bin/env python3
"""Which layer first: the same demand on a container met from its Java heap first, from page cache first, or by price.

In a virtual machine (memory.reclaim is needed), a cgroup holds a JVM whose heap has slack, and a program that reads files, some
in a loop and some once. The bench plays the host: it takes the same amount from the container three ways ("by price" goes by the
curves of the guest's own report at that moment), and counts what that causes beyond what was before: seconds that the cgroup
stalled for want of memory (PSI some), and seconds that collections took.
"""

import os
import statistics
import sys
import time

from common import MIB, ROOT, arguments, table, write_json

for part in ("support", os.path.join("e2e", "vm")):
    sys.path.insert(0, os.path.join(ROOT, "tests", part))

from bed import Bed, Unavailable  # noqa: E402
from guest_shell import GuestService  # noqa: E402
from harness import wait_for  # noqa: E402
from pagecache import Host, cost_at  # noqa: E402

CGROUP = "/sys/fs/cgroup/order"
LIMIT = 512 * MIB
DEMAND = 128 * MIB
STEP = 4 * MIB
HOT_MIB, COLD_MIB = 48, 64        # read in a loop; read once
LIVE_MIB, GARBAGE_MIB, HEAP_MIB = 32, 150, 256
ORDERS = ("java-first", "os-first", "price")
# What a heap costs is what its collections cost over about a minute: that in which the slack was made has to be over.
SETTLE, QUICK_SETTLE = 75, 5
LEASE_MS = 600_000  # longer than any of this takes
CONFIG = f'reserve = "16MiB"\n[os]\ncgroup = "{CGROUP}"\npressure_stall = "900ms"\npressure_window = "1s"\n'
READER = f"""#!/bin/sh
echo $$ >{CGROUP}/cgroup.procs
while :; do
    dd if=$1 of=/dev/null bs=1M count={HOT_MIB} 2>/dev/null
    usleep 300000
done
"""


class Container:
    """The guest, steered by orders as a host gives them."""

    def __init__(self, vm):
        self.vm = vm
        self.file = vm.run("ls /usr/lib/jvm/*/lib/modules | head -1").strip()
        vm.run(f"mkdir {CGROUP} && echo {LIMIT} >{CGROUP}/memory.max")
        for path, text in (("/tmp/reader", READER), ("/tmp/guestd.toml", CONFIG)):
            vm.run(f"cat >{path} <<'END'\n{text}END")
        vm.start_guestd(options="--config /tmp/guestd.toml")
        self.jvm = GuestService(vm.shell.start(
            f"echo $$ >{CGROUP}/cgroup.procs; exec java -Xms64m -Xmx{HEAP_MIB}m -XX:+UseG1GC "
            "-agentpath:/opt/aerostat/libaerostat-jvm.so=runtime-dir=/run/aerostat,name=app "
            "-cp /opt/aerostat/classes Service --rate 200"), "app")
        self.jvm.next_answer(120)
        self.jvm.tell(f"live {LIVE_MIB}MiB", 120)
        vm.shell.start(f"exec sh /tmp/reader {self.file}")
        self.host = Host(vm.channel_path, LEASE_MS)
        self._ops = 0

    def report(self):
        """(the JVM's state, the OS layer's), of now."""
        self.host.os_layer()  # what lies in the channel is old
        seen = self.host.receive("report", 15, lambda message: message.get("jvms") and message.get("os"))
        return seen["jvms"][0], seen["os"]

    def order(self, heap=None, os_target=None):
        self._ops += 1
        message = {"jvms": [{"jvm": "app", "target_bytes": int(heap)}] if heap else []}
        if os_target:
            message["os_target_bytes"] = int(os_target)
        line = self.host._line  # pylint: disable=protected-access
        line.send("apply", session=self.host.hello["session"], op=f"order-{self._ops}", deadline_ms=15000, lease_ms=LEASE_MS,
                  **message)
        return self.host.receive("result", 60, lambda message: message["op"] == f"order-{self._ops}")

    def relax(self, settle):
        """Everything is given back, the heap has slack again, and files that nobody needs are in memory."""
        self.order(heap=1 << 40, os_target=LIMIT)
        cold = f"dd if={self.file} of=/dev/null bs=1M skip={HOT_MIB} count={COLD_MIB} 2>/dev/null"
        self.vm.run(f"sh -c 'echo $$ >{CGROUP}/cgroup.procs; exec {cold}'")
        self.jvm.tell(f"garbage {GARBAGE_MIB}MiB", 120)
        self.host.listen(settle)
        wait_for(lambda: room_of(self.report()[0]) >= DEMAND, 60, f"{DEMAND // MIB} MiB of the heap above its floor")

    def caused(self):
        """Counted so far: seconds stalled for want of memory, and seconds of collections."""
        stalled = int(self.vm.run(f"head -1 {CGROUP}/memory.pressure").split("total=")[1]) / 1e6
        return stalled, int(self.jvm.tell("report", 60)["gc_ms"]) / 1000


def room_of(jvm):
    """What the heap can give."""
    return max(0, jvm["footprint_bytes"] - jvm["floor_bytes"])


def foretold(jvm, layer, heap):
    """What it costs, seconds a second, by both curves, if the heap gives so many bytes of the demand and page cache the rest."""
    footprint, used = jvm["footprint_bytes"], layer["size_bytes"] - layer["spare_bytes"]
    rest = max(0, DEMAND - heap - layer["spare_bytes"])
    return (cost_at(jvm["curve"], footprint - heap) - cost_at(jvm["curve"], footprint)
            + cost_at(layer["curve"], used - rest) - cost_at(layer["curve"], used))


def part_of_heap(order, jvm, layer):
    """How many bytes of the demand the heap is to give; by price is the host's reckoning, in steps."""
    most = int(min(DEMAND, room_of(jvm)))
    cheapest = min(range(0, most + 1, STEP), key=lambda heap: foretold(jvm, layer, heap))
    return {"java-first": most, "os-first": 0, "price": cheapest}[order]


def one(container, order, settle, seconds):
    """The demand, met in this order; what that caused beyond what was before in as many seconds."""
    container.relax(settle)
    before = container.caused()
    container.host.listen(seconds)
    usual = [after - begun for begun, after in zip(before, container.caused())]
    jvm, layer = container.report()
    heap = part_of_heap(order, jvm, layer)
    before, began = container.caused(), time.monotonic()
    result = container.order(jvm["footprint_bytes"] - heap if heap else None, layer["holds_bytes"] - DEMAND)
    took = time.monotonic() - began
    container.host.listen(seconds - took)
    stalled, collected = (max(0.0, after - begun - had) for begun, after, had in zip(before, container.caused(), usual))
    held = container.report()[1]["holds_bytes"]
    told = {"ordered": foretold(jvm, layer, heap), "by_the_heap": foretold(jvm, layer, min(DEMAND, room_of(jvm))),
            "by_the_os": foretold(jvm, layer, 0)}
    return {"foretold": told, "stall_seconds": stalled, "gc_seconds": collected, "sum": stalled + collected,
            "heap_bytes": heap, "took": took, "given_bytes": layer["holds_bytes"] - held, "reason": result["reason"],
            "os": result.get("os", {})}


def line_of(order, got):
    return (f"{order}: {got['sum']:.2f} s caused ({got['stall_seconds']:.2f} stalled, {got['gc_seconds']:.2f} collecting), "
            f"{got['given_bytes'] / MIB:.0f} of {DEMAND // MIB} MiB given, ordered of the heap {got['heap_bytes'] // MIB}, "
            f"{got['reason']} in {got['took']:.1f} s; foretold {got['foretold']['by_the_heap']:.4f} s/s by the heap, "
            f"{got['foretold']['by_the_os']:.4f} by the OS")


def measure(vm, quick, rounds):
    container = Container(vm)
    settle, seconds = (QUICK_SETTLE, 6) if quick else (SETTLE, 20)
    turns = [order for number in range(rounds) for order in (ORDERS if number % 2 == 0 else reversed(ORDERS))]
    runs = {order: [] for order in ORDERS}
    for order in turns:
        got = one(container, order, settle, seconds)
        runs[order].append(got)
        print(line_of(order, got), flush=True)
    return {"demand_bytes": DEMAND, "seconds": seconds,
            "orders": {order: {"stall_seconds": statistics.median(run["sum"] for run in seen), "runs": seen}
                       for order, seen in runs.items()}}


def show(figures):
    rows = []
    for order, seen in figures["orders"].items():
        def middle(key, runs=seen["runs"]):
            return statistics.median(run[key] for run in runs)
        rows.append([order, f"{middle('sum'):.2f}", f"{middle('stall_seconds'):.2f}", f"{middle('gc_seconds'):.2f}",
                     f"{middle('heap_bytes') / MIB:.0f}", f"{middle('given_bytes') / MIB:.0f}", f"{middle('took'):.1f}"])
    table(["order", "caused s", "stalled s", "collecting s", "of the heap MiB", "given MiB", "took s"], rows)


def extra(parser):
    parser.add_argument("--rounds", type=int, metavar="N", help="all three ways so many times (default 3; quick: 1)")


def main():
    options = arguments(__doc__, extra)
    rounds = options.rounds or (1 if options.quick else 3)
    try:
        with Bed() as bed:
            vm = bed.boot("order", memory_mib=1024, kernel_options="transparent_hugepage=madvise")
            figures = measure(vm, options.quick, rounds)
            figures["accelerator"] = bed.accelerator
    except Unavailable as why:
        print(f"SKIP layers: {why}", flush=True)
        return
    show(figures)
    write_json(options, "layers", figures)


if __name__ == "__main__":
    main()
