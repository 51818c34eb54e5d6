#!/usr/bin/env python3
"""What hostd costs a host of 50 and of 500 virtual machines: CPU time for each guest and hour, memory, how soon it answers.

The domains are those of libvirt's test driver (`test:///FILE.xml`). Each has a process that stands in for its QEMU, which hostd finds
and measures, and a guest that reports once a second through its channel; nobody needs anything, so this is what hostd costs when it
has nothing to do. What real virtual machines add is the kernel's walk through their page tables, which grows with the RAM that is
resident (`scripts/bench move` has the speed of that)."""

import os
import re
import statistics
import sys
import time
import urllib.request

from common import ROOT, arguments, table, write_json
from control import cpu_seconds

sys.path.insert(0, os.path.join(ROOT, "tests", "integration", "hostd"))

from fake_domains import MIB, Domains  # noqa: E402

SIZES = (50, 500)
HEAP = 4 * MIB
METRICS = '[metrics]\nlisten = "127.0.0.1:0"\n'
CPU_PROMISED, MEMORY_PROMISED_MIB = 30.0, 200.0  # CPU seconds for each guest and hour; of 500


def field_kib(pid, key):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(key + ":"))


def seconds_of(action, rounds):
    took = []
    for _ in range(rounds):
        began = time.monotonic()
        action()
        took.append(time.monotonic() - began)
    return took


def scrape(address):
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=60) as page:
        return page.read().decode()


def late_seconds(page):
    return float(re.search(r"^aerostat_tick_delay_seconds_total (\S+)$", page, re.MULTILINE).group(1))


def measure(count, seconds):
    began = time.monotonic()
    with Domains([f"vm{number}" for number in range(count)], heap=HEAP, memory=count * 64, extra=METRICS) as domains:
        domains.wait_all_here(300)
        here = time.monotonic() - began
        time.sleep(5)  # the first measurements, which look for QEMU in all of /proc, are over
        pid = domains.daemon.pid
        before, began = cpu_seconds(pid), time.monotonic()
        time.sleep(seconds)
        share = (cpu_seconds(pid) - before) / (time.monotonic() - began)
        # Only now: what is asked costs as well.
        address = re.findall(r"metrics listen=(\S+)", domains.log())[-1]
        status = seconds_of(lambda: domains.ask("status"), 5)
        scrapes = seconds_of(lambda: (time.sleep(1.1), scrape(address)), 5)  # a page lasts a second
        page = scrape(address)
        return {"cpu_seconds_per_guest_hour": share * 3600 / count, "cpu_share": share,
                "resident_mib": field_kib(pid, "VmRSS") / 1024, "peak_mib": field_kib(pid, "VmHWM") / 1024,
                "threads": field_kib(pid, "Threads"), "all_here_s": here, "status_ms": statistics.median(status) * 1e3,
                "scrape_ms": (statistics.median(scrapes) - 1.1) * 1e3, "page_kib": len(page) / 1024, "late_s": late_seconds(page)}


def main():
    options = arguments(__doc__)
    figures = {}
    for count in SIZES:
        figures[str(count)] = measure(count, 10 if options.quick else 60)
    table(("guests", "CPU s/guest and hour", "of a core", "MiB", "peak MiB", "status, ms", "scrape, ms", "page, KiB", "late, s"),
          [(count, one["cpu_seconds_per_guest_hour"], f"{one['cpu_share']:.1%}", one["resident_mib"], one["peak_mib"], one["status_ms"],
            one["scrape_ms"], one["page_kib"], one["late_s"]) for count, one in figures.items()])
    write_json(options, "control", {"domains": figures})
    missed = []
    for count, one in figures.items():
        if one["cpu_seconds_per_guest_hour"] > CPU_PROMISED:
            missed.append(f"{one['cpu_seconds_per_guest_hour']:.1f} CPU seconds a guest and hour of {count}, promised {CPU_PROMISED:.0f}")
        if one["resident_mib"] > MEMORY_PROMISED_MIB:
            missed.append(f"{one['resident_mib']:.0f} MiB with {count} guests, promised {MEMORY_PROMISED_MIB:.0f}")
    for what in missed:
        print("MISSED " + what)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
