#!/usr/bin/env python3
"""What else takes memory back, by amount: plain madvise and fallocate, the kernel's reclaim of a cgroup, virtio-balloon alone.

The first two are limits: resident memory of one's own that nobody needs. Reclaim is told to take so much from a cgroup that holds
the page cache of a file, clean and read once, and then from one that holds the same amount of a program's own memory, where
without swap nothing can be had. virtio-balloon is told by libvirt to take so much from a guest without Java whose free
memory the host holds; what counts is by how much QEMU's memory fell.
"""

import os
import subprocess
import sys
import tempfile
import time

from common import GIB, MIB, ROOT, arguments, spread, table, tool, write_json

for part in ("support", "soak", os.path.join("e2e", "vm")):
    sys.path.insert(0, os.path.join(ROOT, "tests", part))

from container_guest import ContainerGuest  # noqa: E402
from memory_cgroup import MemoryCgroup  # noqa: E402
from move_layers import SIZES, VM_SIZES, available  # noqa: E402

LIMITS = (("madvise", "private", "madvise, anonymous memory"), ("fallocate", "file", "fallocate, a memory file"))
MOST_OF_MACHINE = 0.6
GUEST_MIB = 1536


class Reclaim:
    """The kernel's own reclaim of one cgroup, on order."""

    def __init__(self, cgroup):
        self._cgroup = cgroup
        self._by_amount = os.path.join(cgroup.path, "memory.reclaim")      # version 2
        self._all = os.path.join(cgroup.path, "memory.force_empty")        # version 1: as much as goes

    def take(self, size):
        path, text = (self._by_amount, str(size)) if os.path.exists(self._by_amount) else (self._all, "0")
        try:
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
        except OSError:  # it was not all to be had; how much was, the books say
            pass


def fitting(quick):
    return [size for size in SIZES if size <= available() * MOST_OF_MACHINE][:1 if quick else None]


def limit(kind, size, count):
    command = [tool("bench_madvise_limit"), kind, str(size // MIB), str(count)]
    out = subprocess.run(command, check=True, capture_output=True, text=True)
    return [{"got": size, "seconds": size / GIB / float(line), "gib_per_s": float(line)} for line in out.stdout.split()]


def reclaimed(size, actor):
    """Takes `size` from a cgroup in which this program is; None where there can be no cgroup."""
    cgroup, _ = MemoryCgroup.make()
    container = ContainerGuest(cgroup, size + size // 2 + 256 * MIB)
    try:
        container.actor(*actor)
        before, began = cgroup.usage(), time.monotonic()
        Reclaim(cgroup).take(size)
        seconds, got = time.monotonic() - began, max(0, before - cgroup.usage())
        return {"got": got, "seconds": seconds, "gib_per_s": min(size, got) / GIB / seconds}
    finally:
        container.close()


def page_cache(size):
    with tempfile.NamedTemporaryFile(dir=os.environ.get("TMPDIR", "/var/tmp")) as file:
        file.truncate(size)  # a hole's pages are page cache like any other, and no disk slows their reading
        return reclaimed(size, ("read", file.name, 1, 0))


def own_memory(size):
    return reclaimed(size, ("hold", size // MIB))


def why_no_cgroup():
    cgroup, why = MemoryCgroup.make()
    if cgroup:
        why = ContainerGuest.why_not(cgroup)
        cgroup.remove()
    return why


def virtio(sizes, count):
    """{size: runs}; raises Unavailable where there can be no virtual machine."""
    from application_balloon import held_by_host  # pylint: disable=import-outside-toplevel
    from bed import Bed  # pylint: disable=import-outside-toplevel
    found = {}
    with Bed() as bed:
        vm = bed.boot("vm1", memory_mib=GUEST_MIB, free_page_reporting=False)
        for size in sizes:
            for _ in range(count):
                free = vm.mem_available() // MIB - 90
                vm.run(f"dd if=/dev/zero of=/tmp/filler bs=1M count={free} 2>/dev/null && rm /tmp/filler", within=120)
                before, began = held_by_host(vm), time.monotonic()
                vm.set_balloon(GUEST_MIB - size // MIB, within=120)
                seconds, got = time.monotonic() - began, max(0, before - held_by_host(vm))
                vm.set_balloon(GUEST_MIB)
                found.setdefault(size, []).append({"got": got, "seconds": seconds, "gib_per_s": min(size, got) / GIB / seconds})
    return found


class Table:
    """What was found so far, for people and for machines."""

    def __init__(self):
        self.rows, self.figures = [], {}

    def add(self, key, name, size, runs):
        seconds, speed = (spread(run[what] for run in runs) for what in ("seconds", "gib_per_s"))
        least = min(run["got"] for run in runs)
        self.figures.setdefault(key, {})[str(size // MIB)] = {"runs": runs, "seconds": seconds, "gib_per_s": speed}
        self.rows.append([name, str(size // MIB), f"{seconds['median']:.3f}", f"{seconds['max']:.3f}", f"{least / MIB:.0f}",
                          f"{speed['median']:.2f}"])


def measure(options, found):
    sizes, count = fitting(options.quick), 1 if options.quick else 5
    for key, kind, name in LIMITS:
        for size in sizes:
            found.add(key, name, size, limit(kind, size, count))
    why = why_no_cgroup()
    if why:
        print(f"SKIP reclaim of a cgroup: {why}", flush=True)
    else:
        for key, name, take in (("reclaim_cache", "cgroup reclaim, page cache", page_cache),
                                ("reclaim_memory", "cgroup reclaim, a program's memory", own_memory)):
            for size in sizes:
                found.add(key, name, size, [take(size) for _ in range(count)])
    if options.no_vm:
        return
    from cache import Unavailable  # pylint: disable=import-outside-toplevel
    try:
        for size, runs in virtio(VM_SIZES[:1 if options.quick else None], 1 if options.quick else 3).items():
            found.add("virtio", "virtio-balloon alone", size, runs)
    except Unavailable as why_not:
        print(f"SKIP virtual machines: {why_not}", flush=True)


def extra(parser):
    parser.add_argument("--no-vm", action="store_true", help="without virtio-balloon")


def main():
    options = arguments(__doc__, extra)
    found = Table()
    measure(options, found)
    table(["taken by", "MiB", "s, median", "s, most", "got MiB, least", "GiB/s"], found.rows)
    write_json(options, "move", {"beside": found.figures})
    return 0


if __name__ == "__main__":
    sys.exit(main())
