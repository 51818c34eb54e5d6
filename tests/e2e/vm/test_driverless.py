#!/usr/bin/env python3
"""A guest whose memory is taken without its balloon driver, under hostd: the Java heap gives first, then the application balloon,
and back in reverse. What is said to be free is seen in QEMU's memory, and no byte of what the guest keeps is lost.
"""

import contextlib
import os
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

from application_balloon import PIECE, Daemons, Kept, held_by_host  # noqa: E402
from bed import Bed, Unavailable  # noqa: E402
from checks import expect, wait_until  # noqa: E402
from flights import fly  # noqa: E402
from harness import MIB  # noqa: E402
from host_stage import HostStage  # noqa: E402

MEMORY_MIB, KEPT_MIB = 1024, 100
ASKED_MIB = 192
LOOSE = 48 * MIB  # what a guest that runs takes or frees by itself, and a JVM besides
HEAP = ("-Xmx560m", "-Xms64m", "-XX:+UseG1GC")
# Free pages stay in the guest until the balloon takes them: what the host gets is the balloon's alone.
HARDWARE = {"memory_mib": MEMORY_MIB, "free_page_reporting": False, "kernel_options": "transparent_hugepage=madvise"}


def figure(name, **numbers):
    print(f"FIGURE driverless.{name} " + " ".join(f"{key}={value}" for key, value in numbers.items()), flush=True)


class Flight:
    """One guest for all tests: a JVM of which much is garbage, and memory with known bytes beside it."""

    made = None

    def __init__(self):
        if os.geteuid() != 0:
            raise Unavailable("guest RAM is taken as root only")
        self.bed = Bed()
        self.host = self.daemons = None
        Flight.made = self
        try:
            self.daemons = Daemons(self.bed, "driverless")
            self.host = HostStage(self.bed, "driverless", more_of_host=self.daemons.host_keys,
                                  more_of_guests=Daemons.GUEST_KEYS)
            self.vm = self.bed.boot("vm1", **HARDWARE)
            self.daemons.start_in(self.vm)
            self.jvm = self.vm.service(HEAP, arguments="--rate 20")
            self.jvm.tell("live 64MiB", within=120)
            self.kept = Kept(self.vm, KEPT_MIB)
            self.host.wait_joined("vm1")
            wait_until(lambda: "ok" in self.doctor(), 30, "hostd to know of aerostat-balloon")
            self.host.wait_quiet()
        except BaseException:
            self.bed.show_evidence()
            self.bed.close()
            raise
        self.checked = 0

    def close(self):
        """What does not end with the bed."""
        if self.host:
            self.host.close()
        if self.daemons:
            self.daemons.end()

    def doctor(self):
        """What hostd says of the guest's application balloon."""
        said = self.host.tool.json("doctor")[1]
        return [one["level"] for one in said.get("findings", []) if one["check"] == "application balloon"]

    def taken(self):
        """What the OS balloon holds, by hostd's books."""
        return self.host.guest("vm1").get("os_balloon_bytes", 0)

    def held_inside(self):
        """What aerostat-balloon holds, by its own word."""
        job = self.vm.shell.start("exec /run/balloon/probe line /run/ab/balloon.sock")
        try:
            job.write(b"state 1\n")
            words = job.next_line(60).split()
            return (int(words[4]) + int(words[5])) * PIECE
        finally:
            job.signal(signal.SIGKILL)
            job.wait(30)

    def fill_heap(self):
        """Until so much can be taken: garbage that no collection has found yet."""
        self.jvm.tell(f"garbage {ASKED_MIB + 128}MiB", within=180)
        self.host.wait_room("vm1", ASKED_MIB)
        self.host.wait_quiet()

    def check(self):
        """Every byte that the guest keeps, and every record of the JVM's."""
        checked, lost = self.kept.check()
        self.checked += checked
        expect(lost == 0, f"{lost} bytes of the guest's memory are lost")
        records = self.jvm.tell("check", within=120)
        expect(records["corrupt"] == "0", records)
        served = self.jvm.tell("report")
        expect(served["oome"] == "0" and served["corrupt"] == "0", served)

    @contextlib.contextmanager
    def evidence(self):
        try:
            yield
        except Exception:
            print(f"--- hostd's log\n{self.host.log()[-8000:]}\n--- aerostat-punch", flush=True)
            print(self.daemons.punch.log()[-3000:], flush=True)
            self.bed.show_evidence()
            raise

    # Tests.

    def heap_gives_first_then_the_application_balloon_and_back_in_reverse(self):
        with self.evidence():
            self.fill_heap()
            before, virtio = held_by_host(self.vm), self.vm.balloon_actual()
            code, said = self.host.tool.json("squeeze", "vm1/app", f"{ASKED_MIB}MiB", "--deadline", "30s", within=60)
            expect(code == 0 and said["reason"] == "met", said)
            expect(said["obtained"] >= 0.98 * ASKED_MIB * MIB, said)
            expect(said["os_moved"] >= 0.9 * ASKED_MIB * MIB and said["os_moved"] % PIECE == 0, said)
            expect(self.vm.balloon_actual() == virtio, "virtio-balloon has not moved")
            after = held_by_host(self.vm)
            less = before - after
            expect(less >= 0.75 * ASKED_MIB * MIB, f"{less / MIB:.0f} MiB less in QEMU's memory: {said}")
            expect(said["verified"] >= 0.75 * ASKED_MIB * MIB, f"hostd saw it from outside: {said}")
            # The policy may move it meanwhile: whatever it holds, both ends say the same.
            wait_until(lambda: self.held_inside() == self.taken(), 30, "the books of both ends to agree")
            self.check()
            pieces, wrong, longest_ms = self.daemons.punched()
            expect(wrong == 0, f"{wrong} pages of {pieces} pieces had no pattern")

            taken = self.taken()
            code, given = self.host.tool.json("give", "vm1/app", f"{ASKED_MIB}MiB", "--deadline", "30s", within=60)
            expect(code == 0 and given["os_moved"] >= 0.9 * min(taken, ASKED_MIB * MIB), given)
            grown = self.jvm.tell("live 256MiB", within=180)
            expect("error" not in grown, grown)
            self.check()
            self.jvm.tell("live 64MiB", within=120)
            figure("squeeze", asked_mib=ASKED_MIB, java_mib=said["obtained"] // MIB, balloon_mib=said["os_moved"] // MIB,
                   verified_mib=said["verified"] // MIB, qemu_before_mib=before // MIB, qemu_after_mib=after // MIB,
                   squeeze_ms=said["elapsed_ms"], give_ms=given["elapsed_ms"], pieces=pieces, pages_refused=wrong,
                   longest_stop_ms=f"{longest_ms:.0f}")

    def nothing_is_taken_after_the_deadline(self):
        """In the middle of what the balloon has to do: again with another deadline if that was not met."""
        with self.evidence():
            deadline_ms = 1000
            for _ in range(6):
                self.fill_heap()
                before = self.taken()
                order = ("squeeze", "vm1/app", f"{ASKED_MIB}MiB", "--deadline", f"{deadline_ms}ms")
                code, said = self.host.tool.json(*order, within=60)
                moved = said.get("os_moved", 0)
                expect(code in (0, 3), said)
                self.check_nothing_follows(before, moved)
                self.host.tool.json("release", "vm1", within=60)
                self.check()
                if 0 < moved < 0.9 * ASKED_MIB * MIB:
                    break
                deadline_ms = deadline_ms * 3 // 4 if moved else deadline_ms * 3 // 2
            figure("short", deadline_ms=deadline_ms, os_moved_mib=moved // MIB, reason=said["reason"],
                   elapsed_ms=said["elapsed_ms"])

    def check_nothing_follows(self, before, moved):
        """Once all is quiet the balloon holds no more than the order and others of the policy's say: what was being taken at the
        deadline has gone back. Both ends have the same books."""
        self.host.wait_quiet()

        def agreed():
            others = sum(one.get("os_moved", 0) for one in self.host.operations() if one["command"] == "balance")
            return self.held_inside() == self.taken() <= before + moved + others
        wait_until(agreed, 30, f"the balloon to hold {(before + moved) // MIB} MiB at most, and both ends to say so")

    def paused_domain_is_left_alone(self):
        with self.evidence():
            self.fill_heap()
            pieces = self.daemons.punched()[0]
            self.bed.libvirtd.virsh("suspend", "vm1")
            try:
                self.host.tool.json("squeeze", "vm1/app", "64MiB", "--deadline", "2s", within=60)
                expect(self.daemons.punched()[0] == pieces, "frames of a paused domain were taken")
                expect(self.bed.libvirtd.virsh("domstate", "vm1").strip() == "paused", "an operator's pause stays")
            finally:
                self.bed.libvirtd.virsh("resume", "vm1")
            self.host.wait_joined("vm1")
            self.check()

    def balloon_that_dies_gives_all_back_and_its_successor_is_found(self):
        with self.evidence():
            self.daemons.balloon.signal(signal.SIGKILL)
            self.daemons.balloon.wait(30)
            wait_until(lambda: "bad" in self.doctor(), 30, "hostd to say that it is gone")
            self.check()
            self.vm.run("rm -f /run/ab/balloon.sock")
            self.daemons.start_balloon(self.vm)
            wait_until(lambda: "ok" in self.doctor(), 30, "hostd to know its successor")
            expect(self.held_inside() == 0, "its successor holds nothing")
            self.check()

    def no_byte_was_lost(self):
        with self.evidence():
            self.check()
            pieces, wrong, longest_ms = self.daemons.punched()
            expect(pieces > 0 and self.checked > 0, "something was taken, and looked at")
            figure("all", pieces=pieces, pages_refused=wrong, guest_bytes_checked=self.checked, guest_bytes_lost=0,
                   longest_stop_ms=f"{longest_ms:.0f}")


TESTS = [Flight.heap_gives_first_then_the_application_balloon_and_back_in_reverse, Flight.nothing_is_taken_after_the_deadline,
         Flight.paused_domain_is_left_alone, Flight.balloon_that_dies_gives_all_back_and_its_successor_is_found,
         Flight.no_byte_was_lost]

def main():
    try:
        return fly(Flight, TESTS[:1], TESTS)
    finally:
        if Flight.made:
            Flight.made.close()


if __name__ == "__main__":
    sys.exit(main())
