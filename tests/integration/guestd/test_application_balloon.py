#!/usr/bin/env python3
"""guestd between a fake host and a real aerostat-balloon, which holds memory of this machine: a few pieces, soon given back."""

import os
import signal
import subprocess

from bed import GUESTD, MIB, Bed, Skip, expect, main, wait_until

PROGRAM = os.path.join(os.path.dirname(GUESTD), "aerostat-balloon")
PIECE = 2 * MIB
WITHIN = 30


class Relay:
    """A guestd with the application balloon switched on, its host, and the balloon's process."""

    def __init__(self, bed):
        self.bed, self.process, self._number = bed, None, 0
        self.directory = os.path.join(bed.directory, "balloon")
        os.mkdir(self.directory, mode=0o755)
        config = os.path.join(bed.directory, "guestd.toml")
        with open(config, "w", encoding="ascii") as file:
            file.write(f'[os]\napplication_balloon = true\napplication_balloon_dir = "{self.directory}"\n')
        bed.options += ["--host", "unix:" + os.path.join(bed.directory, "host.sock"), "--config", config]
        self.host = bed.host()
        self.start_balloon()
        bed.start()
        self.host.accept()

    def start_balloon(self):
        # Not the machine's huge pages, which somebody may count on.
        self.process = subprocess.Popen([PROGRAM, "--runtime-dir", self.directory, "--huge-pages", "none"],
                                        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def heard(self, beginning):
        """The next line of the balloon's that begins so, as words."""
        said = self.host.expect("app_balloon", WITHIN, lambda message: message["line"].startswith(beginning))
        expect(said["session"] == self.host.session, said)
        return said["line"].split()

    def say(self, verb, *words, session=None):
        """Its number."""
        self._number += 1
        line = " ".join([verb, str(self._number), *map(str, words)])
        self.host.line.send("app_balloon", session=session or self.host.session, line=line)
        return self._number

    def state(self):
        words = self.heard("state 0 ")
        if words[2] == "none":
            raise Skip("aerostat-balloon cannot hold memory on this machine (it needs root and io_uring)")
        return int(words[4]), int(words[5])

    def inflate(self, pieces):
        number = self.say("inflate", pieces)
        mine = self.host.expect("app_balloon", WITHIN, lambda message: message["line"].split()[1] == str(number))
        answer = mine["line"].split()
        if answer[0] == "refused" and answer[2] in ("unsupported", "denied"):
            raise Skip(f"this machine cannot hold pieces, or hides where memory lies: {' '.join(answer)}")
        expect(answer[0] == "told", answer)
        return answer[2:]

    def end(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(WITHIN)


def playing(test):
    """The test on a guestd of its own."""
    def play():
        with Bed(start=False) as bed:
            relay = Relay(bed)
            try:
                expect(relay.state() == (0, 0), "nothing is held at first")
                test(bed, relay)
            finally:
                relay.end()
    play.__name__ = test.__name__
    return play


@playing
def pieces_are_told_settled_and_given_back(bed, relay):
    frames = relay.inflate(2)
    expect(1 <= len(frames) <= 2, f"{frames}")
    relay.say("settle", *frames)
    relay.heard("done ")
    wait_until(lambda: relay.state() == (len(frames), 0), WITHIN, "the pieces to be held")
    wait_until(lambda: relay.host.expect("report", WITHIN)["os"]["taken_bytes"] >= len(frames) * PIECE, WITHIN,
               "guestd to report what is held")
    relay.say("deflate", 100)
    expect(int(relay.heard("done ")[2]) == len(frames), "all of it went back")
    wait_until(lambda: relay.state() == (0, 0), WITHIN, "nothing to be held")


@playing
def lines_of_another_session_and_no_requests_are_dropped(bed, relay):
    relay.say("inflate", 1, session="another")
    relay.say("told", 5)
    relay.say("inflate", 1, 2)
    number = relay.say("deflate", 1)
    expect(relay.heard("done ")[1] == str(number), "only the last one was passed on")
    # Asked for now: what guestd tells by itself may be older.
    asked = relay.say("state")
    expect(relay.heard(f"state {asked} ")[4:] == ["0", "0"], "nothing was taken")


@playing
def a_balloon_that_dies_is_told_of_and_its_successor_is_found(bed, relay):
    relay.end(signal.SIGKILL)
    relay.heard("refused 0 ")
    wait_until(lambda: any("aerostat-balloon" in warning for warning in bed.status()["warnings"]), WITHIN, "status to say so")
    asked = relay.say("inflate", 1)
    relay.heard(f"refused {asked} ")
    relay.start_balloon()
    expect(relay.state() == (0, 0), "its successor holds nothing")


@playing
def what_a_lost_host_left_unsettled_goes_back_to_the_guest(bed, relay):
    relay.inflate(1)
    relay.host.line.close()
    relay.host.accept()
    wait_until(lambda: relay.state()[0] == 0, WITHIN, "the next host to be told")
    # That host settles it, or guestd does while there is none; here the host says so, as hostd would.
    relay.say("settle")
    wait_until(lambda: relay.state() == (0, 0), WITHIN, "nothing to be held")


TESTS = [pieces_are_told_settled_and_given_back, lines_of_another_session_and_no_requests_are_dropped,
         a_balloon_that_dies_is_told_of_and_its_successor_is_found, what_a_lost_host_left_unsettled_goes_back_to_the_guest]

if __name__ == "__main__":
    main(TESTS)
