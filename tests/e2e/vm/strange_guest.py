"""A guest whose daemon is none of ours: a test speaks in its place, from inside the guest, through the real channel."""

import json
import threading

from aerowire import encode
from domain import HOST_PORT
from harness import MIB, Trouble

# The port opens once, and says "end" while no host is attached.
RELAY = f"exec 3<>/dev/virtio-ports/{HOST_PORT}; while :; do cat <&3; usleep 20000; done & exec cat >&3"
FACTS = {"java_version": "17", "collector": "G1", "max_heap_bytes": 4096 * MIB, "initial_heap_bytes": 0, "can_balloon": True}
REPORT_EVERY_S = 1.0


class StrangeGuest:
    """Says that it has one JVM of so many bytes, of which every byte is worth so many CPU seconds a second and GiB; obeys no
    order, and says that it has."""

    def __init__(self, vm, footprint, worth):
        self._job = vm.shell.start(RELAY)
        self.footprint, self._worth = footprint, worth
        self._session, self.orders = "", 0
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=body, daemon=True) for body in (self._hear, self._speak)]
        for thread in self._threads:
            thread.start()

    def say(self, kind, **fields):
        self._job.write(encode(kind, **fields))

    def flood(self, lines):
        """Reports, one after the other, as fast as the channel takes them."""
        line = encode("report", **self._report())
        for _ in range(lines // 100):
            self._job.write(line * 100)

    def _report(self):
        ceiling = FACTS["max_heap_bytes"]
        slope = self._worth / (1 << 30)
        curve = [[0, slope * ceiling], [ceiling // 2, slope * ceiling / 2], [ceiling, 0.0]]
        jvm = {"name": "web", "facts": FACTS, "footprint_bytes": self.footprint, "committed_bytes": self.footprint,
               "used_bytes": self.footprint, "live_bytes": 0, "floor_bytes": 0, "ceiling_bytes": ceiling, "non_heap_bytes": 0,
               "balloon_bytes": 0, "balloon_verified_bytes": 0, "releasable_bytes": 0, "curve": curve}
        return {"of": "guest", "jvms": [jvm], "memory_total_bytes": 64 << 30, "memory_available_bytes": 32 << 30}

    def _speak(self):
        while not self._ended.is_set():
            try:
                if not self._session:
                    self._session = "strange"
                    self.say("hello", role="guest", name="strange", session=self._session, software="none")
                self.say("report", **self._report())
            except Trouble:
                return  # the guest has ended
            self._ended.wait(REPORT_EVERY_S)

    def _hear(self):
        while not self._ended.is_set():
            try:
                line = self._job.next_line(1)
            except Trouble:
                if self._job.lost():
                    return
                continue
            if line is None:
                return
            try:
                message = json.loads(line) if line.strip() else {}
            except ValueError:
                continue  # the rest of a line
            if message.get("type") == "apply":
                self._pretend(message)
            elif message.get("type") == "error" and message.get("code") == "disconnected":
                self._session = ""

    def _pretend(self, order):
        self.orders += 1
        target = order["jvms"][0]["target_bytes"]
        before, self.footprint = self.footprint, target
        asked = abs(before - target)
        outcome = {"jvm": "web", "before_bytes": before, "after_bytes": target, "asked_bytes": asked, "obtained_bytes": asked,
                   "shortfall_bytes": 0, "reason": "met"}
        self.say("result", session=order["session"], op=order["op"], asked_bytes=asked, obtained_bytes=asked, shortfall_bytes=0,
                 reason="met", elapsed_ms=1, jvms=[outcome])

    def end(self):
        self._ended.set()
        self._job.signal(9)
        for thread in self._threads:
            thread.join(30)
