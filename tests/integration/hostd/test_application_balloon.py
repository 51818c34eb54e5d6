#!/usr/bin/env python3
"""hostd and the application balloon of a guest: heaps give, then the guest's end is told to hold pieces, aerostat-punch is told
where, and back in reverse. Both ends are fakes here, so that they can fail; memory is really taken in tests/e2e/vm.
"""

import contextlib
import os
import shutil
import socket
import sys
import tempfile
import threading
import time

import fake_domains
from fake_domains import MIB, Domains, FakeGuest, expect, wait_until

from checks import run_all

PIECE = 2 * MIB
SECRET = "00112233445566778899aabbccddeeff"
WITHIN = 60


class Ballooned(FakeGuest):
    """Its guestd passes on what an aerostat-balloon says that holds whatever it is asked to."""

    def __init__(self, *of_guest):
        super().__init__(*of_guest)
        self.held, self.told, self.next_frame, self.spare, self.here = 0, [], 1000, 1 << 20, True

    def say(self, line, session=None):
        self.send("app_balloon", session=session or self.session, line=line)

    def report(self):
        super().report()
        if self.here:
            self.say(f"state 0 pinned {SECRET} {self.held} {len(self.told)}")
        else:
            self.say("refused 0 not-found no aerostat-balloon")

    def hear(self, data):
        lines = (self.buffer + data).split(b"\n")[:-1]
        super().hear(data)
        for line in lines:
            message = fake_domains.json.loads(line) if line.strip() else {"type": ""}
            if message["type"] == "app_balloon" and message["session"] == self.session:
                self.obey_words(message["line"].split())

    def obey_words(self, words):
        verb, number, rest = words[0], words[1], [int(word) for word in words[2:]]
        if verb == "inflate":
            pieces = min(rest[0], self.spare)
            self.told = list(range(self.next_frame, self.next_frame + pieces))
            self.next_frame += pieces
            self.spare -= pieces
            self.say(f"told {number} {' '.join(map(str, self.told))}" if pieces else f"refused {number} refused nothing to spare")
        elif verb == "settle":
            self.held += len(rest)
            back, self.told = len(self.told) - len(rest), []
            self.say(f"done {number} {back}")
        elif verb == "deflate":
            pieces = min(rest[0], self.held)
            self.held -= pieces
            self.say(f"done {number} {pieces}")


class Punch:
    """aerostat-punch's socket; takes what it is told to, unless it is to refuse."""

    def __init__(self):
        self.directory, self.orders, self.refuses = tempfile.mkdtemp(prefix="punch-"), [], ""
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(os.path.join(self.directory, "punch.sock"))
        self._door.listen(4)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                line = self._door.accept()[0]
            except OSError:
                return
            with line, line.makefile("rw", encoding="ascii") as words:
                for order in words:
                    words.write(self._answer(order.split()))
                    words.flush()

    def _answer(self, words):
        frames = words[5:]
        self.orders.append(words)
        if self.refuses:
            return f"refused {words[1]} refused {self.refuses}\n"
        size = len(frames) * PIECE
        return " ".join(["punched", words[1], str(size), str(size), "0", "0", "1000", *frames]) + "\n"

    def close(self):
        self._door.close()
        shutil.rmtree(self.directory, ignore_errors=True)


@contextlib.contextmanager
def stage():
    """One domain with the balloon switched on, for all tests: each leaves it as it was."""
    punch, before = Punch(), fake_domains.FakeGuest
    fake_domains.FakeGuest = Ballooned
    try:
        extra = f'punch_dir = "{punch.directory}"\n[defaults]\napplication_balloon = true\n'
        with Domains(["web"], heap=256 * MIB, memory=4096, extra=extra) as domains:
            domains.wait_all_here(WITHIN)
            wait_until(lambda: "ram_bytes" in domains.view("web"), WITHIN, "its balloon to be known")
            yield domains, domains.guests[0], punch
    finally:
        fake_domains.FakeGuest = before
        punch.close()


def give_all_back(domains, guest):
    domains.ask("release", target="web", deadline_ms=20_000, wait=True)
    wait_until(lambda: guest.held == 0 and guest.heap == guest.ceiling, WITHIN, "all to be given back")


def squeeze(domains, mib):
    """Asked again while what its QEMU holds is still being filled: the guest is believed no more than that."""
    def begun():
        answer = domains.ask("squeeze", target="web/shop", bytes=mib * MIB, deadline_ms=20_000, wait=True)
        return answer.get("operation")

    return wait_until(begun, WITHIN, "the heap to have so much to give")


def heaps_give_first_then_the_balloon_and_back_in_reverse(domains, guest, punch):
    said = squeeze(domains, 128)
    expect(said["reason"] == "met" and said["obtained"] >= 128 * MIB, said)
    # Whole pieces of what the heap gave, and never more.
    expect(0 <= said["obtained"] - said["os_moved"] < PIECE and said["os_moved"] == guest.held * PIECE, said)
    expect(sum(len(order) - 5 for order in punch.orders) == guest.held, f"{guest.held} held, {punch.orders}")
    now_ms = time.monotonic() * 1000
    expect(all(int(order[2]) < now_ms + 10_000 for order in punch.orders), f"no order is good for longer: {punch.orders}")
    expect(all(order[4] == SECRET and len(order) - 5 <= 32 for order in punch.orders), f"{punch.orders}")
    wait_until(lambda: domains.view("web").get("os_balloon_bytes") == guest.held * PIECE, WITHIN, "status to say so")
    give_all_back(domains, guest)
    wait_until(lambda: not domains.view("web").get("os_balloon_bytes"), WITHIN, "status to say so")


def partial_results_say_how_far_and_why(domains, guest, punch):
    guest.spare = 40
    said = squeeze(domains, 128)
    expect(said["os_moved"] == 80 * MIB and "nothing to spare" in said["detail"], said)
    expect(guest.held == 40 and not guest.told, "what there was is held")
    guest.spare = 1 << 20
    give_all_back(domains, guest)


def refusal_of_punch_costs_nothing_and_is_said(domains, guest, punch):
    punch.refuses = "a device is passed through to the domain"
    said = squeeze(domains, 64)
    expect(not said.get("os_moved") and punch.refuses in said["detail"], said)
    expect(guest.held == 0 and not guest.told, "all went back to the guest")
    punch.refuses = ""
    give_all_back(domains, guest)


def balloon_that_is_away_is_named_and_nothing_takes_its_place(domains, guest, punch):
    guest.here, before = False, len(punch.orders)

    def named():
        findings = domains.ask("doctor")["doctor"]["findings"]
        return [one for one in findings if one["check"] == "application balloon" and one["level"] == "bad"]

    wait_until(named, WITHIN, "the doctor to say so")
    said = squeeze(domains, 64)
    expect(not said.get("os_moved") and "no aerostat-balloon" in said["detail"] and len(punch.orders) == before, said)
    guest.here = True
    give_all_back(domains, guest)


TESTS = [heaps_give_first_then_the_balloon_and_back_in_reverse, partial_results_say_how_far_and_why,
         refusal_of_punch_costs_nothing_and_is_said, balloon_that_is_away_is_named_and_nothing_takes_its_place]


def main():
    with stage() as (domains, guest, punch):
        return run_all([(test.__name__.replace("_", " "), lambda test=test: test(domains, guest, punch)) for test in TESTS])


if __name__ == "__main__":
    sys.exit(main())
