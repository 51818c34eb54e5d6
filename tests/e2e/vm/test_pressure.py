#!/usr/bin/env python3
"""The pressure guard in a virtual machine: a rush for memory while the OS balloon holds 256 MiB.

By native memory, by native memory with hostd dead, and by the heap, each with the guard and without it. Nothing may be killed for
want of memory. Figures say how long it took from the beginning of the rush until the balloon's target was raised, until the
balloon was empty, and until the rush was over, and how long the guest stalled.

Without the guard guestd is deaf to the kernel's word of pressure, and for the rush of the heap it is dead: the agent in the JVM
cannot be had without its own guard, but nobody passes its word on. AEROSTAT_VM_SUBSET=1: only the first.
"""

import concurrent.futures
import re
import signal
import sys
import time

from test_flight import MIB, NEAR, Flight, expect, figure, fly

TAKEN_MIB = 256
ROOM_MIB = 128  # that a guest has left when its heap rushes: the rest has to come out of the balloon
HEAP_WITHIN_S = 540  # without the guard it took 70 s under emulation, most of it stalls
QUIET_S = 15  # with no new target by then, nobody means to empty the balloon
REACTS_WITHIN_MS = 200  # hostd, from the guest's word to the balloon's new target
# A guestd that never hears of pressure in a test's time.
DEAF = '[os]\npressure_stall = "10s"\npressure_window = "10s"\n'
OF_HEAPS = "(?:heap-growth|gc-distress|cleared-chunks|psi)"


def milliseconds(seconds):
    return "none" if seconds is None else f"{1000 * seconds:.0f}"


class Rush:
    """Watches the balloon from outside while the guest runs out of memory."""

    def __init__(self, vm, device):
        self.vm, self.device, self.full = vm, device, vm.hardware.memory_mib * MIB
        self.raised_at = self.empty_at = self.over_at = None
        self._stalled_before = self._stalled()

    def _stalled(self):
        """Seconds in which some task of the guest stalled for want of memory, since it booted."""
        return int(self.vm.run("head -n 1 /proc/pressure/memory").split("total=")[1]) / 1e6

    def stalled(self):
        return self._stalled() - self._stalled_before

    def watch(self, done, within):
        """Until done() and the balloon is as it will be. Times are those of the wall clock, as in logs."""
        self.began = time.time()
        started, _ = self.device.look()
        until = self.began + within
        while time.time() < until and not (done() and self.empty_at):
            target, actual = self.device.look()
            if self.over_at is None and done():
                self.over_at = time.time()
            if self.raised_at is None and target > started + NEAR:
                self.raised_at = time.time()
            if self.empty_at is None and actual >= self.full - NEAR:
                self.empty_at = time.time()
            if done() and target <= started + NEAR and time.time() > self.began + QUIET_S:
                break
        return self

    def since_began(self, moment):
        return None if moment is None else moment - self.began

    def killed(self):
        """By the kernel's log, which must be readable: grep ends with 1 where it has found none, with more where it has failed."""
        words = "-e 'Out of memory: Killed' -e 'oom-kill:'"
        return int(self.vm.run(f"dmesg >/run/dmesg && {{ grep -c {words} /run/dmesg || test $? -eq 1; }}"))


class Guarded(Flight):
    def squeezed(self, host):
        """Until the balloon holds what was squeezed out of the heap."""
        code, said = host.tool.json("squeeze", "vm1/app", f"{TAKEN_MIB}MiB", "--deadline", "20s")
        expect(code in (0, 3) and said.get("os_moved", 0) >= 0.8 * TAKEN_MIB * MIB, said)
        return said["os_moved"]

    def rush_of_native_memory(self, vm):
        """Into a file system in memory: more than there is, less than there will be."""
        size = vm.mem_available() // MIB + TAKEN_MIB // 2
        rush = Rush(vm, self.device(vm))
        job = vm.shell.start(f"exec dd if=/dev/zero of=/tmp/rush bs=1M count={size}")
        rush.watch(lambda: job.code is not None, 90)
        job.wait(60)
        expect(job.code == 0, f"the rush of {size} MiB ended with {job.code}")
        return rush

    def rush_of_the_heap(self, vm, jvm):
        """To four times what is alive, in a guest that is full but for ROOM_MIB."""
        filled = vm.mem_available() // MIB - ROOM_MIB
        expect(filled > 0, "the guest has room to be filled")
        vm.run(f"dd if=/dev/zero of=/tmp/filled bs=1M count={filled}")
        rush = Rush(vm, self.device(vm))
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            grown = pool.submit(jvm.tell, "live 400MiB", HEAP_WITHIN_S)
            rush.watch(grown.done, HEAP_WITHIN_S)
        expect("error" not in grown.result(), grown.result())
        vm.run("rm /tmp/filled")
        return rush

    @staticmethod
    def deafen(host, vm):
        """guestd no longer hears the kernel's word of pressure."""
        vm.kill_guestd(signal.SIGTERM)
        vm.run(f"cat >/tmp/deaf.toml <<'END'\n{DEAF}END")
        vm.start_guestd(name="app-guest", options="--config /tmp/deaf.toml")
        host.wait_joined("vm1")

    @staticmethod
    def still_well(vm, jvm):
        checked = jvm.tell("check", within=90)
        expect(checked["corrupt"] == "0", checked)
        served = jvm.tell("report", within=60)
        expect(served["oome"] == "0" and int(served["ops"]) > 0, served)

    @staticmethod
    def heard_at(host, since, cause="psi"):
        """When hostd first had the guest's word from then on, by its log; absent if it never had."""
        words = re.findall(rf"^(\S+ \S+)\.(\d{{3}}) \S+\s+pressure guest=vm1 .*cause={cause}", host.log(), re.MULTILINE)
        times = (time.mktime(time.strptime(second, "%Y-%m-%d %H:%M:%S")) + int(ms) / 1000 for second, ms in words)
        return next((moment for moment in times if moment >= since - 0.001), None)

    def report(self, name, host, rush, moved, cause="psi"):
        heard = self.heard_at(host, rush.began, cause) if host else None
        reacted = rush.raised_at - heard if heard and rush.raised_at else None
        figure(f"rush.{name}", balloon_mib=f"{moved / MIB:.0f}", heard_ms=milliseconds(rush.since_began(heard)),
               raised_ms=milliseconds(rush.since_began(rush.raised_at)), emptied_ms=milliseconds(rush.since_began(rush.empty_at)),
               hostd_ms=milliseconds(reacted), over_ms=milliseconds(rush.since_began(rush.over_at)),
               stalled_ms=milliseconds(rush.stalled()), killed=rush.killed())
        return heard, reacted

    def native_rush_empties_the_balloon(self):
        with self.app() as (host, vm, jvm):
            moved = self.squeezed(host)
            rush = self.rush_of_native_memory(vm)
            heard, reacted = self.report("native", host, rush, moved)
            expect(heard is not None, "the guest told the host:\n" + vm.guestd_log())
            expect(rush.raised_at is not None and rush.killed() == 0, "the balloon's target was raised and nobody was killed")
            expect(reacted < REACTS_WITHIN_MS / 1000 + 0.1, f"hostd took {1000 * reacted:.0f} ms, looking from outside included")
            expect("the guest stalls" in vm.guestd_log(), vm.guestd_log())
            vm.run("rm /tmp/rush")
            self.still_well(vm, jvm)

    def native_rush_without_the_guard(self):
        with self.app() as (host, vm, jvm):
            self.deafen(host, vm)
            moved = self.squeezed(host)
            rush = self.rush_of_native_memory(vm)
            heard, _ = self.report("native_without_guard", host, rush, moved)
            expect(heard is None, "without the guard nobody calls the host:\n" + vm.guestd_log())
            vm.run("rm /tmp/rush")
            self.still_well(vm, jvm)

    def native_rush_with_hostd_dead(self):
        with self.app() as (host, vm, jvm):
            moved = self.squeezed(host)
            host.kill()
            rush = self.rush_of_native_memory(vm)
            self.report("native_hostd_dead", None, rush, moved)
            expect(rush.killed() == 0, "the driver gives pages back before the kernel kills")
            vm.run("rm /tmp/rush")
            self.still_well(vm, jvm)

    def native_rush_with_hostd_dead_and_without_the_guard(self):
        with self.app() as (host, vm, jvm):
            self.deafen(host, vm)
            said = len(vm.guestd_log())
            moved = self.squeezed(host)
            host.kill()
            rush = self.rush_of_native_memory(vm)
            self.report("native_hostd_dead_without_guard", None, rush, moved)
            expect(rush.raised_at is None and rush.killed() == 0, "the driver alone gives pages back, before the kernel kills")
            expect("the guest stalls" not in vm.guestd_log()[said:], "guestd is deaf:\n" + vm.guestd_log())
            vm.run("rm /tmp/rush")
            self.still_well(vm, jvm)

    def rush_of_the_heap_empties_the_balloon(self):
        with self.app() as (host, vm, jvm):
            moved = self.squeezed(host)
            rush = self.rush_of_the_heap(vm, jvm)
            heard, _ = self.report("heap", host, rush, moved, OF_HEAPS)
            expect(rush.killed() == 0, "nobody was killed")
            expect(heard is not None, "the guest told the host:\n" + vm.guestd_log())
            expect(rush.empty_at is not None, "all that the balloon held was given")
            self.still_well(vm, jvm)

    def rush_of_the_heap_without_the_guard(self):
        with self.app() as (host, vm, jvm):
            moved = self.squeezed(host)
            vm.kill_guestd()
            rush = self.rush_of_the_heap(vm, jvm)
            heard, _ = self.report("heap_without_guard", host, rush, moved, OF_HEAPS)
            expect(heard is None, "nobody calls the host:\n" + host.log())
            self.still_well(vm, jvm)


SUBSET = [Guarded.native_rush_empties_the_balloon]
TESTS = [*SUBSET, Guarded.native_rush_without_the_guard, Guarded.native_rush_with_hostd_dead,
         Guarded.native_rush_with_hostd_dead_and_without_the_guard, Guarded.rush_of_the_heap_empties_the_balloon,
         Guarded.rush_of_the_heap_without_the_guard]


if __name__ == "__main__":
    sys.exit(fly(Guarded, SUBSET, TESTS))
