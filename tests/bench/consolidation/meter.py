"""What processes hold, sampled from outside all through a day."""

import os
import statistics
import sys

from common import ROOT

sys.path[:0] = [os.path.join(ROOT, "tests", "soak"), os.path.join(ROOT, "tests", "bench")]

from heap_pages import heap_file  # noqa: E402
from java_service import process_memory  # noqa: E402
from process import Sampler  # noqa: E402

EVERY_SECONDS = 0.25


class Held:
    """What one process holds: its anonymous memory and, where a file is its heap, that file's blocks. Pages of files that it
    shares with others count with its share of them, as it was in the beginning: a look at that takes the kernel long."""

    def __init__(self, pid):
        self.pid = pid
        try:
            self._heap_file = heap_file(pid)
            self._files = process_memory(pid, "Pss_File")
        except (OSError, ValueError):  # it has ended
            self._heap_file, self._files = None, 0

    def bytes(self):
        try:
            with open(f"/proc/{self.pid}/status", encoding="ascii", errors="replace") as file:
                anonymous = next((int(line.split()[1]) for line in file if line.startswith("RssAnon:")), 0) * 1024
            blocks = os.stat(self._heap_file).st_blocks * 512 if self._heap_file else 0
        except OSError:
            return 0
        return anonymous + blocks + self._files if anonymous else 0


class Meter(Sampler):
    """Samples all processes while a with statement lasts."""

    def __init__(self, processes):
        self._held = {name: [Held(pid) for pid in pids] for name, pids in processes.items()}
        self.samples = {name: [] for name in processes}
        super().__init__(EVERY_SECONDS, self._sample)

    def _sample(self):
        for name, held in self._held.items():
            self.samples[name].append(sum(one.bytes() for one in held))

    def figures(self, budget):
        return summary(self.samples, budget)


def summary(samples, budget):
    """Mean, peak and the share of time above the budget, of all together; and each one's mean and peak."""
    totals = [sum(at) for at in zip(*samples.values())]
    above = [max(0, total - budget) for total in totals] if budget else [0]
    return {"mean": int(statistics.mean(totals)), "peak": max(totals), "above_share": sum(map(bool, above)) / len(above),
            "most_above": max(above), "each": {name: {"mean": int(statistics.mean(seen)), "peak": max(seen)}
                                               for name, seen in samples.items()}}
