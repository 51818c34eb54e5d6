"""What a run has shown: tables in markdown, charts, and figures for machines."""

import os
import statistics

from consolidation import judge, plot
from consolidation.plan import MIB
from consolidation.search import edge

HEAD = ("system", "budget", "runs", "throughput", "p99 (worst service)", "of it allowed", "p50 / p99 / p99.9 ms of that service",
        "OOM kills", "OOM errors", "GC CPU", "CPU of others", "memory mean / peak MiB", "above budget", "verdict")

SAID = {"good": "good", "performs": "performs, not held", "lasts": "does its work"}  # the first that is true


def markdown(head, rows):
    return "\n".join(["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)])


def middle(cells, of):
    return statistics.median(of(cell) for cell in cells)


def ratio(value):
    return "died" if value == float("inf") else f"{value:.2f}"


def row(system, share, cells, verdict):
    hurt = verdict["p99_hurt"]
    seen = [middle(cells, lambda cell, key=key: cell["services"][hurt][key]) for key in ("p50_ms", "p99_ms", "p999_ms")]
    said = next((words for key, words in SAID.items() if verdict[key]), "no")
    return [system, f"{share:.0%}", str(len(cells)), f"{verdict['throughput_ratio']:.3f}",
            f"{ratio(verdict['p99_ratio'])} ({hurt})", f"{verdict['p99_allowed']:.2f}", " / ".join(f"{one:.1f}" for one in seen),
            str(sum(cell["oom_kills"] for cell in cells)), str(sum(cell["oome"] for cell in cells)),
            f"{middle(cells, lambda cell: cell['gc_cpu']):.3f}", f"{middle(cells, lambda cell: cell.get('others_cpu', 0.0)):.2f}",
            f"{middle(cells, lambda cell: cell['memory']['mean']) / MIB:.0f} / "
            f"{middle(cells, lambda cell: cell['memory']['peak']) / MIB:.0f}", f"{verdict['above_share']:.0%}", said]


def smallest(verdicts, system, what):
    """The smallest budget from which on all larger ones tried satisfy; None if there is none."""
    goods = {share: verdict[what] for (name, share), verdict in verdicts.items() if name == system}
    return edge(goods)[0] if goods else None


def unlimited_text(cells, against, footprint):
    lines = [f"Unlimited, {len(cells)} runs: the services hold {footprint / MIB:.0f} MiB at most, each at its own peak; together "
             f"{middle(cells, lambda cell: cell['memory']['mean']) / MIB:.0f} MiB on average, "
             f"{max(cell['memory']['peak'] for cell in cells) / MIB:.0f} MiB at most. "
             f"CPU {middle(cells, lambda cell: cell['cpu']):.2f} cores, "
             f"of it GC {middle(cells, lambda cell: cell['gc_cpu']):.3f}; "
             f"others on this machine {middle(cells, lambda cell: cell.get('others_cpu', 0.0)):.2f}.", ""]
    rows = []
    for name in against.p99:
        seen = [middle(cells, lambda cell, name=name, key=key: cell["services"][name][key])
                for key in ("p50_ms", "p99_ms", "p999_ms")]
        rows.append([name, f"{middle(cells, lambda cell, name=name: cell['services'][name]['due']):.0f}",
                     *(f"{one:.2f}" for one in seen), f"{against.allowed[name]:.2f}",
                     f"{middle(cells, lambda cell, name=name: cell['memory']['each'][name]['peak']) / MIB:.0f}"])
    head = ("service", "requests", "p50 ms", "p99 ms", "p99.9 ms", "p99 allowed (× its median)", "peak MiB")
    return "\n".join([*lines, markdown(head, rows)])


def text(state, verdicts, against, footprint, systems):
    """The whole report."""
    parts = [unlimited_text(state.of("unlimited", None), against, footprint), ""]
    rows = [row(system, share, state.of(system, share), verdicts[system, share])
            for system in systems for share in sorted((one for name, one in verdicts if name == system), reverse=True)]
    parts += [markdown(HEAD, rows), ""] if rows else []
    edges = [[system, percent(smallest(verdicts, system, "good")), percent(smallest(verdicts, system, "performs")),
              percent(smallest(verdicts, system, "lasts"))]
             for system in systems if any(name == system for name, _ in verdicts)]
    parts += [markdown(("system", "smallest good budget", "smallest at which it performs, held or not",
                        "smallest at which it does its work, and is held"), edges)] if edges else []
    return "\n".join(parts)


def percent(share):
    return "none of those tried" if share is None else f"{share:.0%}"


def figures(state, verdicts, against, footprint, systems):
    """For machines: `systems.NAME.BUDGET.{…}`, `smallest_budget.NAME`."""
    by_system = {}
    for (system, share), verdict in verdicts.items():
        cells = state.of(system, share)
        by_system.setdefault(system, {})[f"{share:.3g}"] = {
            **{key: value for key, value in verdict.items() if key != "p99_ratios"},
            "p99_ratio": None if verdict["p99_ratio"] == float("inf") else verdict["p99_ratio"],
            "oom_kills": sum(cell["oom_kills"] for cell in cells), "oome": sum(cell["oome"] for cell in cells),
            "bytes_used": middle(cells, lambda cell: cell["memory"]["mean"])}
    return {"systems": by_system, "smallest_budget": {system: smallest(verdicts, system, "good") for system in by_system},
            "smallest_budget_that_lasts": {system: smallest(verdicts, system, "lasts") for system in by_system},
            "smallest_budget_not_held": {system: smallest(verdicts, system, "performs") for system in by_system},
            "footprint_bytes": footprint, "p99_allowed": against.allowed, "rates": state.calibration, "cells": state.cells}


def charts(state, verdicts, footprint, systems):
    """{file name: SVG}."""
    def lines(of):
        return {system: [(100 * share, of(system, share)) for name, share in verdicts if name == system] for system in systems
                if any(name == system for name, _ in verdicts)}

    across = "budget, % of the memory unlimited"
    mean = lines(lambda system, share: 100 * middle(state.of(system, share), lambda cell: cell["memory"]["mean"]) / footprint)
    drawn = {"throughput.svg": plot.chart("Throughput", across, "of unlimited",
                                          lines(lambda *key: verdicts[key]["throughput_ratio"]), mark=1 - judge.THROUGHPUT_LOSS),
             "p99.svg": plot.chart("p99 of the service hurt most", across, "× unlimited",
                                   lines(lambda *key: verdicts[key]["p99_ratio"]), logarithmic=True, mark=1 + judge.LATENCY_LOSS),
             "memory.svg": plot.chart("Memory held on average", across, "% of the memory unlimited", mean)}
    return {name: svg for name, svg in drawn.items() if svg}


def write(directory, words, drawings):
    os.makedirs(directory, exist_ok=True)
    pictures = "\n".join(f"![{name[:-4]}]({name})" for name in drawings)
    for name, content in {"consolidation.md": f"{words}\n\n{pictures}\n", **drawings}.items():
        with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
            file.write(content)
