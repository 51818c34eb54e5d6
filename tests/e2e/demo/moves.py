"""Collects hostd's operations while the demo runs; the daemon itself keeps only the last ones."""

import statistics
import threading

from harness import Trouble


class Moves:
    def __init__(self, tool):
        self._tool = tool
        self._ended = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self):
        while not self._stop.wait(1.0):
            self._take()

    def _take(self):
        try:
            code, document = self._tool.json("ops", within=10)
        except (Trouble, OSError):
            return
        if code == 0:
            for operation in document.get("operations", []):
                if not operation["running"]:
                    self._ended[operation["op"]] = operation

    def finish(self):
        """All operations that ended, oldest first."""
        self._stop.set()
        self._thread.join(15)
        self._take()
        return list(self._ended.values())


def moved_bytes(operations):
    """What was really taken from somebody, as verified from outside."""
    return sum(operation["verified"] for operation in operations if is_shrink(operation))


def is_shrink(operation):
    """hostd verifies what is taken; an operation that only gives has nothing to verify."""
    return operation["command"] in ("balance", "squeeze") and operation.get("verified", 0) > 0


def decision_to_verified(operations):
    """Milliseconds from decision to verified for each move that was met."""
    times = sorted(operation["elapsed_ms"] for operation in operations if is_shrink(operation) and operation["reason"] == "met")
    return {"median": statistics.median(times) if times else None, "max": times[-1] if times else None, "moves": len(times)}
