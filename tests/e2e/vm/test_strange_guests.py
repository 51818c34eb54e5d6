#!/usr/bin/env python3
"""Guests that cannot give, or do not mean to: without guestd, without a balloon, with locked memory; and guests whose guestd
lies, floods or is stuck. Each beside a guest that is as it should be, which nothing of it may harm."""

import contextlib
import dataclasses
import os
import signal
import sys
import threading
import time

from test_flight import MIB, PLAIN, SMALL_PAGES, Flight, expect, figure, fly, mib, wait_until

from strange_guest import StrangeGuest

NO_BALLOON = dataclasses.replace(PLAIN, hardware=dataclasses.replace(PLAIN.hardware, balloon=False))
SOON = 60
ANSWERS_WITHIN_S = 5  # an operator, whatever guests do
QUIET_MIB = 48        # what a measure of a guest's RAM and hostd's may differ by: they look at different moments


class Strange(Flight):
    @contextlib.contextmanager
    def beside(self, **options):
        """A hostd, the good guest vm1, and (yielded last) what checks that vm1 can be moved all the same."""
        with self.app(**options) as (host, vm, jvm):
            def well(size_mib=48):
                host.wait_joined("vm1")
                host.wait_room("vm1", size_mib + 16)
                code, said = host.tool.json("squeeze", "vm1/app", f"{size_mib}MiB", "--deadline", "20s")
                expect(code == 0 and said["obtained"] >= 0.9 * size_mib * MIB, said)
                self.has_all_its_data(jvm)
                return said
            yield host, vm, well

    @staticmethod
    def charged_as_measured(host, vm):
        def agree():
            guest = host.guest(vm.name)
            return guest and abs(guest["charged_bytes"] - vm.guest_ram_resident()) < QUIET_MIB * MIB
        wait_until(agree, SOON, f"{vm.name} to be charged for what it holds")
        return host.guest(vm.name)["charged_bytes"]

    @staticmethod
    def refused(host, target, *words):
        """The sentence by which an order is refused, in which these words are."""
        code, said = host.tool.json("squeeze", target, "32MiB", "--deadline", "5s")
        expect(code == 1 and all(word in said["error"]["message"] for word in words), said)
        return said["error"]["message"]

    def left_alone(self, host, vm, *words):
        host.wait_state(vm.name, "left-alone")
        notes = " ".join(host.guest(vm.name)["notes"])
        expect(all(word in notes for word in words), notes)
        return notes

    # Those that cannot.

    def a_guest_without_guestd_is_charged_and_left_as_it_is(self):
        with self.beside() as (host, _, well):
            vm = self.bed.boot("vm2", memory_mib=256)
            vm.run("dd if=/dev/zero of=/tmp/ballast bs=1M count=64 2>/dev/null")
            host.wait_state("vm2", "silent")
            charged = self.charged_as_measured(host, vm)
            sentence = self.refused(host, "vm2")
            well()
            expect(vm.balloon_actual() == 256 * MIB, "nothing is taken from it")
            code, seen = host.tool.json("doctor")
            found = next(one for one in seen["findings"] if one.get("subject") == "vm2" and one["check"] == "guestd")
            expect(code in (0, 3) and found["level"] != "ok", found)
            figure("without_guestd", charged_mib=mib(charged))
            print(f"     {sentence}\n     {found['says']}", flush=True)

    def a_guest_without_a_balloon_is_left_alone(self):
        with self.beside() as (host, _, well):
            vm = self.bed.warm("vm2", NO_BALLOON)
            notes = self.left_alone(host, vm, "no virtio balloon")
            charged = self.charged_as_measured(host, vm)
            sentence = self.refused(host, "vm2/app", "no virtio balloon")
            well()
            held = vm.jvm_view("app")
            expect("target" not in held and "target_bytes" not in held["report"], f"its heap has no target: {held}")
            figure("without_balloon", charged_mib=mib(charged))
            print(f"     {notes}\n     {sentence}", flush=True)

    def a_guest_with_locked_memory_is_left_alone(self):
        """libvirt must raise a limit to start such a guest, which is not allowed everywhere: so it is told of the lock while the
        guest runs, in the file that it goes on from when it is started again. hostd hears it from libvirt as ever."""
        vm = self.bed.boot("vm2", memory_mib=256, kernel_options=SMALL_PAGES)
        try:
            self.lock_by_the_book(vm)
            with self.beside() as (host, _, well):
                notes = self.left_alone(host, vm, "locked memory")
                charged = self.charged_as_measured(host, vm)
                sentence = self.refused(host, "vm2", "locked memory")
                well()
                expect(vm.balloon_actual() == 256 * MIB, "nothing is taken from it")
                figure("locked", charged_mib=mib(charged))
                print(f"     {notes}\n     {sentence}", flush=True)
        finally:
            if "vm2" in self.bed.domains:
                self.bed.destroy("vm2")

    def lock_by_the_book(self, vm):
        file = os.path.join(self.bed.libvirtd.state, f"{vm.name}.xml")
        with open(file, encoding="utf-8") as old:
            text = old.read()
        changed = text.replace("<memoryBacking>", "<memoryBacking><locked/>", 1)
        expect(changed != text, text[:2000])

        def write():
            with open(file, "w", encoding="utf-8") as out:
                out.write(changed)
        self.bed.libvirtd.die_and_start_again(while_dead=write)
        expect("<locked/>" in self.bed.libvirtd.virsh("dumpxml", vm.name), "libvirt says so")

    # Those that do not mean to.

    def a_guest_that_lies_is_charged_what_it_holds_and_gets_nothing_by_it(self):
        with self.beside(memory="1200MiB") as (host, good, well):
            vm = self.bed.boot("vm2", memory_mib=256)
            liar = StrangeGuest(vm, footprint=3000 * MIB, worth=1e6)
            try:
                host.wait_joined("vm2")
                charged = self.charged_as_measured(host, vm)
                expect(charged <= 256 * MIB, f"{mib(charged)} MiB of a guest of 256")
                asked = self.only_if_it_gave(host, charged)
                code, said = host.tool.json("reserve", f"{asked // MIB}MiB", "--for", "vm9", "--deadline", "8s")
                expect(code == 3 and said["reason"] != "met", f"granted {mib(asked)} MiB that nobody has given: {said}")
                before = vm.guest_ram_resident()
                squeezed = host.tool.json("squeeze", "vm2/web", "64MiB", "--deadline", "8s")[1]
                really = before - vm.guest_ram_resident()
                verified = squeezed.get("verified", 0)
                expect(verified <= max(really, 0) + QUIET_MIB * MIB, f"verified {mib(verified)}, given {mib(really)} MiB: {squeezed}")
                self.charged_as_measured(host, vm)
                expect(host.guest("vm1")["charged_bytes"] >= 250 * MIB, "the good guest keeps its guaranteed minimum")
                figure("liar", said_mib=3000, charged_mib=mib(charged), said_obtained_mib=mib(squeezed.get("obtained", 0)),
                       verified_mib=mib(verified), orders_it_heard=liar.orders, reserve_asked_mib=mib(asked), reserve=said["reason"],
                       good_guest_keeps_mib=mib(host.guest("vm1")["charged_bytes"]))
                self.has_all_its_data(good.services["app"])
            finally:
                liar.end()

    @staticmethod
    def only_if_it_gave(host, charged):
        """A size for which there is room only if the liar gave most of what it holds."""
        status = host.tool.status()
        return status["memory_bytes"] - status["emergency_reserve_bytes"] - 256 * MIB - int(0.3 * charged)

    def a_guest_that_floods_is_cut_off_and_delays_nobody(self):
        with self.beside() as (host, _, well):
            vm = self.bed.boot("vm2", memory_mib=256)
            strange = StrangeGuest(vm, footprint=64 * MIB, worth=0)
            try:
                host.wait_joined("vm2")
                before = host.tool.status()["peers_cut_off"]
                flood = threading.Thread(target=strange.flood, args=(20000,), daemon=True)
                flood.start()
                slowest = 0.0

                def is_cut_off():
                    nonlocal slowest
                    began = time.monotonic()
                    status = host.tool.status()
                    slowest = max(slowest, time.monotonic() - began)
                    return status["peers_cut_off"] > before
                wait_until(is_cut_off, 120, "it to be cut off")
                said = well()
                expect(slowest < ANSWERS_WITHIN_S, f"an operator waited {slowest:.1f} s")
                figure("flood", cut_off=host.tool.status()["peers_cut_off"] - before, slowest_answer_ms=f"{1000 * slowest:.0f}",
                       squeeze_beside_it_ms=said["elapsed_ms"])
            finally:
                strange.end()

    def a_guest_whose_guestd_is_stuck_is_set_aside_and_goes_on_later(self):
        with self.beside() as (host, _, well):
            vm = self.bed.warm("vm2", dataclasses.replace(PLAIN, hardware=dataclasses.replace(PLAIN.hardware, autodeflate=True)))
            host.wait_joined("vm2")
            host.wait_room("vm2", 64)
            host.wait_quiet()
            vm.guestd.signal(signal.SIGSTOP)
            try:
                began = time.monotonic()
                code, said = host.tool.json("squeeze", "vm2/app", "48MiB", "--deadline", "4s", within=120)
                took = time.monotonic() - began
                expect(code == 3 and said["shortfall"] > 0 and said["reason"] != "met", said)
                expect(took < SOON, f"an operation that nobody answers took {took:.1f} s")
                squeeze = well()
            finally:
                vm.guestd.signal(signal.SIGCONT)
            host.wait_state("vm2", "connected", 150)
            expect(host.tool.run("release", "vm2")[0] in (0, 3), "what was held is released")
            vm.services["app"].tell("garbage 96MiB", within=120)
            host.wait_room("vm2", 48)
            code, later = host.tool.json("squeeze", "vm2/app", "32MiB", "--deadline", "20s")
            expect(code == 0 and later["reason"] == "met", f"it obeys again: {later}")
            self.has_all_its_data(vm.services["app"])
            figure("stuck", reason=said["reason"], took_s=f"{took:.1f}", squeeze_beside_it_ms=squeeze["elapsed_ms"],
                   later=later["reason"])


TESTS = [Strange.a_guest_without_guestd_is_charged_and_left_as_it_is, Strange.a_guest_without_a_balloon_is_left_alone,
         Strange.a_guest_with_locked_memory_is_left_alone,
         Strange.a_guest_that_lies_is_charged_what_it_holds_and_gets_nothing_by_it,
         Strange.a_guest_that_floods_is_cut_off_and_delays_nobody,
         Strange.a_guest_whose_guestd_is_stuck_is_set_aside_and_goes_on_later]


if __name__ == "__main__":
    sys.exit(fly(Strange, TESTS[:1], TESTS))
