"""What the agent costs a JVM that holds no balloon: CPU, pauses, memory, throughput.

CPU: its threads' share of a core, by the scheduler's clock, in a program that allocates at a fixed rate. Throughput: the
same closed loop with (A) and without (B) the agent, in the order A B B A; the control is B over B and A over A. Memory: Rss
with a heap so small that all of it is resident in both; a ZGC heap, which is shared memory, is left out.
"""

import math
import os

from churn import Churn
from common import MIB, arguments, classes, layers, spread, table, write_json

STEADY = ["--live", "100MiB", "--rate", "200MiB", "--replace", "0.05"]
BUSY = ["--live", "100MiB", "--replace", "0.05", "--threads", str(len(os.sched_getaffinity(0)))]
TINY = ["--live", "20MiB", "--rate", "100MiB"]
HEAP, TINY_HEAP = 600 * MIB, 96 * MIB
CPU_PROMISED = 0.001  # of a core
RSS_PROMISED = 8 * MIB


def window(layer, class_dir, heap, program, agent, warm, seconds, flags=()):
    with Churn(layer, class_dir, heap, program, agent, flags) as jvm:
        jvm.service.tell(f"measure {warm}")
        figures = jvm.measure(seconds)
        figures["rss"] = jvm.rss()
        return figures


def pairs(layer, class_dir, heap, program, count, warm, seconds, flags=()):
    """([A…], [B…]) measured as A B B A, `count` times two pairs."""
    a, b = [], []
    for turn in range(2 * count):
        for agent in (True, False) if turn % 2 == 0 else (False, True):
            (a if agent else b).append(window(layer, class_dir, heap, program, agent, warm, seconds, flags))
    return a, b


def neighbours(runs, key):
    """Each run over the one before it: what should be 1 but for noise."""
    return [after[key] / before[key] for before, after in zip(runs, runs[1:])]


def pause_share(run):
    """Seconds a second in which all threads were stopped, by HotSpot's own counter of nanoseconds."""
    return run["counters"].get("sun.rt.safepointTime", 0) / 1e9


def measure(layer, class_dir, options):
    quick = options.quick
    steady, plain = pairs(layer, class_dir, HEAP, STEADY, 1, 3, 4 if quick else 15)
    fast, bare = pairs(layer, class_dir, HEAP, BUSY, 1 if quick else 3, 3, 3 if quick else 6)
    tiny = [f"-Xms{TINY_HEAP // MIB}m"]
    small, smaller = pairs(layer, class_dir, TINY_HEAP, TINY, 1, 2, 1, tiny)
    ratios = [one["ops"] / other["ops"] for one, other in zip(fast, bare)]
    return {"agent_cpu": spread(run["agent_cpu"] for run in steady),
            "pauses_added": spread(pause_share(one) - pause_share(other) for one, other in zip(steady, plain)),
            "throughput_ratio": spread(ratios), "throughput_mean_ratio": math.prod(ratios) ** (1 / len(ratios)),
            "control": spread(neighbours(fast, "ops") + neighbours(bare, "ops")),
            "rss_added_mib": spread((one["rss"] - other["rss"]) / MIB for one, other in zip(small, smaller)),
            "rss_control_mib": spread((other["rss"] - one["rss"]) / MIB for one, other in zip(smaller, smaller[1:]))}


def show(layer, figures):
    print(f"\n{layer.name}, no balloon", flush=True)
    rows = [["agent's CPU, % of a core", "agent_cpu", 100], ["pauses added, ms/s", "pauses_added", 1000],
            ["throughput with / without", "throughput_ratio", 1], ["  control", "control", 1],
            ["Rss added, MiB", "rss_added_mib", 1], ["  control", "rss_control_mib", 1]]
    table(["", "min", "median", "max"],
          [[what, *(f"{figures[key][part] * factor:.3f}" for part in ("min", "median", "max"))] for what, key, factor in rows])
    kept = {"CPU": figures["agent_cpu"]["median"] <= CPU_PROMISED,
            "Rss": figures["rss_added_mib"]["median"] <= RSS_PROMISED / MIB}
    print("promises: " + ", ".join(f"{what} {'kept' if well else 'MISSED'}" for what, well in kept.items()), flush=True)


def main():
    options = arguments(__doc__)
    figures = {}
    with classes() as class_dir:
        for layer in layers(options):
            figures[layer.name] = measure(layer, class_dir, options)
            show(layer, figures[layer.name])
    write_json(options, "overhead", figures)


if __name__ == "__main__":
    main()
