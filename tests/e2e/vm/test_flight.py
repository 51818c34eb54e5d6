#!/usr/bin/env python3
"""The thinnest flight through libvirt: JVM, agent, guestd and OS balloon in a virtual machine, hostd and aerostatctl outside.

What is said to be free is seen from outside, by the bed's own measure; nothing is taken after an operation has ended; daemons
that are killed in mid-act leave no harm. Prints its figures in lines that start with FIGURE. AEROSTAT_VM_SUBSET=1: only the
round trip and the busy guest.
"""

import contextlib
import dataclasses
import os
import re
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

from balloon_device import BalloonDevice  # noqa: E402
from bed import Bed, Recipe, Start  # noqa: E402
from checks import expect, wait_until  # noqa: E402
from domain import Hardware  # noqa: E402
from flights import fly  # noqa: E402
from harness import MIB  # noqa: E402
from host_stage import HostStage  # noqa: E402

# The heap in small pages: what it holds is then what the program has touched, not what the kernel has rounded it up to.
SMALL_PAGES = "transparent_hugepage=madvise"
# 100 MiB alive, 350 MiB garbage, requests all the while.
APP = Recipe(hardware=Hardware(memory_mib=1024, kernel_options=SMALL_PAGES), guest_name="app-guest",
             services=(Start("app", ("-Xmx640m", "-Xms64m", "-XX:+UseG1GC"), ("live 100MiB", "garbage 350MiB"), "--rate 50"),))
# The same, in a domain that comes again when its guest restarts; else that ends it.
REBOOTS = dataclasses.replace(APP, hardware=dataclasses.replace(APP.hardware, restarts=True))
# Its balloon does not give pages back to a guest in need.
PLAIN = Recipe(hardware=Hardware(memory_mib=512, kernel_options=SMALL_PAGES, autodeflate=False), guest_name="plain-guest",
               services=(Start("app", ("-Xmx256m", "-Xms32m", "-XX:+UseG1GC"), ("live 32MiB", "garbage 128MiB"), "--rate 50"),))

FLOOR_IS_OFF_MIB = 48  # what is alive is an estimate: a cycle may find more of it
STEP_MIB = 128  # what hostd has outstanding with a guest's driver at most
NEAR = MIB      # the driver counts in pages, libvirt in KiB


def figure(name, **numbers):
    print(f"FIGURE {name} " + " ".join(f"{key}={value}" for key, value in numbers.items()), flush=True)


def mib(size):
    return f"{size / MIB:.0f}"


class Flight:
    """One bed for all tests. Each has a hostd and guests of its own, so that none sees what another has left."""

    def __init__(self):
        self.bed = Bed()
        print(f"     accelerator: {self.bed.accelerator}", flush=True)
        self._flights = 0

    @contextlib.contextmanager
    def host(self, uri=None, **options):
        """A hostd; shows what it and the guests said if the test fails, while they are there; ends with all guests."""
        self._flights += 1
        host = HostStage(self.bed, f"flight-{self._flights}", uri, **options)
        try:
            yield host
        except Exception:
            print(f"--- hostd's log\n{host.log()}", flush=True)
            self.bed.show_evidence()
            raise
        finally:
            host.close()
            for name in list(self.bed.domains):
                self.bed.destroy(name)

    @contextlib.contextmanager
    def app(self, room_mib=300, recipe=None, **options):
        """A hostd and the guest vm1 with the JVM "app", which has so much above its floor."""
        with self.host(**options) as host:
            vm = self.bed.warm("vm1", recipe or APP)
            host.wait_joined("vm1")
            host.wait_room("vm1", room_mib)
            host.wait_quiet()
            vm.services["app"].tell("report")  # counts from here on
            yield host, vm, vm.services["app"]

    def device(self, vm):
        return BalloonDevice(self.bed.libvirtd, vm)

    def current_memory(self, vm):
        """What the guest has by the domain's XML, in bytes."""
        return int(re.search(r"<currentMemory unit='KiB'>(\d+)<", self.bed.libvirtd.virsh("dumpxml", vm.name)).group(1)) * 1024

    # The promise.

    def memory_goes_and_comes_back(self):
        deadline_ms = 8000
        with self.app() as (host, vm, jvm):
            began = time.monotonic()
            before = vm.guest_ram_resident()
            code, said = host.tool.json("squeeze", "vm1/app", "256MiB", "--deadline", f"{deadline_ms}ms")
            expect(code == 0 and said["reason"] == "met", said)
            expect(said["obtained"] >= 0.98 * 256 * MIB, said)
            expect(said["os_moved"] >= 0.9 * 256 * MIB, said)
            expect(said["verified"] > 0, said)
            expect(said["elapsed_ms"] <= deadline_ms, said)
            wait_until(lambda: vm.guest_ram_resident() <= before - 205 * MIB, 10, "four fifths of 256 MiB of the guest's RAM to be free")
            after = vm.guest_ram_resident()
            full = vm.hardware.memory_mib * MIB
            expect(abs(vm.balloon_actual() - (full - said["os_moved"])) <= NEAR, f"{mib(vm.balloon_actual())} left: {said}")
            served = jvm.tell("report")
            seconds = time.monotonic() - began
            expect(int(served["ops"]) > 0 and served["oome"] == "0" and served["corrupt"] == "0", served)

            code, given = host.tool.json("give", "vm1/app", "256MiB", "--deadline", f"{deadline_ms}ms")
            expect(code == 0 and given["os_moved"] >= 0.9 * 256 * MIB, given)
            wait_until(lambda: vm.balloon_actual() >= full - NEAR, 10, "the OS balloon to be empty")
            grown = jvm.tell("live 300MiB", within=180)
            expect("error" not in grown, grown)
            checked = jvm.tell("check", within=60)
            expect(checked["corrupt"] == "0" and int(checked["records"]) >= 300 * MIB // 4096, checked)
            later = jvm.tell("report")
            expect(int(later["ops"]) > 0 and later["oome"] == "0" and later["corrupt"] == "0", later)
            figure("flight", java_mib=mib(said["obtained"]), virtio_mib=mib(said["os_moved"]), verified_mib=mib(said["verified"]),
                   ram_before_mib=mib(before), ram_after_mib=mib(after), elapsed_ms=said["elapsed_ms"], deadline_ms=deadline_ms,
                   give_ms=given["elapsed_ms"], requests_per_s=f"{int(served['ops']) / seconds:.0f}",
                   worst_stall_ms=served["worst_stall_ms"])

    # A partial result, and nothing afterwards.

    SWING = ("live 300MiB", "live 100MiB")

    def busy_guest_gives_what_it_can_and_nothing_afterwards(self):
        with self.app() as (host, vm, jvm):
            device = self.device(vm)
            jvm.tell("rate 200")
            said = self.squeeze_a_growing_heap(host, jvm)
            left = vm.balloon_actual()
            expect(said["reason"] != "met" or said.get("detail"), f"less than all of it, and no reason: {said}")
            expect(said["elapsed_ms"] <= 3 * 2000, said)
            taken = self.watch_taken(device, left, 30)
            own = self.os_taken_by_policy(host)
            expect(taken <= own + NEAR, f"{mib(taken)} MiB taken after the end, {mib(own)} by orders: {host.tool.json('ops')[1]}")
            held = vm.hardware.memory_mib * MIB - (left - taken)
            given = max(one["obtained"] for one in host.operations() if one["command"] == "squeeze")
            expect(held <= given + NEAR, f"the balloon held {mib(held)} MiB, the heap gave {mib(given)}: {host.tool.json('ops')[1]}")
            wait_until(lambda: abs(device.look()[0] - device.look()[1]) <= NEAR, 10, "nothing to be ordered that is not done")
            wait_until(lambda: abs(self.current_memory(vm) - device.look()[1]) <= NEAR, 10, "libvirt to say so, too")
            for _ in self.SWING:
                jvm.next_answer(180)
            served = jvm.tell("report")
            expect(int(served["ops"]) > 0 and served["oome"] == "0" and served["corrupt"] == "0", served)
            figure("busy", asked_mib=mib(said["asked"]), obtained_mib=mib(said["obtained"]), reason=said["reason"],
                   os_moved_mib=mib(said.get("os_moved", 0)), taken_afterwards_mib=mib(taken), of_it_by_the_policy_mib=mib(own),
                   elapsed_ms=said["elapsed_ms"])
            print(f"     {said.get('detail')}", flush=True)

    @staticmethod
    def os_taken_by_policy(host):
        """What the policy's own orders have moved by the OS balloon: the ceiling stays in force after a squeeze, and what a heap
        in need was given is asked for again when the need has passed. Orders of their own, with deadlines of their own. A target
        that falls while the heap holds less is one of them too, and has nothing to verify in the heap."""
        return sum(one.get("os_moved", 0) for one in host.operations() if one["command"] == "balance")

    @staticmethod
    def squeeze_a_growing_heap(host, jvm):
        """Asks for nearly all that is above the floor, in two seconds, while the live set grows: at its height it does not fit
        into what would be left. Again, with the next swing, if hostd has just heard enough to refuse, or if no collection cycle
        ended in time, so that the OS balloon had nothing to do: there would be little to watch. The JVM is left swinging."""
        def is_partial(said):
            return said["obtained"] < said["asked"] - NEAR or said.get("os_moved", 0) < said["obtained"] - NEAR

        partial, answers = None, []
        for swing in range(6):
            if swing:
                host.tool.run("release", "vm1")
                for _ in Flight.SWING:
                    jvm.next_answer(180)
            host.wait_room("vm1", 200)
            for order in Flight.SWING:
                jvm.order(order)
            code, said = host.tool.json("squeeze", "vm1/app", f"{host.room('vm1') // MIB - 8}MiB", "--deadline", "2s")
            answers.append(said)
            expect("reason" in said or (code == 1 and said["error"]["code"] == "refused"), said)
            if "reason" in said and is_partial(said):
                partial = said
                if said.get("os_moved"):
                    break
        expect(partial, f"never a part of what was asked for: {answers}")
        return partial

    @staticmethod
    def watch_taken(device, left, seconds):
        """How much less than `left` the guest had at some moment, or was ordered to have."""
        least = left
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            least = min(least, *device.look())
            time.sleep(0.2)
        return left - least

    # Daemons killed.

    def hostd_killed_in_mid_step_takes_no_more_than_the_step(self):
        with self.app(350) as (host, vm, jvm):
            device, full = self.device(vm), vm.hardware.memory_mib * MIB
            asked = min(400, host.room("vm1") // MIB - 16)
            began = time.monotonic()
            code, said = host.tool.json("squeeze", "vm1/app", f"{asked}MiB", "--deadline", "8s", "--no-wait")
            expect(code == 0, said)
            wait_until(lambda: device.look()[1] < full - 4 * MIB, 12, "the OS balloon to begin")
            left_s = 8 - (time.monotonic() - began)
            host.kill()
            ordered, actual = device.look()
            expect(actual > full - asked * MIB, f"killed too late: all {asked} MiB are taken")
            least, available = self.watch_harm(vm, jvm, device, 20)
            taken = actual - min(least, actual)
            expect(taken <= STEP_MIB * MIB + NEAR, f"{mib(taken)} MiB taken after the kill")
            expect(least >= ordered - NEAR, f"{mib(least)} MiB left, {mib(ordered)} ordered")
            expect(available > 0, "the guest has nothing available")

            began = time.monotonic()
            host.start()
            host.wait_joined("vm1")
            wait_until(lambda: abs(device.look()[0] - device.look()[1]) <= NEAR, 30, "the outstanding step to be settled")
            converged = time.monotonic() - began
            settled = device.look()[1]
            again = self.watch_taken(device, settled, 5)
            host.wait_quiet()  # what an order of the policy has moved is known when it has ended
            own = self.os_taken_by_policy(host)
            expect(again <= own + NEAR, f"settled, and yet it takes {mib(again)} MiB, {mib(own)} by orders of the policy")
            self.still_flies(host, jvm)
            figure("killed", left_of_deadline_s=f"{left_s:.1f}", outstanding_mib=mib(actual - ordered),
                   taken_after_kill_mib=mib(taken), least_available_mib=mib(available), converged_s=f"{converged:.1f}")

    def hostd_killed_one_second_before_the_deadline_takes_no_more_than_the_step(self):
        with self.app(350) as (host, vm, jvm):
            device, full = self.device(vm), vm.hardware.memory_mib * MIB
            deadline_s = self.time_until_the_balloon_begins(host, device, full) + 1.1
            for attempt in range(4):  # until it happens in mid-step; what is promised holds each time
                self.refill(host, jvm, full, device)
                began = time.monotonic()
                asked = min(400, host.room("vm1") // MIB - 16)
                code, said = host.tool.json("squeeze", "vm1/app", f"{asked}MiB", "--deadline", f"{deadline_s * 1000:.0f}ms", "--no-wait")
                expect(code == 0, said)
                wait_until(lambda: time.monotonic() - began >= deadline_s - 1.0, 30, "the last second")
                host.kill()
                ordered, actual = device.look()
                least, available = self.watch_harm(vm, jvm, device, 8)
                taken = actual - min(least, actual)
                expect(taken <= STEP_MIB * MIB + NEAR, f"{mib(taken)} MiB taken after the kill")
                expect(least >= ordered - NEAR, f"{mib(least)} MiB left, {mib(ordered)} ordered")
                expect(available > 0, "the guest has nothing available")
                host.start()
                host.wait_joined("vm1")
                figure("killed_late", left_of_deadline_s=1.0, deadline_s=f"{deadline_s:.1f}", asked_mib=asked, os_taken_by_then_mib=mib(full - actual),
                       outstanding_mib=mib(actual - ordered), taken_after_kill_mib=mib(taken), least_available_mib=mib(available))
                in_mid_step = actual - ordered > NEAR
                if in_mid_step:
                    break
                deadline_s += 0.15 if actual >= full - NEAR else -0.1
            expect(in_mid_step, "four times, and never killed in the middle of a step")
            self.still_flies(host, jvm)

    @staticmethod
    def time_until_the_balloon_begins(host, device, full):
        began = time.monotonic()
        code, said = host.tool.json("squeeze", "vm1/app", f"{min(400, host.room('vm1') // MIB - 16)}MiB", "--deadline", "8s", "--no-wait")
        expect(code == 0, said)
        wait_until(lambda: device.look()[0] < full - 4 * MIB, 12, "the OS balloon to begin")
        took = time.monotonic() - began
        host.wait_ended(said["op"], 15)
        return took

    @staticmethod
    def refill(host, jvm, full, device):
        """Gives all back and makes the heap full of garbage again."""
        host.tool.json("release", "vm1")
        wait_until(lambda: device.look()[1] >= full - NEAR, 15, "the OS balloon to be empty")
        jvm.tell("garbage 350MiB", within=120)
        host.wait_room("vm1", 250)
        host.wait_quiet()

    @staticmethod
    def watch_harm(vm, jvm, device, seconds):
        """(least the guest had, least it had available) while the JVM had to answer all the time."""
        least, available = device.look()[1], vm.mem_available()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            least = min(least, device.look()[1])
            available = min(available, vm.mem_available())
            served = jvm.tell("report", within=20)
            expect(served["oome"] == "0" and served["corrupt"] == "0", served)
            time.sleep(0.2)
        return least, available

    @staticmethod
    def still_flies(host, jvm):
        """Orders are taken, and the JVM has all its data."""
        code, said = host.tool.json("give", "vm1/app", "32MiB")
        expect(code in (0, 3) and "reason" in said, f"orders are taken again: {said}")
        Flight.has_all_its_data(jvm)

    @staticmethod
    def gives_and_takes(host, jvm, size_mib=64):
        """It can be moved as before: all back, something to give, and given."""
        expect(host.tool.run("release", "vm1")[0] in (0, 3), "what was held is released")
        jvm.tell("garbage 350MiB", within=180)
        host.wait_room("vm1", size_mib + FLOOR_IS_OFF_MIB)
        host.wait_quiet()
        code, said = host.tool.json("squeeze", "vm1/app", f"{size_mib}MiB", "--deadline", "20s")
        expect(code == 0 and said["obtained"] >= 0.9 * size_mib * MIB, said)
        Flight.still_flies(host, jvm)
        return said

    @staticmethod
    def has_all_its_data(jvm):
        checked = jvm.tell("check", within=60)
        served = jvm.tell("report")
        expect(checked["corrupt"] == "0" and served["oome"] == "0", (checked, served))

    def guestd_killed_in_mid_squeeze_converges(self):
        with self.app() as (host, vm, jvm):
            goal = host.footprint("vm1") - 256 * MIB
            since = len(host.log())
            code, begun = host.tool.json("squeeze", "vm1/app", "256MiB", "--deadline", "20s", "--no-wait")
            expect(code == 0, begun)
            began = time.monotonic()
            vm.kill_guestd()
            vm.start_guestd()
            # The port stays open while nobody is behind it: hostd learns that a guestd has left from the next one's hello.
            host.wait_logged("lost guest=vm1", since, 30)
            host.wait_logged("joined guest=vm1", since, 30)
            host.wait_joined("vm1")
            ended = host.wait_ended(begun["op"], 30)
            expect(ended["reason"] == "met", f"the order goes out again when the new guestd has its JVM back: {ended}")
            wait_until(lambda: host.footprint("vm1") <= goal * 1.05 + 16 * MIB, 30, f"the footprint to come to {mib(goal)} MiB")
            converged = time.monotonic() - began
            taken = vm.hardware.memory_mib * MIB - vm.balloon_actual()
            expect(0.9 * 256 * MIB <= taken <= 1.25 * 256 * MIB, f"the OS balloon follows, once: {mib(taken)} MiB, {ended}")
            self.still_flies(host, jvm)
            figure("guestd_killed", converged_s=f"{converged:.1f}", reason=ended["reason"], obtained_mib=mib(ended["obtained"]),
                   os_balloon_mib=mib(taken))

    # What cannot be done is said.

    def late_libvirtd_plain_balloon_and_stranger(self):
        late = os.path.join(self.bed.directory, "late-sock")
        with self.host(self.bed.uri.replace("libvirt-sock", "late-sock")) as host:
            warned = wait_until(lambda: [text for text in host.tool.status()["warnings"] if "late-sock" in text], 10, "a warning")
            expect("No such file" in warned[0], f"libvirt's own words: {warned}")
            vm, stranger = self.bed.warm("vm1", PLAIN), self.bed.warm("stranger", PLAIN)
            began = time.monotonic()
            os.symlink(os.path.join(self.bed.directory, "libvirt-sock"), late)
            host.wait_joined("vm1")
            figure("late_libvirtd", joined_s=f"{time.monotonic() - began:.1f}")
            expect(not [text for text in host.tool.status()["warnings"] if "late-sock" in text], host.tool.status()["warnings"])
            self.heap_shrinks_without_the_balloon(host, vm)
            self.stranger_is_observed_only(host, stranger)

    def heap_shrinks_without_the_balloon(self, host, vm):
        expect(any("vm1" in text and "autodeflate" in text for text in host.tool.status()["warnings"]), host.tool.status())
        host.wait_room("vm1", 80)
        host.wait_quiet()
        code, said = host.tool.json("squeeze", "vm1/app", "64MiB", "--deadline", "8s")
        expect(code == 0 and said["reason"] == "met" and said["obtained"] >= 0.98 * 64 * MIB, said)
        expect(not said.get("os_moved") and "autodeflate='on'" in said["detail"], f"it says what to do: {said}")
        expect(self.device(vm).look() == (512 * MIB, 512 * MIB), "the OS balloon is left alone")
        figure("no_autodeflate", java_mib=mib(said["obtained"]), elapsed_ms=said["elapsed_ms"])
        print(f"     {said['detail']}", flush=True)

    @staticmethod
    def stranger_is_observed_only(host, stranger):
        seen = wait_until(lambda: host.guest("stranger"), 10, "the domain nobody named to be seen")
        wait_until(lambda: host.guest("stranger")["charged_bytes"] > 100 * MIB, 10, "it to be charged for")
        expect(seen["state"] == "observed", seen)
        code, said = host.tool.json("squeeze", "stranger/app", "32MiB")
        expect(code == 1 and said["error"]["code"] == "refused" and "[guest.stranger]" in said["error"]["message"], said)
        expect(stranger.balloon_actual() == 512 * MIB, "it is left alone")
        print(f"     {said['error']['message']}", flush=True)


SUBSET = [Flight.memory_goes_and_comes_back, Flight.busy_guest_gives_what_it_can_and_nothing_afterwards]
TESTS = [*SUBSET, Flight.hostd_killed_in_mid_step_takes_no_more_than_the_step,
         Flight.hostd_killed_one_second_before_the_deadline_takes_no_more_than_the_step, Flight.guestd_killed_in_mid_squeeze_converges,
         Flight.late_libvirtd_plain_balloon_and_stranger]


if __name__ == "__main__":
    sys.exit(fly(Flight, SUBSET, TESTS))
