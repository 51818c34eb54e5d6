"""What an agent at a large heap says a smaller one would cost, against what it then costs.

The same program, doing the same fixed work per second, runs at several real -Xmx. Its cost is the CPU of GC threads plus the
time its threads stood still, in seconds per second. The agent sits in the JVM with the largest heap; what its curve says of
the smaller ones is compared with what was measured there. Curves leave out what no heap size changes, so what is predicted is
the measured cost at the largest heap plus the rise of the curve. Where a heap is too small for the work to be done at all there
is no cost to predict; there the question is whether the curve's floor forbids it.

One heap of each family is measured twice: by so much two measurements of the same differ. Of two JVMs whose true costs differ by
no more than that nobody knows which is the cheaper.
"""

import statistics

from churn import Churn, pieces
from common import MIB, arguments, classes, layers, spread, table, write_json
from ranking import noise, ranking

LIVE = 100 * MIB
OBJECTS, OBJECT = 32, 128  # of an operation of Churn: how many, and their mean size in bytes
RATE = 100 * MIB  # little enough for every collector to keep up in the smaller heaps: a heap that cannot do the work has no cost
PROGRAMS = {"replacing": 0.3, "passing": 0.03}  # share of what is allocated that replaces live objects
HEAPS = (2.2, 2.8, 3.6, 5, 7)  # times the live set
SURE_MS = 10_000  # of the program's time seen, by the agent's own word: nothing of its curve is assumed any more
WORK_DONE = 0.95  # of the work asked for; a heap that does less is saturated


def evaluate(curve, memory):
    """Cost by a curve of [bytes, cost]; None below its floor."""
    if memory < curve[0][0]:
        return None
    for (left, high), (right, low) in zip(curve, curve[1:]):
        if memory <= right:
            return high + (low - high) * (memory - left) / (right - left)
    return curve[-1][1]


def settled(jvm, at_most):
    """The report whose curve is sure and has stopped moving, or the last one: the agent's averages reach over a minute."""
    before = jvm.guestd.wait_report()
    for _ in range(int(at_most / 5)):
        jvm.service.tell("measure 5")
        now = jvm.guestd.wait_report()
        middle = (now["curve"][0][0] + now["curve"][-1][0]) / 2
        then, cost = evaluate(before["curve"], middle), evaluate(now["curve"], middle)
        sure = now.get("curve_seen_ms", 0) >= SURE_MS
        if sure and then is not None and abs(cost - then) <= 0.03 * cost:
            return now
        before = now
    return before


def window(program, heap, options):
    """Seconds in which the old generation should fill up three times, within bounds."""
    if options.quick:
        return 3
    return round(min(max(6, 3 * (heap - LIVE) / 2 / (PROGRAMS[program] * RATE)), 15))


def observe(layer, class_dir, program, heap, options, agent=False):
    shape = ["--live", f"{LIVE}B", "--rate", f"{RATE}B", "--replace", str(PROGRAMS[program])]
    with Churn(layer, class_dir, heap, shape, agent) as jvm:
        jvm.warm_up(12, 3 if options.quick else 10)
        report = settled(jvm, 10 if options.quick else 45) if agent else None
        figures = jvm.measure(window(program, heap, options))
        if agent:
            figures["report"] = report
    figures["work_held"] = figures["ops"] * OBJECTS * OBJECT / RATE
    figures["heap"] = heap
    return figures


def family(layer, class_dir, program, options):
    """All heaps for one program; the largest first, with the agent."""
    heaps = [int(LIVE * times) // (2 * MIB) * 2 * MIB for times in (HEAPS[::2] if options.quick else HEAPS)]
    runs = [observe(layer, class_dir, program, heap, options, agent=heap == heaps[-1]) for heap in reversed(heaps)]
    middle = runs[len(runs) // 2]
    middle["again"] = observe(layer, class_dir, program, middle["heap"], options)["cost"]
    largest = runs[0]
    curve = largest["report"]["curve"]
    for run in runs:
        price = evaluate(curve, run["heap"])
        run["saturated"] = run["work_held"] < WORK_DONE
        run["predicted"] = None if price is None else largest["cost"] + price - evaluate(curve, largest["heap"])
        known = price is not None and not run["saturated"] and run is not largest
        run["error"] = abs(run["predicted"] - run["cost"]) / run["cost"] if known else None
    return runs


def show(layer, program, runs):
    print(f"\n{layer.name}, {program} (the same heap twice: {noise(runs):.0%} apart)", flush=True)
    table(["heap", "GC CPU", "stopped", "cost", "predicted", "error", "work held"],
          [[pieces(run["heap"]), run["gc_cpu"], run["stalled_seconds"], run["cost"],
            "below floor" if run["predicted"] is None else run["predicted"],
            "-" if run["error"] is None else f"{run['error']:.0%}",
            f"{run['work_held']:.0%}" + (" saturated" if run["saturated"] else "")] for run in runs])


def summary(runs_of):
    """{collector: errors}; the largest heap itself is no prediction."""
    figures = {}
    for collector in sorted({layer.rsplit("_", 1)[0] for layer, _ in runs_of}):
        runs = [run for (layer, _), family_ in runs_of.items() if layer.startswith(collector + "_") for run in family_[1:]]
        errors = [run["error"] for run in runs if run["error"] is not None]
        figures[collector] = {
            "relative_error": statistics.median(errors) if errors else None, "errors": spread(errors) if errors else None,
            "floor_too_high": sum(run["predicted"] is None and not run["saturated"] for run in runs),
            "floor_too_low": sum(run["predicted"] is not None and run["saturated"] for run in runs), "heaps": len(runs)}
    return figures


def main():
    options = arguments(__doc__)
    runs_of = {}
    with classes() as class_dir:
        for layer in layers(options):
            for program in list(PROGRAMS)[:1 if options.quick else None]:
                runs_of[layer.name, program] = family(layer, class_dir, program, options)
                show(layer, program, runs_of[layer.name, program])
    figures = summary(runs_of)
    print("\nRelative error of the predicted cost")
    table(["collector", "min", "median", "max", "heaps", "floor too high", "floor too low"],
          [[name, *(f"{figure['errors'][key]:.0%}" if figure["errors"] else "-" for key in ("min", "median", "max")),
            figure["heaps"], figure["floor_too_high"], figure["floor_too_low"]] for name, figure in figures.items()])
    order = ranking(list(runs_of.values()))
    print(f"Of two JVMs the one cheaper by its curve was the cheaper in {order['right']} of {order['pairs']} pairs whose true "
          f"costs differ by more than noise, in {order['right_of_all']} of all {order['all_pairs']}.")
    for pair in order["wrong"]:
        print(f"  wrong: measured {pair['true'][0]:.4f} and {pair['true'][1]:.4f}, foretold {pair['said'][0]:.4f} and "
              f"{pair['said'][1]:.4f}, noise {pair['doubt']:.4f}")
    figures["ranking"] = order
    figures["runs"] = {f"{layer} {program}": runs for (layer, program), runs in runs_of.items()}
    write_json(options, "prediction", figures)


if __name__ == "__main__":
    main()
