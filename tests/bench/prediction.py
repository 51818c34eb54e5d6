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


def settled(guestd, work, at_most):
    """The report whose curve is sure and has stopped moving, or the last one: the agent's averages reach over a minute.
    work(seconds): that many of the program's ordinary life."""
    before = guestd.wait_report()
    for _ in range(int(at_most / 5)):
        work(5)
        now = guestd.wait_report()
        middle = (now["curve"][0][0] + now["curve"][-1][0]) / 2
        then, cost = evaluate(before["curve"], middle), evaluate(now["curve"], middle)
        sure = now.get("curve_seen_ms", 0) >= SURE_MS
        if sure and then is not None and abs(cost - then) <= 0.03 * cost:
            return now
        before = now
    return before


def window(program, heap, options):
    """Seconds in which the old generation should fill up three times, and a heap of whole cycles ten times, within bounds: of four
    collections one more or less is a quarter of the cost."""
    if options.quick:
        return 3
    room = heap - LIVE
    return round(min(max(10, 10 * room / RATE, 3 * room / 2 / (PROGRAMS[program] * RATE)), 40))


def observe(layer, class_dir, program, heap, options, agent=False):
    shape = ["--live", f"{LIVE}B", "--rate", f"{RATE}B", "--replace", str(PROGRAMS[program])]
    with Churn(layer, class_dir, heap, shape, agent) as jvm:
        jvm.warm_up(12, 3 if options.quick else 10)
        at_most = 10 if options.quick else 45
        report = settled(jvm.guestd, lambda seconds: jvm.service.tell(f"measure {seconds}"), at_most) if agent else None
        figures = jvm.measure(window(program, heap, options))
        if agent:
            figures["report"] = report
    figures["work_held"] = figures["ops"] * OBJECTS * OBJECT / RATE
    figures["heap"] = heap
    return figures


def sizes(live, quick):
    """The heaps of a family, as the JVM rounds them, the largest first."""
    return [int(live * times) // (2 * MIB) * 2 * MIB for times in reversed(HEAPS[::2] if quick else HEAPS)]


def family(heaps, observe_one):
    """Runs of one program in these heaps, the largest first, and in it the agent: observe_one(heap, with the agent)."""
    runs = [observe_one(heap, heap == heaps[0]) for heap in heaps]
    middle = runs[len(runs) // 2]
    middle["again"] = observe_one(middle["heap"], False)["cost"]
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
    apart = noise(runs)
    print(f"\n{layer.name}, {program} (the same heap twice: {'-' if apart is None else f'{apart:.0%}'} apart)", flush=True)
    table(["heap", "GC CPU", "stopped", "cost", "predicted", "error", "work held"],
          [[pieces(run["heap"]), *("-" if run[key] is None else run[key] for key in ("gc_cpu", "stalled_seconds", "cost")),
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


def conclude(options, name, runs_of):
    """The tables over all families {(layer's name, program): runs}, and the file."""
    figures = summary(runs_of)
    print("\nRelative error of the predicted cost")
    table(["collector", "min", "median", "max", "heaps", "floor too high", "floor too low"],
          [[collector, *(f"{figure['errors'][key]:.0%}" if figure["errors"] else "-" for key in ("min", "median", "max")),
            figure["heaps"], figure["floor_too_high"], figure["floor_too_low"]] for collector, figure in figures.items()])
    order = ranking(list(runs_of.values()))
    print(f"Of two JVMs the one cheaper by its curve was the cheaper in {order['right']} of {order['pairs']} pairs whose true "
          f"costs differ by more than noise, in {order['right_of_all']} of all {order['all_pairs']}.")
    for pair in order["wrong"]:
        print(f"  wrong: measured {pair['true'][0]:.4f} and {pair['true'][1]:.4f}, foretold {pair['said'][0]:.4f} and "
              f"{pair['said'][1]:.4f}, noise {pair['doubt']:.4f}")
    figures["ranking"] = order
    figures["runs"] = {f"{layer} {program}": runs for (layer, program), runs in runs_of.items()}
    write_json(options, name, figures)


def main():
    options = arguments(__doc__)
    runs_of = {}
    with classes() as class_dir:
        for layer in layers(options):
            for program in list(PROGRAMS)[:1 if options.quick else None]:
                def observe_one(heap, agent, layer=layer, program=program):
                    return observe(layer, class_dir, program, heap, options, agent)
                runs_of[layer.name, program] = family(sizes(LIVE, options.quick), observe_one)
                show(layer, program, runs_of[layer.name, program])
    conclude(options, "prediction", runs_of)


if __name__ == "__main__":
    main()
