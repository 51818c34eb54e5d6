"""Judges finished cells against unlimited ones. Pure: the same cells, the same verdict."""

import statistics
from collections import namedtuple

THROUGHPUT_LOSS = 0.03
LATENCY_LOSS = 0.10
MOST_OTHERS = 0.1   # processors that others may take meanwhile before a cell is called disturbed
ABOVE_SHARE = 0.01  # of the time: a budget that is exceeded for longer was not held

# p99 of each service in milliseconds, and what it may be: within a tenth, or within unlimited's own spread where that is larger.
Reference = namedtuple("Reference", "p99 allowed throughput")


def reference(unlimited):
    """What unlimited runs have shown."""
    names = unlimited[0]["services"]
    p99 = {name: [run["services"][name]["p99_ms"] for run in unlimited] for name in names}
    middle = {name: statistics.median(values) for name, values in p99.items()}
    allowed = {name: max(1 + LATENCY_LOSS, max(values) / middle[name] if middle[name] else 0) for name, values in p99.items()}
    return Reference(middle, allowed, statistics.median(throughput(run) for run in unlimited))


def throughput(cell):
    """Answered of due, each service counting alike: rates were chosen so that each is as much work."""
    shares = [seen["ops"] / seen["due"] for seen in cell["services"].values() if seen["due"]]
    return statistics.mean(shares) if shares else 0.0


def ratios(cell, against):
    """What the cell did, of unlimited. The p99 is that of the service that was hurt most."""
    p99 = {name: float("inf") if seen["died"] else seen["p99_ms"] / against.p99[name] if against.p99[name] else 1.0
           for name, seen in cell["services"].items()}
    hurt = max(p99, key=lambda name: p99[name] / against.allowed[name])
    return {"throughput_ratio": throughput(cell) / against.throughput, "p99_ratio": p99[hurt], "p99_hurt": hurt,
            "p99_allowed": against.allowed[hurt], "p99_ratios": p99}


def medians(judged):
    """Several runs of one cell as one: the run in the middle for each figure."""
    hurt = sorted(judged, key=lambda one: one["p99_ratio"] / one["p99_allowed"])[len(judged) // 2]
    return {**hurt, "throughput_ratio": statistics.median(one["throughput_ratio"] for one in judged)}


def works(judged):
    return judged["throughput_ratio"] >= 1 - THROUGHPUT_LOSS


def performs(judged):
    return works(judged) and judged["p99_ratio"] <= judged["p99_allowed"]


def verdict(cells, against):
    """Of all runs with one system and budget: how it performed, and whether it kept what must be kept. `lasts`: all of the work
    was done within the budget, however long requests took."""
    judged = medians([ratios(cell, against) for cell in cells])
    above = statistics.median(cell["memory"]["above_share"] for cell in cells)
    dead = sum(cell["oom_kills"] + cell["oome"] + cell["other_deaths"] for cell in cells)
    held = above <= ABOVE_SHARE
    return {**judged, "runs": len(cells), "performs": performs(judged) and not dead, "held": held, "above_share": above,
            "lasts": works(judged) and not dead and held, "good": performs(judged) and not dead and held}
