"""A guest that is no guest: one process in a session of its own that holds real memory as "heaps", speaks the wire to
aerostat-hostd, and takes orders on stdin. Behaviour by name: honest, slow, stuck, mute (executes, never answers), liar.

    fake_guest.py SOCKET NAME BEHAVIOUR JVM=FOOTPRINT:FLOOR:CEILING:K ...

On stdin: `heap JVM BYTES`, `fill JVM` (up to its target), `k JVM K`, `behave WORD`, `pressure JVM BYTES`, `say TEXT` (a raw line), `disconnect`,
`connect`, `leak BYTES` (memory outside the heaps), `quit`. On stdout: one JSON object for each message received.
"""

import json
import mmap
import os
import select
import socket
import sys
import time

PAGE = 4096
SLOW_STEP = 8 << 20
REPORT_EVERY = 0.2
INFINITE = 1 << 62


class Heap:
    """Memory of the kernel's own books: an anonymous mapping, touched up to the footprint."""

    def __init__(self, name, footprint, floor, ceiling, k):
        self.name = name
        self.floor, self.ceiling, self.k = floor, ceiling, k
        self.map = mmap.mmap(-1, ceiling, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.footprint = 0
        self.target = None
        self.goal = None
        self.grow(footprint)

    def grow(self, to):
        to = min(to, self.ceiling) // PAGE * PAGE
        for at in range(self.footprint, to, PAGE):
            self.map[at] = 1
        self.footprint = max(self.footprint, to)

    def shrink(self, to):
        to = max(0, (to + PAGE - 1) // PAGE * PAGE)
        if to < self.footprint:
            self.map.madvise(mmap.MADV_DONTNEED, to, self.footprint - to)
            self.footprint = to

    def curve(self):
        """K / (m - floor/2) at a few corners: convex and falling."""
        if self.ceiling <= self.floor:
            return [[self.floor, 0.0]]
        live = self.floor / 2
        corners, room = [], self.ceiling - self.floor
        for share in (0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0):
            m = int(self.floor + room * share)
            corners.append([m, self.k / (m - live) if self.k else 0.0])
        return corners


class Guest:
    def __init__(self, path, name, behaviour, heaps):
        self.path, self.name, self.behaviour, self.heaps = path, name, behaviour, heaps
        self.socket, self.buffer, self.pending = None, b"", []
        self.session, self.next_report, self.extra, self.done = "", 0.0, [], {}
        self.count = 0

    def connect(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.socket.connect(self.path)
        except OSError:
            self.socket = None
            return
        self.buffer = b""
        self.count += 1
        self.session = f"s{os.getpid()}.{self.count}"
        self.send("hello", role="guest", name=self.name, session=self.session, software="test")
        self.next_report = 0.0

    def drop(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def send(self, kind, **fields):
        if not self.socket:
            return
        line = json.dumps({"v": 1, "type": kind, "id": f"g{time.monotonic_ns()}", **fields}) + "\n"
        try:
            self.socket.sendall(line.encode())
        except OSError:
            self.drop()

    def report(self):
        jvms = []
        for heap in self.heaps.values():
            claimed = heap.footprint * 10 if self.behaviour == "liar" else heap.footprint
            jvm = {"name": heap.name,
                   "facts": {"java_version": "17", "collector": "G1", "max_heap_bytes": heap.ceiling, "initial_heap_bytes": 0, "can_balloon": True},
                   "footprint_bytes": claimed, "committed_bytes": claimed, "used_bytes": claimed // 2,
                   "floor_bytes": heap.floor, "ceiling_bytes": heap.ceiling, "non_heap_bytes": 0, "balloon_bytes": 0,
                   "balloon_verified_bytes": 0, "releasable_bytes": 0, "live_bytes": heap.floor // 2, "curve": heap.curve()}
            if heap.target is not None and heap.target < heap.ceiling:
                jvm["target_bytes"] = heap.target
            jvms.append(jvm)
        more = {"os": self.invented_os()} if self.behaviour == "liar" else {}
        self.send("report", of="guest", jvms=jvms, memory_total_bytes=8 << 30, memory_available_bytes=4 << 30, **more)

    @staticmethod
    def invented_os():
        """Page cache that is not there, and worth a fortune."""
        return {"size_bytes": 4 << 30, "floor_bytes": 0, "spare_bytes": 0, "taken_bytes": 0, "driver": "cgroup-v2", "can_move": True,
                "holds_bytes": 4 << 30, "limit_bytes": 8 << 30, "target_bytes": 7 << 30, "learned": True,
                "curve": [[0, 1000.0], [4 << 30, 500.0], [8 << 30, 0.0]]}

    def apply(self, order):
        if order.get("session") != self.session:
            return
        if order["op"] in self.done:
            self.send("result", **self.done[order["op"]])
            return
        outcome = {"op": order["op"], "until": time.monotonic() + order["deadline_ms"] / 1000, "begun": time.monotonic(), "jvms": {}}
        for one in order["jvms"]:
            heap = self.heaps.get(one["jvm"])
            if heap:
                heap.target = one["target_bytes"]
                outcome["jvms"][heap.name] = (heap.footprint, one["target_bytes"])
        self.pending = [old for old in self.pending if old["op"] != order["op"]] + [outcome]

    def work(self):
        for order in list(self.pending):
            waiting = False
            for name, (_, target) in order["jvms"].items():
                heap = self.heaps[name]
                goal = max(target, heap.floor)
                if heap.footprint <= goal or self.behaviour == "stuck":
                    waiting = waiting or heap.footprint > goal
                    continue
                heap.shrink(max(goal, heap.footprint - SLOW_STEP) if self.behaviour == "slow" else goal)
                waiting = waiting or heap.footprint > goal
            if not waiting or time.monotonic() >= order["until"]:
                self.pending.remove(order)
                self.finish(order)

    def finish(self, order):
        jvms, asked, obtained = [], 0, 0
        for name, (before, target) in order["jvms"].items():
            heap = self.heaps[name]
            want = max(0, before - target) or max(0, target - before)
            got = min(want, max(0, before - heap.footprint)) if target < before else want
            jvms.append({"jvm": name, "before_bytes": before, "after_bytes": heap.footprint, "asked_bytes": want, "obtained_bytes": got,
                         "shortfall_bytes": want - got, "reason": "met" if got == want else "deadline"})
            asked, obtained = asked + want, obtained + got
        result = {"session": self.session, "op": order["op"], "asked_bytes": asked, "obtained_bytes": obtained,
                  "shortfall_bytes": asked - obtained, "reason": "met" if asked == obtained else "deadline",
                  "elapsed_ms": int((time.monotonic() - order["begun"]) * 1000), "jvms": jvms}
        self.done[order["op"]] = result
        if self.behaviour not in ("mute", "stuck"):
            self.send("result", **result)
            self.report()

    def hear(self):
        try:
            data = self.socket.recv(65536)
        except OSError:
            data = b""
        if not data:
            say({"type": "closed"})
            self.drop()
            return
        self.buffer += data
        while b"\n" in self.buffer:
            line, self.buffer = self.buffer.split(b"\n", 1)
            message = json.loads(line)
            say(message)
            if message["type"] == "apply":
                self.apply(message)
            elif message["type"] == "cancel":
                for order in [o for o in self.pending if o["op"] == message["op"]]:
                    self.pending.remove(order)
                    self.finish(order)

    def obey(self, line):
        words = line.split(" ", 2)
        if words[0] == "heap":
            heap = self.heaps[words[1]]
            heap.grow(int(words[2]))
            heap.shrink(int(words[2]))
        elif words[0] == "fill":
            heap = self.heaps[words[1]]
            heap.grow(heap.ceiling if heap.target is None else heap.target)
        elif words[0] == "k":
            self.heaps[words[1]].k = float(words[2])
        elif words[0] == "behave":
            self.behaviour = words[1]
        elif words[0] == "pressure":
            self.send("pressure", wanted_bytes=int(words[2]), cause="psi", jvm=words[1])
        elif words[0] == "say":
            try:
                self.socket.sendall((line[4:] + "\n").encode())
            except (OSError, AttributeError):
                self.drop()  # it was cut off
        elif words[0] == "leak":
            block = mmap.mmap(-1, int(words[1]), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            for at in range(0, int(words[1]), PAGE):
                block[at] = 1
            self.extra.append(block)
        elif words[0] == "disconnect":
            self.drop()
            self.path_off, self.path = self.path, "/nonexistent"
        elif words[0] == "connect":
            self.path = getattr(self, "path_off", self.path)
        elif words[0] == "quit":
            sys.exit(0)
        self.report()
        say({"type": "done", "command": words[0]})


def say(message):
    print(json.dumps(message), flush=True)


def main():
    path, name, behaviour, *specs = sys.argv[1:]
    heaps = {}
    for spec in specs:
        jvm, numbers = spec.split("=")
        footprint, floor, ceiling, k = numbers.split(":")
        heaps[jvm] = Heap(jvm, int(footprint), int(floor), int(ceiling), float(k))
    guest = Guest(path, name, behaviour, heaps)
    commands = b""
    while True:
        if not guest.socket:
            guest.connect()
        inputs = [sys.stdin] + ([guest.socket] if guest.socket else [])
        ready, _, _ = select.select(inputs, [], [], 0.05)
        if sys.stdin in ready:
            data = os.read(sys.stdin.fileno(), 65536)
            if not data:
                return
            commands += data
            while b"\n" in commands:
                line, commands = commands.split(b"\n", 1)
                guest.obey(line.decode())
        if guest.socket and guest.socket in ready:
            guest.hear()
        guest.work()
        if time.monotonic() >= guest.next_report:
            guest.next_report = time.monotonic() + REPORT_EVERY
            guest.report()


if __name__ == "__main__":
    main()
