#!/usr/bin/env python3
"""How long from an order to memory that is verified free: of a heap alone, and of heap and OS balloon of a virtual machine.

The order is an operator's at hostd (`aerostatctl squeeze`), so all there is lies on its way: hostd, guestd, agent, collector,
kernel, in a virtual machine also the virtio balloon, and the looks from outside before and after. What counts is what hostd
verified itself, by the kernel's books of the process or of the guest's RAM, over the whole time as the operator sees it.
"""

import os
import sys
import tempfile
import time

from common import GIB, MIB, ROOT, arguments, classes, layers, spread, table, write_json

for part in ("support", os.path.join("e2e", "vm")):
    sys.path.insert(0, os.path.join(ROOT, "tests", part))

from harness import Trouble, World, wait_for  # noqa: E402

SIZES = [256 * MIB << power for power in range(6)]  # 256 MiB to 8 GiB, as far as they fit
VM_SIZES = [256 * MIB, 512 * MIB]
SPARE = 192 * MIB        # of room beyond what is ordered: floors are estimates
LIVE_MIB = 125
PART_OF_MACHINE = 0.6    # a heap is no larger than this share of what is available: others may be here
FILLS = 8

HOST_CONFIG = """
[host]
backend = "local"
memory = "{memory}MiB"
emergency_reserve = "64MiB"
runtime_dir = "{directory}"
mode = "act"

[guest."*"]
weight = 1.0
"""


def available():
    with open("/proc/meminfo", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable:"))


def fitting(sizes):
    """The sizes that this machine has room for: a heap is twice as large as what is taken from it, and more."""
    return [size for size in sizes if heap_of(size) <= available() * PART_OF_MACHINE or size == sizes[0]]


def heap_of(size):
    return size + size // 2 + 512 * MIB


class Local:
    """A guest of this machine with one JVM, and a hostd that has memory for all, so that it moves nothing by itself."""

    def __init__(self, layer, class_dir, size, directory):
        self.world, self.size = World(directory), size
        os.makedirs(self.world.path("host"), mode=0o755)
        try:
            config = HOST_CONFIG.format(memory=4 * heap_of(size) // MIB, directory=self.world.path("host"))
            self.hostd, self.tool, _ = self.world.host(config)
            wait_for(lambda: os.path.exists(self.tool.socket), 20, "hostd's control socket", self.hostd.log)
            session = self.world.session()
            self.world.guest_daemon(session, "guest")
            options = [*layer.flags, f"-Xmx{heap_of(size) // MIB}m", "-Xms64m", self.world.agent_option("guest", "app")]
            self.jvm = self.world.service(session, layer.home, options, "Service", class_dir, "service")
            self.jvm.next_answer(60)
            self.jvm.tell(f"live {LIVE_MIB}MiB", 60)
        except BaseException:
            self.close()
            raise

    target = "guest/app"

    def views(self):
        code, status = self.tool.json("jvms")
        return [jvm for guest in status.get("guests", []) for jvm in guest["jvms"]] if code == 0 else []

    def why_left_alone(self):
        facts = wait_for(self.views, 30, "the JVM to be known to hostd", self.hostd.log)[0]
        return "" if facts.get("can_balloon", True) else facts.get("why_not", "it does not say why")

    def room(self):
        """Above the floor as hostd knows it: 0 while the JVM is unknown or has reported nothing."""
        reports = [view["report"] for view in self.views() if view.get("report")]
        return max(0, reports[0]["footprint_bytes"] - reports[0]["floor_bytes"]) if reports else 0

    def fill(self):
        """Until so much can be taken; a collector that gives back by itself is filled again."""
        for _ in range(FILLS):
            self.jvm.tell(f"garbage {(self.size + self.size // 4 + SPARE) // MIB}MiB", 300)
            try:
                wait_for(lambda: self.room() >= self.size, 6, "room")
                return
            except Trouble:
                continue
        raise Trouble(f"the heap never had {self.size // MIB} MiB to give: hostd sees {self.room() // MIB} MiB above its floor")

    def close(self):
        self.world.close()


def ordered(tool, target, size):
    """One order: the daemon's figures, and the seconds that the operator waited."""
    began = time.monotonic()
    code, said = tool.json("squeeze", target, f"{size // MIB}MiB", "--deadline", "60s", within=120)
    seconds = time.monotonic() - began
    if "verified" not in said:
        raise Trouble(f"squeeze {target} {size // MIB} MiB: exit {code}: {said}")
    tool.json("release", target, within=60)
    return {"asked": size, "seconds": seconds, **{key: said[key] for key in ("obtained", "verified", "reason", "elapsed_ms")},
            "gib_per_s": min(size, said["verified"]) / GIB / seconds}  # what came beyond was not asked for


def heap_alone(layer, class_dir, size, count):
    with tempfile.TemporaryDirectory(prefix="aerostat-bench-") as directory:
        guest = Local(layer, class_dir, size, directory)
        try:
            if guest.why_left_alone():
                return guest.why_left_alone()
            runs = []
            for _ in range(count):
                guest.fill()
                runs.append(ordered(guest.tool, guest.target, size))
            return runs
        finally:
            guest.close()


def both_layers(sizes, count):
    """{size: runs} of a virtual machine; raises Unavailable where there can be none."""
    from bed import Bed, Recipe, Start  # pylint: disable=import-outside-toplevel
    from domain import Hardware  # pylint: disable=import-outside-toplevel
    from host_stage import HostStage  # pylint: disable=import-outside-toplevel

    hardware = Hardware(memory_mib=1536, kernel_options="transparent_hugepage=madvise")
    app = Start("app", ("-Xmx1100m", "-Xms64m", "-XX:+UseG1GC"), ("live 64MiB", "garbage 800MiB"), "--rate 20")
    recipe = Recipe(hardware=hardware, guest_name="moved-guest", services=(app,))
    found = {}
    with Bed() as bed:
        for size in sizes:
            for run in range(count):
                host = HostStage(bed, f"move-{size // MIB}-{run}")
                try:
                    bed.warm("vm1", recipe)
                    host.wait_joined("vm1")
                    host.wait_room("vm1", size // MIB + 64)
                    host.wait_quiet()
                    found.setdefault(size, []).append(ordered(host.tool, "vm1", size))
                finally:
                    host.close()
                    for name in list(bed.domains):
                        bed.destroy(name)
    return found


def summed(runs):
    return {"runs": runs, **{key: spread(run[key] for run in runs) for key in ("gib_per_s", "seconds")}}


def row(name, size, runs):
    seconds, speed = (spread(run[key] for run in runs) for key in ("seconds", "gib_per_s"))
    return [name, str(size // MIB), f"{seconds['median']:.2f}", f"{seconds['max']:.2f}",
            str(min(run["verified"] for run in runs) // MIB), f"{speed['median']:.2f}",
            ", ".join(sorted({run["reason"] for run in runs}))]


def measure_heaps(options, figures, rows):
    count = 1 if options.quick else 5
    with classes() as class_dir:
        for layer in layers(options):
            for size in fitting(SIZES)[:1 if options.quick else None]:
                try:
                    runs = heap_alone(layer, class_dir, size, count)
                except Trouble as trouble:
                    print(f"FAILED {layer.name}, {size // MIB} MiB: {trouble}", flush=True)
                    figures.setdefault("failed", []).append(f"{layer.name} {size // MIB}")
                    break
                if isinstance(runs, str):
                    print(f"SKIP {layer.name}: the agent holds no balloon here: {runs}", flush=True)
                    break
                figures.setdefault(layer.name, {})[str(size // MIB)] = summed(runs)
                rows.append(row(layer.name, size, runs))


def measure_machines(options, figures, rows):
    try:
        from cache import Unavailable  # pylint: disable=import-outside-toplevel
        found = both_layers(VM_SIZES[:1] if options.quick else VM_SIZES, 1 if options.quick else 3)
    except Unavailable as why:
        print(f"SKIP virtual machines: {why}", flush=True)
        return
    for size, runs in found.items():
        figures.setdefault("vm", {})[str(size // MIB)] = summed(runs)
        rows.append(row("heap and virtio balloon", size, runs))


def extra(parser):
    parser.add_argument("--no-vm", action="store_true", help="only heaps of this machine")


def main():
    options = arguments(__doc__, extra)
    figures, rows = {}, []
    measure_heaps(options, figures, rows)
    if not options.no_vm:
        measure_machines(options, figures, rows)
    if rows:
        table(["layer", "MiB", "s, median", "s, most", "verified MiB, least", "GiB/s", "ended"], rows)
    write_json(options, "move", {"layers": figures})
    return f"failed: {', '.join(figures['failed'])}" if "failed" in figures else 0


if __name__ == "__main__":
    sys.exit(main())
