"""Seeded random orders to an agent, and a tally of what came of them."""

import collections
import random

MIB = 1 << 20
LIFT = 1 << 40
# A deadline is kept by the agent's own loop; under a load that takes both cores it may get its CPU so much later.
GRACE_MS = 2000


class Tally:
    def __init__(self):
        self.reasons = collections.Counter()
        self.actions = collections.Counter()
        self.given = 0
        self.latest_ms = 0
        self.details = set()

    def add(self, result, deadline_ms):
        self.reasons[result["reason"]] += 1
        detail = result.get("detail", "")
        if not detail.startswith("room is given"):  # growing is a permission, nothing has moved yet
            self.given += max(0, result["obtained_bytes"])
        self.latest_ms = max(self.latest_ms, result["elapsed_ms"] - deadline_ms)
        if result["reason"] in ("not-reclaimable", "unsupported", "stuck"):
            self.details.add(detail)

    def text(self):
        return ",".join(f"{reason}:{count}" for reason, count in sorted(self.reasons.items()))


class RandomOrders:
    """One random step at a time against one agent and its program."""

    STEPS = {"order": 50, "cancel": 12, "supersede": 8, "watch": 14, "lift": 6, "live": 6, "rate": 4, "hold": 4}

    def __init__(self, guestd, service, seed, least_live, most_live):
        self.guestd, self.service = guestd, service
        self.random = random.Random(seed)
        self.live = (least_live, most_live)
        self.tally = Tally()
        self._count = 0

    def step(self):
        action = self.random.choices(list(self.STEPS), list(self.STEPS.values()))[0]
        self.tally.actions[action] += 1
        getattr(self, "_" + action)()

    def _send(self, **more):
        self._count += 1
        op = f"r{self._count}"
        target = self._target()
        deadline = int(10 ** self.random.uniform(1.5, 3.8))  # 32 ms to 6 s, short ones as often as long ones
        self.guestd.order(op, target, deadline, cap=self.random.choice(["elastic", "firm", "hard"]),
                          on_shortfall=self.random.choice(["keep", "rollback"]), **more)
        return op, deadline

    def _target(self):
        """Between floor and maximum, every other time below what the heap holds now: else most orders would take nothing."""
        report = self.guestd.reports[-1]
        floor = report["floor_bytes"]
        top = report["ceiling_bytes"] if self.random.random() < 0.5 else report["footprint_bytes"]
        return self.random.randrange(floor, max(floor + MIB, top))

    def _settle(self, op, deadline):
        self.tally.add(self.guestd.result(op, deadline / 1000 + 30), deadline)

    def _order(self):
        self._settle(*self._send())

    def _watch(self):
        """Time for what the agent does between operations."""
        for _ in range(self.random.randrange(1, 4)):
            self.guestd.wait_report()

    def _hold(self):
        self._settle(*self._send(hold_ms=self.random.randrange(100, 3000)))

    def _cancel(self):
        op, deadline = self._send()
        try:
            self.guestd.result(op, self.random.uniform(0, 0.3))
        except TimeoutError:
            self.guestd.send({"type": "cancel", "session": self.guestd.session, "op": op,
                              "on_shortfall": self.random.choice(["keep", "rollback"])})
        self._settle(op, deadline)

    def _supersede(self):
        first, second = self._send(), self._send()
        self._settle(*second)
        self._settle(*first)

    def _lift(self):
        self._count += 1
        op = f"r{self._count}"
        self.guestd.order(op, LIFT, 5000)
        self._settle(op, 5000)

    def _live(self):
        self.service.tell(f"live {self.random.randrange(*self.live) // MIB}MiB")

    def _rate(self):
        self.service.tell(f"rate {self.random.choice([0, 300, 800, 2000])}")
