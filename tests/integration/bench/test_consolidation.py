#!/usr/bin/env python3
"""The arithmetic of the bench `consolidation`: which cell is next, what is good, what is kept; and when its requests are due."""

import os
import random
import subprocess
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TESTS, "support"), os.path.join(TESTS, "bench")]

from checks import Skip, expect, run_all  # noqa: E402
from consolidation import judge, meter, plan, plot, report, search, systems  # noqa: E402
from consolidation.cell import Base, adjusted, base_of, due  # noqa: E402
from consolidation.state import OtherRun, State  # noqa: E402
from harness import Trouble, jdks  # noqa: E402

MIB = 1 << 20
PLAN = plan.FULL._replace(runs=3, finest=0.05)


def service(p99, ops=100, died=""):
    return {"ops": ops, "due": 100, "p50_ms": 1.0, "p99_ms": p99, "p999_ms": p99, "died": died}


def cell(web=10.0, batch=100.0, above=0.0, **others):
    return {"services": {"web": service(web), "batch": service(batch)}, "oom_kills": 0, "oome": 0, "other_deaths": 0,
            "memory": {"above_share": above, "mean": 0, "peak": 0}, "gc_cpu": 0, **others}


UNLIMITED = [cell(10, 100), cell(9, 100), cell(10.5, 150)]


def searched(sufficient, names, plan_=PLAN):
    """Plays a whole run in which a system is good from `sufficient[name](run)` on; returns {system: its edge}, and the cells."""
    runs, results, played = {}, {name: {} for name in names}, []
    while True:
        goods = {name: {share: sorted(seen)[len(seen) // 2] for share, seen in of.items()} for name, of in results.items()}
        left = search.cells_left(runs, goods, names, plan.SHARES, plan_)
        following = search.next_cell(runs, goods, names, plan.SHARES, plan_)
        if following is None:
            expect(left == 0, f"{left} cells left when all is done")
            return {name: search.edge(goods[name])[0] for name in names}, played
        expect(left > 0, f"nothing left before {following}")
        played.append(following)
        expect(len(played) < 500, "no end")
        runs[following.system, following.share] = runs.get((following.system, following.share), 0) + 1
        if following.share:
            good = following.share >= sufficient[following.system](following.run)
            results[following.system].setdefault(following.share, []).append(good)


def bisects_to_the_edge():
    for enough in (0.05, 0.2, 0.31, 0.40, 0.45, 0.55, 0.6, 0.7, 0.75, 0.85, 0.94):
        found, played = searched({"one": lambda _: enough}, ["one"])
        exact = next(share / 100 for share in range(5, 105, 5) if share / 100 >= enough - 1e-9)
        right = found["one"] is None if exact > 0.95 else abs(found["one"] - exact) < 1e-6
        expect(right, f"{enough}: {found['one']}, not {exact}")
        expect(played[:3] == [search.Cell("unlimited", None, run) for run in range(3)], "unlimited is not measured first")


def repeats_at_the_edge_only():
    _, played = searched({"one": lambda _: 0.5}, ["one"])
    often = {share: sum(one.share == share for one in played) for share in {one.share for one in played if one.share}}
    expect(often == {0.75: 1, 0.6: 1, 0.5: 3, 0.45: 3, 0.4: 1}, f"runs of each budget: {often}")


def noise_at_the_edge_ends_all_the_same():
    chance = random.Random(7)
    for _ in range(200):
        searched({"a": lambda _: 0.5 + chance.choice((-0.2, 0, 0.2)), "b": lambda _: chance.random()}, ["a", "b"])


def a_gap_in_the_middle_is_the_edge():
    expect(search.edge({0.75: True, 0.6: False, 0.5: True}) == (0.75, 0.6), "a good budget below a bad one was believed")
    expect(search.edge({0.75: False}) == (None, 0.75) and search.edge({0.4: True}) == (0.4, None), "one side only")


def going_on_is_like_going_through():
    """Whatever is finished, the next cell is the one that would have come anyway."""
    _, played = searched({"a": lambda _: 0.45, "b": lambda _: 0.62}, ["a", "b"])
    for cut in range(len(played)):
        runs, goods = {}, {"a": {}, "b": {}}
        for one in played[:cut]:
            runs[one.system, one.share] = runs.get((one.system, one.share), 0) + 1
            if one.share:
                goods[one.system][one.share] = one.share >= {"a": 0.45, "b": 0.62}[one.system]
        expect(search.next_cell(runs, goods, ["a", "b"], plan.SHARES, PLAN) == played[cut], f"after {cut} cells another one")


def p99_may_vary_as_unlimited_does():
    against = judge.reference(UNLIMITED)
    expect(abs(against.allowed["web"] - 1.1) < 1e-9 and abs(against.allowed["batch"] - 1.5) < 1e-9, f"{against.allowed}")
    expect(judge.verdict([cell(10.9, 149)], against)["good"], "within the spread is good")
    worse = judge.verdict([cell(11.2, 100)], against)
    expect(not worse["good"] and worse["p99_hurt"] == "web", f"web is the one hurt: {worse}")
    expect(judge.verdict([cell(11.2, 149)], against)["p99_hurt"] == "web", "hurt is measured by what is allowed")


def the_run_in_the_middle_decides():
    against = judge.reference(UNLIMITED)
    expect(judge.verdict([cell(10), cell(30), cell(10.5)], against)["good"], "one bad run of three")
    expect(not judge.verdict([cell(10), cell(30), cell(30)], against)["good"], "two bad runs of three")


def what_died_or_was_not_held_is_not_good():
    against = judge.reference(UNLIMITED)
    expect(not judge.verdict([cell(oom_kills=1)], against)["good"], "an OOM kill")
    expect(not judge.verdict([cell(oome=1)], against)["performs"], "an OutOfMemoryError")
    above = judge.verdict([cell(above=0.2)], against)
    expect(above["performs"] and not above["good"], "a budget exceeded a fifth of the time was not held")
    slow = judge.verdict([cell(30)], against)
    expect(slow["lasts"] and not slow["performs"], "slow, but all work was done")
    expect(not above["lasts"] and not judge.verdict([cell(oome=1)], against)["lasts"], "not held, or somebody died")
    dead = cell()
    dead["services"]["web"] = service(0.0, ops=20, died="killed")
    found = judge.verdict([dead], against)
    expect(found["p99_ratio"] == float("inf") and found["p99_hurt"] == "web", "who died looks quick")
    expect(not found["lasts"], "work was left undone")
    expect(abs(found["throughput_ratio"] - 0.6) < 1e-9, f"throughput {found['throughput_ratio']}: both count alike")


def memory_above_the_budget_is_time():
    seen = meter.summary({"a": [100, 200, 300, 400], "b": [0, 0, 100, 0]}, 350)
    expect((seen["mean"], seen["peak"], seen["above_share"], seen["most_above"]) == (275, 400, 0.5, 50), f"{seen}")
    expect(meter.summary({"a": [1]}, 0)["above_share"] == 0, "unlimited is never above")


def budgets_are_shared_out_whole():
    base = Base(1536 * MIB, {"a": 300 * MIB, "b": 100 * MIB}, {"a": 60 * MIB, "b": 40 * MIB})
    heaps = [systems.static_proportional(base, name, 500 * MIB)[1] for name in ("a", "b")]
    expect(heaps == ["-Xmx300m", "-Xmx100m"], f"in proportion: {heaps}")
    expect(systems.static_equal(base, "a", 500 * MIB)[1] == "-Xmx200m", "equal")
    expect(systems.static_equal(base, "a", 50 * MIB)[1] == "-Xmx16m", "no heap of nothing")
    for system in systems.SYSTEMS.values():
        heap = system.heaps(base, "b", 400 * MIB)
        expect(any("Use" in option for option in heap), f"{system.name} leaves the collector to the JVM")


def rates_follow_what_a_request_costs():
    cores = plan.BUSY_CORES * os.cpu_count()
    expect(adjusted({"a": 100}, {"a": cores}, {"a": 300}) == {"a": 300}, "the share was met by 300")
    expect(adjusted({"a": 100}, {"a": 1e-9}, {"a": 300}) == {"a": 800}, "no more than eight times at once")
    every = {name: 100 for name in plan.SERVICES}
    expect(due("web", every, 10) == 1000 + 150 + 100 and due("batch", every, 10) == 1000, "what is due in a day")
    unlimited = [{"memory": {"each": {name: {"peak": peak} for name in plan.SERVICES}},
                  "outside": {name: 20 for name in plan.SERVICES}} for peak in (90 * MIB, 100 * MIB)]
    expect(base_of(plan.FULL, unlimited)[1] == 100 * MIB * len(plan.SERVICES), "the largest of each counts")


def finished_cells_outlive_a_torn_line():
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "state")
        state = State(path, {"plan": 1})
        state.add({"calibration": {"web": 5}})
        state.add({"cell": {"system": "price", "share": 0.6}})
        with open(path, "a", encoding="utf-8") as file:
            file.write('{"cell": {"system": "price", "sha')
        again = State(path, {"plan": 1})
        expect(again.runs() == {("price", 0.6): 1} and again.calibration == {"web": 5}, f"{again.cells}")
        again.add({"cell": {"system": "price", "share": 0.6}})
        expect(State(path, {"plan": 1}).runs() == {("price", 0.6): 2}, "a cell after the torn line was lost")
        try:
            State(path, {"plan": 2})
        except OtherRun as why:
            expect("--fresh" in str(why), "it does not say what to do")
        else:
            raise AssertionError("cells of another run were taken")


def reports_and_charts_show_every_system():
    state = State(None, {})
    for share, p99 in ((0.75, 10.0), (0.6, 40.0)):
        state.add({"cell": {"system": "price", "share": share, **cell(p99)}})
    for one in UNLIMITED:
        memory = {"mean": 1, "peak": 2, "above_share": 0, "each": {name: {"peak": 1} for name in ("web", "batch")}}
        state.add({"cell": {"system": "unlimited", "share": None, **one, "cpu": 1.0, "memory": memory}})
    against = judge.reference(state.of("unlimited", None))
    verdicts = {key: judge.verdict(state.of(*key), against) for key in state.runs() if key[1]}
    words = report.text(state, verdicts, against, 100, ["price"])
    expect("| price | 75% | 75% | 60% |" in words, words)  # at 60 % too slow, but its work was done
    expect(report.figures(state, verdicts, against, 100, ["price"])["smallest_budget"] == {"price": 0.75}, "for machines")
    charts = report.charts(state, verdicts, 100, ["price"])
    for name in ("throughput.svg", "p99.svg"):
        expect("<polyline" in charts[name] and "price" in charts[name], f"{name} does not show it")
    expect(plot.chart("t", "x", "y", {"a": [(1, float("inf"))]}) == "", "a chart of nothing")


SCHEDULE_PROBE = """
public class ScheduleProbe {
    public static void main(String[] words) {
        Schedule day = Schedule.of(words, 0);
        StringBuilder due = new StringBuilder();
        for (long at = day.take(); at != Long.MAX_VALUE; at = day.take()) {
            due.append((at - day.began()) / 1_000_000).append(' ');
        }
        System.out.println(due);
        for (long seconds = 0; seconds < 4; seconds++) {
            System.out.println(day.dueBy(day.began() + seconds * 1_000_000_000L + 1));
        }
    }
}
"""


def requests_are_due_when_the_day_says():
    try:
        home = min(jdks().items())[1]
    except Trouble as why:
        raise Skip(str(why)) from why
    with tempfile.TemporaryDirectory() as directory:
        source = os.path.join(directory, "ScheduleProbe.java")
        with open(source, "w", encoding="utf-8") as file:
            file.write(SCHEDULE_PROBE)
        subprocess.run([os.path.join(home, "bin", "javac"), "-d", directory, source,
                        os.path.join(TESTS, "workloads", "programs", "Schedule.java")], check=True)
        out = subprocess.run([os.path.join(home, "bin", "java"), "-cp", directory, "ScheduleProbe", "4:1", "0:1", "2:1"],
                             check=True, capture_output=True, text=True).stdout.split("\n")
    expect(out[0].split() == ["0", "250", "500", "750", "2000", "2500"], f"due at {out[0]} ms")
    expect(out[1:5] == ["1", "4", "5", "6"], f"due after whole seconds: {out[1:5]}")


TESTS_HERE = (
    ("bisecting finds each edge to its finest step", bisects_to_the_edge),
    ("both sides of an edge are repeated, and nothing else", repeats_at_the_edge_only),
    ("the search ends also where the edge is noise", noise_at_the_edge_ends_all_the_same),
    ("a good budget below a bad one is luck", a_gap_in_the_middle_is_the_edge),
    ("an interrupted run goes on with the cell that would have been next", going_on_is_like_going_through),
    ("a p99 may vary as much as unlimited's own", p99_may_vary_as_unlimited_does),
    ("of several runs the one in the middle decides", the_run_in_the_middle_decides),
    ("who died, or did not hold the budget, is not good", what_died_or_was_not_held_is_not_good),
    ("memory above the budget counts by time", memory_above_the_budget_is_time),
    ("a budget is shared out whole among heaps and what is beside them", budgets_are_shared_out_whole),
    ("rates follow what a request costs", rates_follow_what_a_request_costs),
    ("finished cells outlive a torn line, and only those of the same run count", finished_cells_outlive_a_torn_line),
    ("reports and charts show every system", reports_and_charts_show_every_system),
    ("requests are due when the day says", requests_are_due_when_the_day_says),
)

if __name__ == "__main__":
    sys.exit(run_all(TESTS_HERE))
