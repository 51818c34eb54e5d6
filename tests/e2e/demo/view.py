"""What the demo shows while it runs: a table and a line with the time left; redrawn on a terminal, now and then elsewhere."""

import shutil
import sys
import time

from roles import PHASES

PLAIN_INTERVAL = 5.0
LIVE_INTERVAL = 1.0


class View:
    def __init__(self, title, fleet, rest_seconds):
        self.title, self.fleet, self.rest = title, fleet, rest_seconds
        self.live = sys.stdout.isatty()
        self._next = 0.0
        self._drawn = 0

    def tick(self, elapsed, total, phase):
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + (LIVE_INTERVAL if self.live else PLAIN_INTERVAL)
        lines = self._table(phase) + ["", self._progress(elapsed, total, phase)]
        if not self.live:
            print("\n".join(lines) + "\n", flush=True)
            return
        width = shutil.get_terminal_size().columns
        up = f"\x1b[{self._drawn}A" if self._drawn else ""
        print(up + "".join(f"\x1b[K{line[:width - 1]}\n" for line in lines) + "\x1b[J", end="", flush=True)
        self._drawn = len(lines)

    def finish(self):
        if self.live:
            print(flush=True)

    def _progress(self, elapsed, total, phase):
        filled = int(30 * elapsed / total)
        left = total - elapsed + self.rest
        return f"[{'#' * filled}{'.' * (30 - filled)}] {self.title}: roles {phase + 1} of {len(PHASES)}, about {left:.0f} s left in all"

    def _table(self, phase):
        roles = "   ".join(f"{name}: {role}" for name, role in PHASES[phase].items())
        if not self.fleet.aerostat:
            return [roles] + [f"  {name:<10}{text}" for name, text in self.fleet.work().items()]
        code, out, err = self.fleet.tool.run("top", "--once", "--work", self.fleet.work_file, within=10)
        return [roles] + (out if code == 0 else err).rstrip("\n").split("\n")
