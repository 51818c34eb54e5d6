"""hostd killed again and again while it works: what must hold after each time."""

import json
import os
import random
import statistics
import subprocess
import threading
import time

from host_world import MIB, Host, aerowire, built, expect, pss_of_session, wait_until

RESERVE, MEMORY = 64, 600
HEAPS = {"a": 1e8, "b": 0, "c": 5e8}  # what a GiB is worth to each
CHARGE_SLACK = 12 * MIB  # guests move while they are read


class Operator(threading.Thread):
    """Orders at random, all the time. Of each order that was answered it keeps what must be in force from then on."""

    def __init__(self, host, rng):
        super().__init__(daemon=True)
        self.host, self.rng, self.stop, self.orders, self.refused = host, rng, threading.Event(), 0, 0
        self.paused = {name: False for name in HEAPS}  # None: an order was sent and not answered, so either may be
        self.lock = threading.Lock()

    def run(self):
        while not self.stop.is_set():
            name = self.rng.choice(list(HEAPS))
            order = self.rng.choice((self._squeeze, self._squeeze, self._give, self._release, self._toggle))
            try:
                answer = order(name)
                self.orders += "error" not in answer
                self.refused += "error" in answer
            except (OSError, aerowire.WireError, KeyError):
                time.sleep(0.005)  # killed in the middle of it

    def _squeeze(self, name):
        return self.host.ask("squeeze", within=10, target=name, bytes=self.rng.randint(4, 24) * MIB, deadline_ms=500)

    def _give(self, name):
        return self.host.ask("give", within=10, target=name, bytes=self.rng.randint(4, 24) * MIB, deadline_ms=500)

    def _release(self, name):
        return self.host.ask("release", within=10, target=name, deadline_ms=500)

    def _toggle(self, name):
        with self.lock:
            wanted = not self.paused[name]
            self.paused[name] = None
            answer = self.host.ask("pause" if wanted else "resume", within=10, target=name)
            if "status" in answer:
                self.paused[name] = wanted
            return answer


def replayed(host):
    return subprocess.run([built("bin", "aerostatctl"), "--socket", host.path("run", "control.sock"), "replay", "--json"],
                          capture_output=True, text=True, timeout=120, check=False)


def check_converged(host, operator):
    """Everybody is back under the old identity, pauses are what was answered last, and the books are what the kernel's are."""
    host.wait_joined(*HEAPS)
    with operator.lock:
        for name, paused in operator.paused.items():
            if paused is not None:
                is_paused = host.view(name)["state"] == "paused"
                expect(is_paused == paused, f"{name}: paused {is_paused}, but the last order that was answered says {paused}")


def check_books(host):
    def agree():
        before = {guest.name: pss_of_session(guest.process.pid) for guest in host.guests}
        view = {guest["name"]: guest["charged_bytes"] for guest in host.status()["guests"]}
        after = {guest.name: pss_of_session(guest.process.pid) for guest in host.guests}
        return set(view) == set(HEAPS) and all(
            min(before[name], after[name]) - CHARGE_SLACK <= view[name] <= max(before[name], after[name]) + CHARGE_SLACK for name in view)
    wait_until(agree, 20, "the books to agree with the kernel's")


def kill_at_random(times, seed):
    """Kills and starts so many times; returns figures."""
    rng = random.Random(seed)
    print(f"seed {seed} ({times} kills)", flush=True)
    back, moments = [], []
    with Host(memory=MEMORY, reserve=RESERVE) as host:
        for name, worth in HEAPS.items():
            host.guest(name, heap=(120, 32, 400, worth))
        host.wait_joined(*HEAPS)
        identities = {name: host.view(name)["identity"] for name in HEAPS}
        operator = Operator(host, rng)
        operator.start()
        for number in range(times):
            began = time.monotonic()
            wait_until(lambda at=began + rng.uniform(0.0, 1.2): time.monotonic() >= at, 10, "the moment")
            host.kill()
            moments.append(time.monotonic() - began)
            began = time.monotonic()
            host.start()
            check_converged(host, operator)
            back.append(time.monotonic() - began)
            if number % 10 == 9:
                check_books(host)
        operator.stop.set()
        operator.join(30)
        check_books(host)
        expect({name: host.view(name)["identity"] for name in HEAPS} == identities, "somebody came back as another")
        expect(all(guest.process.poll() is None for guest in host.guests), "a guest has ended")
        for name in HEAPS:
            host.ask("resume", target=name)
        host.wait_shared_out((MEMORY - RESERVE) * MIB)
        held = sum(pss_of_session(guest.process.pid) for guest in host.guests)
        expect(held <= MEMORY * MIB, f"{held / MIB:.0f} MiB of {MEMORY} are held in the end")
        replay = replayed(host)
        expect(replay.returncode == 0, f"replay: {replay.stdout}{replay.stderr}")
        size = sum(os.path.getsize(host.path("run", "history", file)) for file in os.listdir(host.path("run", "history")))
        return {"kills": times, "orders": operator.orders, "refused": operator.refused, "back": back, "lived": moments, "replay": replay.stdout, "size": size}


def tell(figures):
    told, back = json.loads(figures["replay"]), figures["back"]
    expect(told["decisions"] > 0 and told["same_orders"] == told["decisions"], told)
    print(f"FIGURE {figures['kills']} times kill -9 beside {figures['orders']} orders (and {figures['refused']} refused): all guests back after {statistics.median(back):.2f} s "
          f"(median; {max(back):.2f} s at most); hostd lived {min(figures['lived']):.2f} to {max(figures['lived']):.2f} s")
    print(f"FIGURE history: {told['decisions']} decisions, each decides the same again, {figures['size'] / 1024:.0f} KiB", flush=True)
