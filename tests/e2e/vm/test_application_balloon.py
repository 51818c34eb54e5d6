#!/usr/bin/env python3
"""The application balloon against a real guest: memory is given and got back, and nothing else is ever lost.

The guest keeps memory with known bytes all the time; after each test every byte of it is looked at. Figures: pieces taken, pages
refused for want of the pattern, the longest time the guest's processors stood still, and speed beside virtio-balloon.
"""

import os
import signal
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

from application_balloon import Balloon, held_by_host  # noqa: E402
from balloon_flight import BATCH, MEMORY_MIB, Flight, HostHugePages, speeds  # noqa: E402
from bed import Bed, Unavailable  # noqa: E402
from checks import expect, run_all  # noqa: E402
from harness import MIB, Trouble, wait_for  # noqa: E402

TAKEN_MIB = 256
LOOSE = 16 * MIB  # what a guest that runs takes or frees by itself
# Free pages that the kernel keeps for its processors are in no figure of it: with transparent huge pages this much.
HIDDEN = 96 * MIB


def figure(name, value):
    print(f"FIGURE application_balloon.{name} {value}", flush=True)


def gives_and_gets_back(flight, huge_pages):
    balloon = Balloon(flight.vm, huge_pages)
    try:
        expect(balloon.method == ("huge-pages" if huge_pages else "pinned"), f"{balloon.method}\n{balloon.log()}")
        flight.touch_all()  # there is something to be had
        before, available = held_by_host(flight.vm), flight.vm.mem_available()
        flight.inflate(balloon, TAKEN_MIB)
        got = before - held_by_host(flight.vm)
        expect(abs(got - TAKEN_MIB * MIB) < LOOSE, f"{TAKEN_MIB} MiB given, {got / MIB:.1f} MiB got")
        flight.check()
        expect(flight.vm.mem_available() < available - (TAKEN_MIB - 32) * MIB, "the guest knows that it has less")
        expect(balloon.deflate(5) == 5 and balloon.held() == (TAKEN_MIB // 2 - 5, 0), "five pieces went back")
        expect(balloon.deflate(10000) == TAKEN_MIB // 2 - 5, "all others went back")
        wait_for(lambda: flight.vm.mem_available() > available - HIDDEN, 30, "the guest to have its memory back")
        flight.fill_and_check()
        again = held_by_host(flight.vm)
        expect(again > before - HIDDEN, f"the host held {before / MIB:.0f} MiB before and {again / MIB:.0f} MiB again")
        flight.check()
    finally:
        balloon.end()


def memory_is_given_and_got_back_on_huge_pages(flight):
    gives_and_gets_back(flight, huge_pages=True)


def memory_is_given_and_got_back_when_pinned(flight):
    gives_and_gets_back(flight, huge_pages=False)


def dies_between_telling_and_punch(flight, huge_pages):
    balloon = Balloon(flight.vm, huge_pages)
    frames = balloon.inflate(BATCH)
    balloon.end(signal.SIGKILL)
    # What was the balloon's may be anybody's by now: the guest fills it with data that must not be lost.
    done = flight.fill_and_check(lambda: flight.take(balloon, frames))
    return len(frames), done


def killed_balloon_costs_nobody_a_byte(flight):
    told, done = dies_between_telling_and_punch(flight, huge_pages=False)
    expect(len(done.taken) < told, "the guest used some of the memory, and that was seen")
    expect(done.wrong > 0, f"pages without the pattern were seen: {done}")
    figure("pieces_refused_after_a_kill", told - len(done.taken))


def huge_pages_outlive_their_process_and_the_next_one_frees_them(flight):
    told, done = dies_between_telling_and_punch(flight, huge_pages=True)
    expect(len(done.taken) == told, f"a dead process's huge pages still hold: {done}")
    expect(flight.huge_pages() == told, f"{flight.huge_pages()} huge pages outlived the process, of {told}")
    balloon = Balloon(flight.vm, huge_pages=True)
    expect(balloon.held() == (0, 0), "nothing is held at first")
    expect(flight.huge_pages() == 0, f"{flight.huge_pages()} huge pages of the dead one are still there")
    balloon.end()


def compaction_moves_no_piece(flight):
    """Memory full of holes, and the kernel told to put it in order, between telling and punch."""
    for huge_pages in (False, True):
        balloon = Balloon(flight.vm, huge_pages)
        try:
            frames = balloon.inflate(BATCH)
            moved = flight.vm.run("grep -E 'compact_migrate_scanned' /proc/vmstat")
            flight.vm.run("for i in 1 2 3 4 5 6 7 8; do dd if=/dev/zero of=/tmp/hole$i bs=64k count=300 2>/dev/null; done; "
                          "rm /tmp/hole[1357]; echo 1 >/proc/sys/vm/compact_memory; rm /tmp/hole*", within=120)
            after = flight.vm.run("grep -E 'compact_migrate_scanned' /proc/vmstat")
            expect(moved != after, "the kernel has compacted")
            done = flight.take(balloon, frames)
            expect(done.taken == frames and done.wrong == 0, f"{balloon.method}: pieces stay where they are: {done}")
            flight.check()
        finally:
            balloon.end()


def wrong_frames_cost_nobody_a_byte(flight):
    """Told on purpose: all frames of the guest, frames it does not have, those it gave back, those of another session."""
    balloon = Balloon(flight.vm, huge_pages=False)
    try:
        everything = list(range(0, 2 * MEMORY_MIB))  # twice its RAM
        done = flight.take(balloon, everything)
        expect(done.taken == [] and done.outside >= MEMORY_MIB, f"nothing is the balloon's: {done}")
        flight.check()
        frames = balloon.inflate(BATCH)
        done = flight.punch.take(flight.uuid, "00" * 16, frames)
        expect(done.taken == [] and done.wrong == 512 * len(frames), f"another session's: {done}")
        done = flight.take(balloon, everything)
        expect(done.taken == frames, f"the balloon's own and no other: {done}")
        balloon.settle(frames)
        balloon.deflate(BATCH)
        flight.touch_all()
        done = flight.take(balloon, everything)
        expect(done.taken == [], f"given back and used again: {done}")
        flight.check()
        figure("frames_told_wrongly", 3 * len(everything))
    finally:
        balloon.end()


def malformed_orders_are_dropped(flight):
    for line in (f"punch 1 9 {flight.uuid} {'00' * 16} 5 4", "punch 1 9 ../../x 00 1", "x" * 3000):
        flight.punch.tell(line)  # no answer comes
    answer = flight.punch.say(f"look 77 {flight.uuid}")
    expect(answer.startswith("punched 77 0 0 0 0 0"), answer)
    answer = flight.punch.say("look 78 00000000-0000-0000-0000-000000000000")
    expect(answer.startswith("refused 78 not-found"), answer)


def paused_domain_is_left_alone(flight):
    balloon = Balloon(flight.vm, huge_pages=False)
    frames = balloon.inflate(BATCH)
    flight.bed.libvirtd.virsh("suspend", flight.vm.name)
    try:
        answer = flight.punch.take(flight.uuid, balloon.secret, frames)
        expect(isinstance(answer, str) and "does not run" in answer, answer)
        expect(flight.bed.libvirtd.virsh("domstate", flight.vm.name).strip() == "paused", "an operator's pause stays")
    finally:
        flight.bed.libvirtd.virsh("resume", flight.vm.name)
    done = flight.take(balloon, frames)
    expect(done.taken == frames, f"{done}")
    balloon.end()


def qemu_that_hangs_holds_nobody_up_and_gets_no_order_late(flight):
    balloon = Balloon(flight.vm, huge_pages=False)
    try:
        frames = balloon.inflate(BATCH)
        before = held_by_host(flight.vm)
        os.kill(flight.vm.qemu_pid, signal.SIGSTOP)
        try:
            order = flight.punch.order(flight.uuid, balloon.secret, frames, within=3)
            flight.punch.tell(order)
            answer = flight.punch.say("look 78 00000000-0000-0000-0000-000000000000")
            expect(answer.startswith("refused 78 not-found"), f"another domain's order is answered first: {answer}")
            answer = flight.punch.hear()
            expect(answer.startswith(f"refused {order.split()[1]} timed-out"), answer)
        finally:
            os.kill(flight.vm.qemu_pid, signal.SIGCONT)
        # Its turn among the domain's orders comes when the late one is through.
        answer = flight.punch.say(f"look 79 {flight.uuid}")
        expect(answer.startswith("punched 79 "), answer)
        expect(held_by_host(flight.vm) >= before, "the late order took nothing")
        expect(flight.bed.libvirtd.virsh("domstate", flight.vm.name).strip() == "running", "it was not stopped for it")
        expect(flight.take(balloon, frames).taken == frames, "the pieces can still be taken")
        flight.check()
    finally:
        balloon.end()


def domain_that_a_dead_punch_left_paused_goes_on(flight):
    flight.punch.end(signal.SIGKILL)
    # As it leaves things when it dies between pause and resume.
    flight.bed.libvirtd.virsh("suspend", flight.vm.name)
    with open(os.path.join(flight.punch.directory, f"paused-{flight.uuid}"), "w", encoding="ascii"):
        pass
    flight.punch.start()
    wait_for(lambda: flight.bed.libvirtd.virsh("domstate", flight.vm.name).strip() == "running", 30, "the domain to run again")
    flight.check()


def speed(flight, label):
    found = speeds(flight, TAKEN_MIB, rounds=1)
    for name, of in (("", found["application"]), ("virtio_", found["virtio"])):
        figure(f"{label}_{name}mib_per_s", f"{of['mib_per_s']:.0f}")
        figure(f"{label}_{name}got_mib", f"{of['got_mib']:.0f}")
    figure(f"{label}_speed_ratio", f"{found['ratio']:.2f}")
    # Loosely: meanwhile the guest touches memory that it never had. The promise is kept by the tests above.
    expect(found["application"]["returned"] > 0.75, found)


def speed_beside_virtio_balloon(flight):
    speed(flight, "ordinary")


def huge_pages_of_the_host_come_back_whole(flight):
    with HostHugePages(MEMORY_MIB + 16):
        huge = Flight(flight.bed, "huge", huge_pages=True)
        try:
            speed(huge, "huge")
            add_up(flight, huge)
        finally:
            huge.end()


def add_up(flight, other):
    for name in ("bytes_checked", "bytes_lost"):
        setattr(flight, name, getattr(flight, name) + getattr(other, name))
    for name in ("pieces", "wrong", "checked"):
        setattr(flight.punch, name, getattr(flight.punch, name) + getattr(other.punch, name))
    flight.punch.longest_us = max(flight.punch.longest_us, other.punch.longest_us)


def nothing_was_lost_in_all(flight):
    flight.check()
    figure("pieces_punched", flight.punch.pieces)
    figure("pages_refused", flight.punch.wrong)
    figure("punch_checked_mib", flight.punch.checked // MIB)
    figure("guest_bytes_checked", flight.bytes_checked)
    figure("guest_bytes_lost", flight.bytes_lost)
    figure("longest_pause_ms", f"{flight.punch.longest_us / 1000:.1f}")
    expect(flight.bytes_checked > 0 and flight.bytes_lost == 0, f"{flight.bytes_lost} of {flight.bytes_checked} bytes are lost")


TESTS = [memory_is_given_and_got_back_on_huge_pages, memory_is_given_and_got_back_when_pinned,
         killed_balloon_costs_nobody_a_byte, huge_pages_outlive_their_process_and_the_next_one_frees_them,
         compaction_moves_no_piece, wrong_frames_cost_nobody_a_byte, malformed_orders_are_dropped, paused_domain_is_left_alone,
         qemu_that_hangs_holds_nobody_up_and_gets_no_order_late, domain_that_a_dead_punch_left_paused_goes_on,
         speed_beside_virtio_balloon, huge_pages_of_the_host_come_back_whole, nothing_was_lost_in_all]


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    chosen = [test for test in TESTS if not sys.argv[1:] or any(word in test.__name__ for word in sys.argv[1:])]
    try:
        if os.geteuid() != 0:
            raise Unavailable("guest RAM is taken as root only")
        bed = Bed()
    except Unavailable as why:
        print(f"SKIP virtual machines: {why}\n0 passed, 0 failed, {len(chosen)} skipped", flush=True)
        return 0
    with bed:
        flight = Flight(bed, "vm1")

        def play(test):
            try:
                test(flight)
            except (AssertionError, Trouble):
                print(f"{flight.punch.log()[-3000:]}{flight.vm.run('tail -n 20 /run/log/balloon.log')}", flush=True)
                raise

        try:
            return run_all([(test.__name__, lambda test=test: play(test)) for test in chosen])
        finally:
            flight.punch.end()


if __name__ == "__main__":
    sys.exit(main())
