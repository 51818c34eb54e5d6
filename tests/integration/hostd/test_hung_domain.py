#!/usr/bin/env python3
"""Domains about which no call of libvirt ever returns: nobody else notices."""

import re
import statistics
import sys
import time
import urllib.request

from fake_domains import MIB, Domains, expect, wait_until

from checks import run_all

SQUEEZE = 24 * MIB
GOOD = [f"web{number}" for number in range(8)]
METRICS = '[metrics]\nlisten = "127.0.0.1:0"\n'


def late_seconds(domains):
    """By how much the loop has come too late to its work of every second, in all."""
    address = re.findall(r"metrics listen=(\S+)", domains.log())[-1]
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=30) as page:
        return float(re.search(r"^aerostat_tick_delay_seconds_total (\S+)$", page.read().decode(), re.MULTILINE).group(1))


def squeeze_all(domains):
    """Squeezes each good guest once, balloon and all; how long each took, and how long status took between; whose balloon moved."""
    took, asked, moved = [], [], []
    for name in GOOD:
        began = time.monotonic()
        answer = domains.ask("squeeze", target=name, bytes=SQUEEZE, deadline_ms=20000)
        done = answer.get("operation") or {"obtained": 0, **answer}
        took.append(time.monotonic() - began)
        expect(done["obtained"] >= SQUEEZE and done["reason"] == "met", f"{name}: {done}")
        moved += [name] if done.get("os_moved", 0) >= SQUEEZE else []
        began = time.monotonic()
        domains.ask("status")
        asked.append(time.monotonic() - began)
    return took, asked, moved


def figures(names, hang):
    with Domains(names, memory=16384, extra=METRICS, hang=hang) as domains:
        domains.wait_all_here(60)
        # All balloons that can be seen have been: the hung calls are under way, and have passed their deadlines once.
        wait_until(lambda: sum("ram_bytes" in guest for guest in domains.connected()) == len(GOOD), 30, "the good balloons")
        late, began = late_seconds(domains), time.monotonic()
        took, asked, moved = squeeze_all(domains)
        return took, asked, (late_seconds(domains) - late) / (time.monotonic() - began), moved


def tell(what, found):
    took, asked, late, moved = found
    print(f"FIGURE {what}: a squeeze with its balloon {statistics.median(took):.2f} s (median; {max(took):.2f} s at most of {len(took)}), "
          f"status {max(asked) * 1e3:.1f} ms at most, loop late by {late * 1e3:.2f} ms a second, {len(moved)} balloons moved", flush=True)


def check_nobody_waits(hung, alone):
    beside = figures(GOOD + hung, "hung")
    tell(f"{len(hung)} of {len(GOOD) + len(hung)} hang", beside)
    expect(set(alone[3]) == set(beside[3]) == set(GOOD), f"balloons moved: {alone[3]} alone, {beside[3]} beside")
    # A call of libvirt has 5 s: who had to wait for a hung one would have waited so long.
    expect(statistics.median(beside[0]) < statistics.median(alone[0]) + 2, f"{beside[0]} against {alone[0]}")
    expect(max(beside[1]) < 2 and beside[2] < 0.5, f"status {beside[1]}, late {beside[2]}")


def hung_domains_delay_nobody():
    """One, and more than there are threads that call libvirt."""
    alone = figures(GOOD, None)
    tell("no domain hangs", alone)
    for count in (1, 5):
        check_nobody_waits([f"hung{number}" for number in range(count)], alone)


TESTS = [hung_domains_delay_nobody]

if __name__ == "__main__":
    sys.exit(run_all([(test.__name__.replace("_", " "), test) for test in TESTS]))
