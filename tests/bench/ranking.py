"""Of two JVMs, which is hurt less by giving? How often curves name it, where the truth itself is more than noise.

A run is a dictionary of prediction.py: `cost` measured, `predicted`, `error` (None: nothing to compare), and `again`, the cost
of the same heap measured once more (A/A), where that was done. A family is the runs of one program on one collector, the
largest heap first. A cost of None: the program died there.
"""

import itertools


def noise(family):
    """Of a cost of this family: the share by which two measurements of the same heap differ. None: none was repeated."""
    shares = [abs(run["again"] - run["cost"]) / max((run["again"] + run["cost"]) / 2, 1e-9)
              for run in family if run.get("again") is not None and run["cost"] is not None]
    return max(shares) if shares else None


def truth(run):
    return run["cost"] if run.get("again") is None else (run["cost"] + run["again"]) / 2


def rise(family, run, said=False):
    """What a heap costs more than the largest: measured, or as the curve said."""
    return run["predicted"] - family[0]["cost"] if said else truth(run) - truth(family[0])


def doubt(family, run, share):
    """By how much a measured rise may be off: both costs that it is the difference of."""
    return share * (truth(run) + truth(family[0]))


def pairs(families):
    """Each pair of JVMs that give the same share of their heaps. `told`: their truths differ by more than noise."""
    # Where nothing was repeated, the noisiest of the others stands for it.
    known = [one for one in map(noise, families) if one is not None]
    for one, other in itertools.combinations(families, 2):
        for a, b in zip(one[1:], other[1:]):
            if a["error"] is None or b["error"] is None:
                continue
            true = rise(one, a), rise(other, b)
            said = rise(one, a, said=True), rise(other, b, said=True)
            off = sum(doubt(family, run, max(known, default=0) if noise(family) is None else noise(family))
                      for family, run in ((one, a), (other, b)))
            yield {"right": said[0] != said[1] and (true[0] < true[1]) == (said[0] < said[1]),
                   "told": abs(true[0] - true[1]) > off, "true": true, "said": said, "doubt": off}


def ranking(families):
    """Both counts: of pairs that the truth tells apart, and of all."""
    every = list(pairs(families))
    told = [pair for pair in every if pair["told"]]
    right = sum(pair["right"] for pair in told)
    return {"right": right, "pairs": len(told), "share": right / len(told) if told else None,
            "right_of_all": sum(pair["right"] for pair in every), "all_pairs": len(every),
            "wrong": [pair for pair in told if not pair["right"]],
            "noise": [noise(family) for family in families]}
