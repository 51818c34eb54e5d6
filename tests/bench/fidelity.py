"""Whether a heap with a balloon runs like one that was made that small.

A: heap H with a balloon that leaves T; B: -Xmx T, without the agent. Both run the same closed loop, in the order A B B A, so that
drift of the machine falls on both. The ratio is throughput of A over B; the control is the second B over the first, and the
second A over the first: what differs there is noise. A is measured once its report shows that the balloon grows no more.
A ratio proves something only where the balloon was still there at the end: elsewhere the verdict is "not held". Under concurrent
collectors the program does a fixed amount of work per second, well below what one processor could do: in a closed loop it outruns
them in a heap of size T, balloon or not. What a balloon costs shows in the processor time for each operation as well. Where B
stalls all the same (allocation stalls, degenerated cycles, by the collector's log) the verdict is "saturated".
"""

import math
import os

from churn import Churn, pieces
from common import MIB, ROOT, arguments, classes, layers, spread, sys, table, write_json

sys.path.insert(0, os.path.join(ROOT, "tests", "soak"))

from heap_pages import gc_stalls  # noqa: E402

LIVE = 200 * MIB
HEAP = 1200 * MIB
RATE = 120 * MIB
SHARES = (0.3, 0.45, 0.6, 0.75)  # T as a share of H
CONCURRENT = ("Z", "Shenandoah")
PROMISED = 0.95
HELD = 0.9  # of the balloon asked for, at the end of the window
STILL = 3  # reports, about one a second
EXCHANGED = 1.1  # of T: with --hold size, from how small a committed heap on measuring begins
OVER = 1.05  # of T: what a heap held by its size may hold in memory


def program(layer):
    pace = ["--rate", f"{RATE}B"] if layer.collector in CONCURRENT else ["--threads", str(len(os.sched_getaffinity(0)))]
    return ["--live", f"{LIVE}B", "--replace", "0.05", *pace]


def churn(layer, class_dir, heap, **more):
    return Churn(layer, class_dir, heap, program(layer), gc_log=True, **more)


def comfortable(collector):
    """From which T on the ratio is promised."""
    if collector == "G1":
        return LIVE + HEAP // 4
    if collector in CONCURRENT:
        return 2 * LIVE
    return HEAP // 3 + LIVE  # the largest young generation, and live


def grown(guestd, wanted, at_most=90):
    """The report in which the balloon has what it should, or has stopped growing."""
    still, last = 0, guestd.wait_report()
    for _ in range(at_most):
        report = guestd.wait_report()
        if report["balloon_bytes"] >= wanted * 0.97:
            return report
        still = still + 1 if report["balloon_bytes"] <= last["balloon_bytes"] and "running_op" not in report else 0
        last = report
        if still >= STILL:
            break
    return last


def exchanged(guestd, target, at_most=180):
    """The report in which the heap itself is about as small as it should be, instead of the balloon large."""
    report = guestd.wait_report()
    for _ in range(at_most):
        if report["committed_bytes"] <= EXCHANGED * target and "running_op" not in report:
            break
        report = guestd.wait_report()
    return report


def warm(jvm, options):
    jvm.service.tell(f"measure {2 if options.quick else 6}")


def measured(jvm, options):
    figures = jvm.measure(4 if options.quick else 8)
    return {**figures, "gc_stalls": gc_stalls(jvm.gc_log), "cpu_per_op": figures["process_cpu"] / figures["ops"]}


def ballooned(layer, class_dir, target, options):
    """A; None where this JVM holds no balloon."""
    by_size = options.hold == "size" and layer.collector == "G1"
    with churn(layer, class_dir, HEAP, agent=True, options=f",g1-hold={options.hold}") as jvm:
        if not jvm.guestd.hello["jvm"]["can_balloon"]:
            return None
        warm(jvm, options)
        jvm.guestd.order("balloon", target, 30000, cap="firm" if by_size else "hard")
        result = jvm.guestd.result("balloon", 60)
        report = exchanged(jvm.guestd, target) if by_size else grown(jvm.guestd, HEAP - target)
        warm(jvm, options)
        figures = measured(jvm, options)
        after = jvm.guestd.wait_report()
        held = after["footprint_bytes"] <= OVER * target if by_size else after["balloon_bytes"] >= HELD * (HEAP - target)
        figures.update(balloon=report["balloon_bytes"], balloon_after=after["balloon_bytes"], footprint=after["footprint_bytes"],
                       committed=after["committed_bytes"], reason=result["reason"], held=held,
                       releases=after.get("guard_releases", 0),
                       distress=sorted({seen["distress"] for seen in jvm.guestd.reports if seen.get("distress")}))
        return figures


def small(layer, class_dir, target, options):
    """B; None where the program does not fit into this heap at all."""
    try:
        with churn(layer, class_dir, target) as jvm:
            warm(jvm, options)
            warm(jvm, options)
            return measured(jvm, options)
    except Exception as failure:  # pylint: disable=broad-except
        print(f"{layer.name}: -Xmx {pieces(target)}: {type(failure).__name__}: the program does not run in it", flush=True)
        return None


def compare(layer, class_dir, target, options):
    """One T: A B B A."""
    runs = []
    for side in (ballooned, small, small, ballooned):
        runs.append(side(layer, class_dir, target, options))
        if runs[-1] is None:
            return None
    a, b = [run for run in runs if "balloon" in run], [run for run in runs if "balloon" not in run]
    ratios = [one["ops"] / other["ops"] for one, other in zip(a, b)]
    figures = {"target": target, "ratios": spread(ratios), "ratio": math.prod(ratios) ** (1 / len(ratios)),
               "promised": target >= comfortable(layer.collector), "held": all(run["held"] for run in a),
               "saturated": any(run["gc_stalls"] for run in b), "a": a, "b": b}
    figures["cpu"] = math.prod(one["cpu_per_op"] / other["cpu_per_op"] for one, other in zip(a, b)) ** (1 / len(a))
    figures["control"] = {"a": a[1]["ops"] / a[0]["ops"], "b": b[1]["ops"] / b[0]["ops"]}
    return figures


def row(figures):
    a, control = figures["a"], figures["control"]
    causes = sorted({cause for run in a for cause in run["distress"]})
    verdict = "kept" if figures["ratio"] >= PROMISED else "MISSED"
    verdict = "-" if not figures["promised"] else verdict if figures["held"] else "NOT HELD"
    if figures["saturated"]:
        verdict = "saturated"
    return [pieces(figures["target"]), *(figures["ratios"][key] for key in ("min", "median", "max")),
            f"{control['a']:.2f} {control['b']:.2f}", figures["cpu"], verdict, pieces(min(run["balloon"] for run in a)),
            pieces(min(run["balloon_after"] for run in a)), pieces(max(run["footprint"] for run in a)),
            pieces(max(run["committed"] for run in a)),
            " ".join("+".join(str(run["gc_stalls"]) for run in side) for side in (a, figures["b"])), a[-1]["reason"],
            " ".join([f"{sum(run['releases'] for run in a)}:", *causes]) if any(run["releases"] for run in a) else "-"]


def extra(parser):
    parser.add_argument("--hold", choices=("chunks", "calm", "size"), default="chunks",
                        help="the agent's g1-hold (default: chunks). size: measured once G1's heap itself is small, and held if "
                             "its memory is")
    parser.add_argument("--targets", metavar="MIB,…", help="only these values of T; default: 900,720,540,360")


def targets(options):
    if options.targets:
        return [int(text) * MIB for text in options.targets.split(",")]
    return [int(HEAP * share) // (2 * MIB) * 2 * MIB for share in (SHARES[2:3] if options.quick else reversed(SHARES))]


def main():
    options = arguments(__doc__, extra)
    figures = {}
    with classes() as class_dir:
        for layer in layers(options):
            found = []
            for target in targets(options):
                compared = compare(layer, class_dir, target, options)
                if compared is None:
                    break
                found.append(compared)
            print(f"\n{layer.name}: heap {pieces(HEAP)}, live {pieces(LIVE)}; throughput with a balloon over that with -Xmx T",
                  flush=True)
            if not found:
                print(f"SKIP {layer.name}: no balloon here, or the program does not fit", flush=True)
                continue
            table(["T", "min", "median", "max", "A/A B/B", "CPU/op", "promise", "balloon", "after", "footprint", "committed",
                   "stalls A B", "result", "released for"],
                  [row(one) for one in found])
            promised = [one for one in found if one["promised"] and not one["saturated"]]
            figures[layer.name] = {"ratio": min((one["ratio"] for one in promised if one["held"]), default=None),
                                   "promised": len(promised), "held": sum(one["held"] for one in promised), "curve": found}
    write_json(options, "fidelity", figures)


if __name__ == "__main__":
    main()
