"""Which cell is next: first the given budgets, then each system's edge. Pure, so that an interrupted run goes on by itself."""

import math
from collections import namedtuple

Cell = namedtuple("Cell", "system share run")

EVERYTHING = 1.0  # as much memory as unlimited is taken to be enough
EPSILON = 1e-6


def edge(goods):
    """(the smallest budget from which on all larger ones are good, the next smaller one, which is not). Either may be None: no
    budget tried is good, or none is not."""
    best = None
    for share in sorted(goods, reverse=True):
        if not goods[share]:
            return best, share
        best = share
    return best, None


def bisected(goods, finest):
    """The budget to try next for one system; None when its edge is known to `finest`."""
    best, worst = edge(goods)
    if worst is None:
        lower = round(best - finest, 4)
        return lower if lower > EPSILON else None
    best = EVERYTHING if best is None else best
    if best - worst <= finest + EPSILON:
        return None
    # On the grid of `finest`, in the middle.
    steps = round((best - worst) / finest)
    return round(worst + max(1, steps // 2) * finest, 4)


def at_edge(goods):
    """The budgets on both sides of the edge: what is repeated there decides."""
    return [share for share in edge(goods) if share is not None]


def next_cell(runs, goods, systems, shares, plan):
    """The next cell, None when all is done. `runs`: {(system, share): how many were finished}, `goods`: {system: {share: bool}},
    unlimited's runs stand under share None."""
    done = runs.get(("unlimited", None), 0)
    if done < plan.runs:
        return Cell("unlimited", None, done)
    for share in shares:
        for system in systems:
            if not runs.get((system, share)):
                return Cell(system, share, 0)
    for system in systems:
        share = bisected(goods[system], plan.finest)
        if share is not None:
            return Cell(system, share, 0)
        for share in at_edge(goods[system]):
            if runs[(system, share)] < plan.runs:
                return Cell(system, share, runs[(system, share)])
    return None


def cells_left(runs, goods, systems, shares, plan):
    """At most about so many cells from here: bisecting halves, and an edge has two sides."""
    if next_cell(runs, goods, systems, shares, plan) is None:
        return 0
    left = max(0, plan.runs - runs.get(("unlimited", None), 0))
    left += sum(not runs.get((system, share)) for system in systems for share in shares)
    for system in systems:
        known = goods.get(system, {})
        best, worst = edge(known)
        below = worst if worst is not None else min(known, default=min(shares)) - plan.finest
        gap = (EVERYTHING if best is None else best) - below if known else 0.15
        left += math.ceil(math.log2(max(1, round(gap / plan.finest))))
        left += sum(max(0, plan.runs - runs.get((system, share), 0)) for share in at_edge(known))
        left += 0 if known else 2 * (plan.runs - 1)
    return max(1, left)
