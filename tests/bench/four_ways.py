#!/usr/bin/env python3
"""The same memory wanted from a virtual machine in four ways, and two OS balloons beside each other.

virtio-balloon alone, a Java balloon with virtio-balloon, with free page reporting, and with the application balloon.

A guest of 1 GiB whose heap is mostly garbage that no collection has found, and whose free pages the host holds because they
were used once. The host wants more than is free. What counts is what QEMU's memory has become smaller by, and what it cost
the guest. Then both OS balloons beside each other, without Java, on ordinary and on huge pages of the host.
"""

import contextlib
import os
import sys
import time

from common import MIB, ROOT, arguments, spread, table, write_json

for part in ("support", os.path.join("e2e", "vm")):
    sys.path.insert(0, os.path.join(ROOT, "tests", part))

from checks import Skip  # noqa: E402
from harness import Trouble  # noqa: E402

MEMORY_MIB, WANTED_MIB = 1024, 400
WITHIN_S = 30
REPORTED_WITHIN_S = 10  # pages come back by reporting when the guest's kernel gets round to it
HEAP = ("-Xmx640m", "-Xms64m", "-XX:+UseG1GC")
COUNTED = ("major_faults", "swapped_pages", "stalled_ms", "worst_stall_ms")
LIVE_MIB, GARBAGE_MIB = 64, 490
WAYS = ["virtio", "java_virtio", "java_reporting", "java_application"]
BALLOONS_MIB = 256
BEHIND = {"ordinary": "ordinary pages", "huge": "huge pages (hugetlb, 2 MiB)"}
NAMES = {"virtio": "virtio-balloon alone", "java_virtio": "Java + virtio-balloon", "java_reporting": "Java + page reporting",
         "java_application": "Java + application balloon"}


class Guest:
    """A guest prepared alike for each way, and whoever orders memory from it."""

    def __init__(self, bed, way, run):
        from application_balloon import Daemons, held_by_host  # pylint: disable=import-outside-toplevel
        from host_stage import HostStage  # pylint: disable=import-outside-toplevel
        self.bed, self.way, self.held_by_host = bed, way, held_by_host
        self.host = self.daemons = None
        reporting = way == "java_reporting"
        self.vm = bed.boot("vm1", memory_mib=MEMORY_MIB, free_page_reporting=reporting, autodeflate=not reporting,
                           kernel_options="transparent_hugepage=madvise")
        try:
            if way == "java_application":
                self.daemons = Daemons(bed, f"{way}-{run}")
                self.daemons.start_in(self.vm)
            elif way != "virtio":
                self.vm.start_guestd()
            self.jvm = self.vm.service(HEAP, agent=way != "virtio", arguments="--rate 50")
            self.jvm.tell(f"live {LIVE_MIB}MiB", within=180)
            self.jvm.tell(f"garbage {GARBAGE_MIB}MiB", within=300)
            if way != "virtio":
                more = {"more_of_host": self.daemons.host_keys, "more_of_guests": self.daemons.GUEST_KEYS} if self.daemons else {}
                self.host = HostStage(bed, f"{way}-{run}", **more)
                self.host.wait_joined("vm1")
                self.host.wait_room("vm1", WANTED_MIB)
                self.host.wait_quiet()
            free = self.vm.meminfo()["MemFree"] // MIB - 60
            self.vm.run(f"dd if=/dev/zero of=/tmp/used bs=1M count={max(1, free)} 2>/dev/null; rm -f /tmp/used", within=120)
        except BaseException:
            self.close()
            raise

    def counters(self):
        text = self.vm.run("cat /proc/vmstat /proc/pressure/memory")
        found = dict(line.split() for line in text.splitlines() if len(line.split()) == 2)
        stalled = next(word for word in text.split() if word.startswith("total="))  # "some", which comes first
        return {"major_faults": int(found["pgmajfault"]), "swapped_pages": int(found["pswpin"]) + int(found["pswpout"]),
                "stalled_ms": int(stalled[len("total="):]) // 1000}

    def got(self, before):
        return max(0, before - self.held_by_host(self.vm))

    def want(self):
        """The order, until it has ended and nothing more comes."""
        self.jvm.tell("report")  # counts from here on
        before, counted = self.held_by_host(self.vm), self.counters()
        began = time.monotonic()
        reason = self._order_virtio() if self.way == "virtio" else self._squeeze()
        if self.way == "java_reporting":
            while self.got(before) < 0.95 * WANTED_MIB * MIB and time.monotonic() - began < WITHIN_S + REPORTED_WITHIN_S:
                time.sleep(0.1)
        seconds, got, after = time.monotonic() - began, self.got(before), self.counters()
        served = self.jvm.tell("report", within=120)
        if served["oome"] != "0" or served["corrupt"] != "0":
            raise Trouble(f"{NAMES[self.way]}: {served}")
        return {"seconds": seconds, "got_mib": got / MIB, "reason": reason, "worst_stall_ms": float(served["worst_stall_ms"]),
                **{key: after[key] - counted[key] for key in after}}

    def _order_virtio(self):
        left = (MEMORY_MIB - WANTED_MIB) * MIB
        self.bed.libvirtd.virsh("setmem", "vm1", f"{left // MIB}MiB", "--live")
        until = time.monotonic() + WITHIN_S
        while self.vm.balloon_actual() > left + MIB:
            if time.monotonic() > until:
                return f"short by {(self.vm.balloon_actual() - left) // MIB} MiB"
            time.sleep(0.05)
        return "met"

    def _squeeze(self):
        code, said = self.host.tool.json("squeeze", "vm1/app", f"{WANTED_MIB}MiB", "--deadline", f"{WITHIN_S}s", within=120)
        if "reason" not in said:
            raise Trouble(f"{NAMES[self.way]}: exit {code}: {said}")
        return said["reason"]

    def close(self):
        if self.host:
            self.host.close()
        if self.daemons:
            self.daemons.end()
        self.bed.destroy("vm1")


def measure_ways(bed, options, figures, rows):
    """Run by run, not way by way: the machine is not the same all the time."""
    ways, runs = options.ways.split(","), {}
    for run in range(1 if options.quick else 3):
        for way in ways:
            guest = Guest(bed, way, run)
            try:
                runs.setdefault(way, []).append(guest.want())
            finally:
                guest.close()
            print(f"     {NAMES[way]}: {runs[way][-1]}", flush=True)
    for way in ways:
        middle = {key: spread(one[key] for one in runs[way]) for key in runs[way][0] if key != "reason"}
        figures[way] = {"runs": runs[way], **middle}
        cells = [f"{middle[key]['median']:.{digits}f}" for key, digits in
                 (("seconds", 2), ("got_mib", 0), *((key, 0) for key in COUNTED))]
        rows.append([NAMES[way], *cells, ", ".join(sorted({one["reason"] for one in runs[way]}))])


def measure_balloons(bed, options, figures, rows):
    """The two OS balloons in one guest, in turn."""
    from balloon_flight import MEMORY_MIB as GUEST_MIB, Flight, HostHugePages, speeds  # pylint: disable=import-outside-toplevel
    for label, behind in BEHIND.items():
        try:
            with HostHugePages(GUEST_MIB + 16) if label == "huge" else contextlib.nullcontext():
                flight = Flight(bed, label, huge_pages=label == "huge", kept_mib=64)
                try:
                    found = figures[label] = speeds(flight, BALLOONS_MIB, 1 if options.quick else 3)
                finally:
                    flight.end()
        except Skip as why:
            print(f"SKIP {behind}: {why}", flush=True)
            continue
        for key, name, ratio in (("application", "application balloon", found["ratio"]), ("virtio", "virtio-balloon", 1)):
            of = found[key]
            rows.append([f"{behind}: {name}", f"{of['mib_per_s']:.0f}", f"{of['got_mib']:.0f}", f"{of['returned']:.0%}",
                         f"{ratio:.2f}"])


def extra(parser):
    parser.add_argument("--ways", default=",".join(WAYS), help="default: %(default)s; none: only the two OS balloons")
    parser.add_argument("--only-ways", action="store_true", help="without the two OS balloons beside each other")


def main():
    options = arguments(__doc__, extra)
    unknown = set(options.ways.split(",")) - set(WAYS) - {"none"}
    if unknown:
        raise SystemExit(f"unknown way {', '.join(sorted(unknown))}: choose from {', '.join(WAYS)}")
    if os.geteuid() != 0:
        print("SKIP four ways: guest RAM is taken as root only", flush=True)
        return 0
    from bed import Bed, Unavailable  # pylint: disable=import-outside-toplevel
    figures, rows, balloons, beside = {}, [], {}, []
    try:
        with Bed() as bed:
            print(f"     accelerator: {bed.accelerator}", flush=True)
            if options.ways != "none":
                measure_ways(bed, options, figures, rows)
            if not options.only_ways:
                measure_balloons(bed, options, balloons, beside)
    except Unavailable as why:
        print(f"SKIP virtual machines: {why}", flush=True)
        return 0
    show(rows, beside)
    write_json(options, "four_ways", {**figures, **({"balloons": balloons} if balloons else {})})
    return 0


def show(rows, beside):
    if rows:
        print(f"{WANTED_MIB} MiB wanted of a guest of {MEMORY_MIB} MiB")
        table(["way", "s", "got MiB", "major faults", "swapped pages", "guest stalled ms", "program's worst stall ms", "ended"], rows)
    if beside:
        print(f"{BALLOONS_MIB} MiB taken by each OS balloon, in turn")
        table(["behind the guest's RAM", "MiB/s", "got MiB", "returned", "speed by virtio's"], beside)


if __name__ == "__main__":
    sys.exit(main())
