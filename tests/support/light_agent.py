"""A program with an agent's connection, without a JVM: its "heap" is real memory, which it fills as far as it may, and its
collections are a formula. For tests with many guests.

    light_agent.py AGENT_SOCKET NAME LIVE FLOOR CEILING

Busy, it loses K / (heap - live) CPU seconds a second. On stdin: `load K` (from now on), `behave honest|liar|stuck` (a liar says
that its memory is worth fifty times what it is; who is stuck hears no order), `count` (losses are summed from here on),
`totals`. Answers as harness.Service expects them.
"""

import mmap
import os
import select
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "integration", "hostd")]

from aerowire import Connection, WireError  # noqa: E402
from fake_guest import Heap  # noqa: E402

REPORT_EVERY = 1.0
STEP = 0.1
FILLS = 64 << 20  # bytes a second: what a busy program allocates
LIE = 50


class Agent:
    def __init__(self, path, name, live, floor, ceiling):
        self.heap, self.live = Heap(name, floor, floor, ceiling, 0.0), live
        self.behaviour, self.lost, self.counted = "honest", 0.0, 0.0
        self.line = Connection.to(path)
        self.session = f"s{os.getpid()}"
        self.facts = {"java_version": "17", "collector": "G1", "max_heap_bytes": ceiling, "initial_heap_bytes": floor,
                      "can_balloon": True}
        self.line.send("hello", role="agent", name=name, session=self.session, software="test", jvm=self.facts)

    def cost(self, heap):
        return min(1.0, self.heap.k / max(1 << 20, heap - self.live))

    def curve(self):
        room, lie = self.heap.ceiling - self.heap.floor, LIE if self.behaviour == "liar" else 1
        corners = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0)
        points = [int(self.heap.floor + room * share) for share in corners]
        return [[m, lie * self.heap.k / (m - self.live)] for m in points]

    def report(self):
        heap = self.heap
        fields = {"footprint_bytes": heap.footprint, "committed_bytes": heap.footprint, "used_bytes": heap.footprint // 2,
                  "live_bytes": self.live, "floor_bytes": heap.floor, "ceiling_bytes": heap.ceiling, "non_heap_bytes": 0,
                  "balloon_bytes": 0, "balloon_verified_bytes": 0, "releasable_bytes": 0, "gc_cpu": self.cost(heap.footprint)}
        if heap.target is not None and heap.target < heap.ceiling:
            fields["target_bytes"] = heap.target
        self.say("report", of="jvm", facts=self.facts, curve=self.curve(), **fields)

    def say(self, kind, **fields):
        """Without a guestd it goes on by itself, and holds its target."""
        try:
            if self.line:
                self.line.send(kind, **fields)
        except OSError:
            self.line = None

    def hear_all(self):
        try:
            self.hear(self.line.receive())
            while self.line and self.line.has_line():
                self.hear(self.line.receive())
        except (OSError, WireError):
            self.line = None

    def hear(self, message):
        if message["type"] != "set_heap_target" or self.behaviour == "stuck":
            return
        before, target = self.heap.footprint, message["target_bytes"]
        self.heap.target = target
        self.heap.shrink(max(target, self.heap.floor))
        asked = abs(before - target)
        missing = max(0, self.heap.footprint - target)
        self.say("result", session=self.session, op=message["op"], asked_bytes=asked, obtained_bytes=asked - missing,
                       shortfall_bytes=missing, reason="met" if not missing else "floor", rest="kept", elapsed_ms=1)
        self.report()

    def work(self, seconds):
        """What the program does in this time: it allocates, and pays for the room that it has not."""
        limit = self.heap.ceiling if self.heap.target is None else max(self.heap.target, self.heap.floor)
        if self.heap.k:
            self.heap.grow(min(limit, self.heap.footprint + int(FILLS * seconds)))
        self.lost += self.cost(self.heap.footprint) * seconds
        self.counted += seconds

    def obey(self, words):
        if words[0] == "load":
            self.heap.k = float(words[1])
        elif words[0] == "behave":
            self.behaviour = words[1]
        elif words[0] == "count":
            self.lost = self.counted = 0.0
        print(f"done lost={self.lost} seconds={self.counted} holds={self.heap.footprint}", flush=True)


def run(agent):
    print("ready", flush=True)
    then, report_at, commands = time.monotonic(), 0.0, b""
    while True:
        doors = [sys.stdin] + ([agent.line] if agent.line else [])
        ready, _, _ = select.select(doors, [], [], STEP)
        if sys.stdin in ready:
            data = os.read(sys.stdin.fileno(), 4096)
            if not data:
                return
            commands += data
            while b"\n" in commands:
                line, commands = commands.split(b"\n", 1)
                agent.obey(line.decode().split())
        if agent.line in ready:
            agent.hear_all()
        now = time.monotonic()
        agent.work(now - then)
        then = now
        if now >= report_at:
            report_at = now + REPORT_EVERY
            agent.report()


if __name__ == "__main__":
    run(Agent(*sys.argv[1:3], *(int(number) for number in sys.argv[3:6])))
