#!/usr/bin/env python3
"""How long the host takes to share memory out among 100, 1,000 and 10,000 guests.

Each guest has three layers with curves of 16 points. Twice: with guests that may have anything, and with guests whose
minimum and maximum all bind. Times are CPU milliseconds of one core (bench_share_out); growth is how many times longer ten
times the guests take."""

import subprocess
import sys

from common import arguments, spread, table, tool, write_json

COUNTS = (100, 1000, 10000)
PROMISED_MS = 10.0  # for 10,000 guests, the median


def measure(guests, rounds, *kind):
    done = subprocess.run([tool("bench_share_out"), str(guests), str(rounds), *kind], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"bench_share_out: {done.stderr.strip()}")
    return spread(float(line) for line in done.stdout.split())


def main():
    options = arguments(__doc__)
    rounds = 5 if options.quick else 25
    figures = {"share_out_ms": {}, "share_out_bounded_ms": {}, "share_out_spread_ms": {}}
    rows = []
    for key, kind in (("share_out_ms", ()), ("share_out_bounded_ms", ("bounded",))):
        before = None
        for guests in COUNTS:
            took = measure(guests, rounds, *kind)
            figures[key][str(guests)] = took["median"]
            figures["share_out_spread_ms"][f"{key}.{guests}"] = took
            growth = f"{took['median'] / before:.1f}" if before else "-"
            rows.append((f"{guests} guests" + (", bounds bind" if kind else ""), took["min"], took["median"], took["max"], growth))
            before = took["median"]
    table(("", "min ms", "median ms", "max ms", "growth"), rows)
    slowest = max(figures[key]["10000"] for key in ("share_out_ms", "share_out_bounded_ms"))
    print(f"FIGURE 10,000 guests x 3 layers x 16 points: {slowest:.1f} ms at most (medians), promised {PROMISED_MS:.0f} ms: "
          + ("kept" if slowest <= PROMISED_MS else "MISSED"))
    write_json(options, "control", figures)
    return 0 if slowest <= PROMISED_MS or options.quick else 1


if __name__ == "__main__":
    sys.exit(main())
