#!/usr/bin/env python3
"""Programs that die in the middle of an operation: the agent's JVM, libvirtd, hostd and guestd together. What was under way
ends in time with its reason, nobody is killed for want of memory, and all goes on when they are back."""

import sys
import time

from test_flight import APP, MIB, NEAR, STEP_MIB, Flight, expect, figure, fly, mib, wait_until

SOON = 60
KILLED = "grep -c -e 'Out of memory: Killed' -e 'oom-kill:'"


class Deaths(Flight):
    @staticmethod
    def killed_for_want_of_memory(vm):
        return int(vm.run(f"dmesg >/run/dmesg && {{ {KILLED} /run/dmesg || test $? -eq 1; }}"))

    def begin(self, host, device, full, deadline_s=20):
        """A squeeze whose OS balloon has begun to take; its id."""
        code, begun = host.tool.json("squeeze", "vm1/app", "250MiB", "--deadline", f"{deadline_s}s", "--no-wait")
        expect(code == 0, begun)
        wait_until(lambda: device.look()[1] < full - NEAR, deadline_s, "the OS balloon to begin")
        return begun["op"]

    def a_jvm_that_dies_in_mid_squeeze_leaves_a_guest_for_the_next_one(self):
        with self.app() as (host, vm, jvm):
            device, full = self.device(vm), vm.hardware.memory_mib * MIB
            op = self.begin(host, device, full)
            jvm.kill()
            died = time.monotonic()
            ended = host.wait_ended(op, SOON)
            took = time.monotonic() - died
            wait_until(lambda: not host.guest("vm1")["jvms"], SOON, "the JVM to be gone from the books")
            wait_until(lambda: abs(device.look()[0] - device.look()[1]) <= NEAR, SOON, "nothing to be ordered that is not done")
            left = device.look()[1]
            expect(self.watch_taken(device, left, 5) <= NEAR, "nothing is taken on behalf of a heap that is no more")
            start = APP.services[0]
            again = vm.service(start.options, "app", arguments=start.arguments)
            grown = again.tell("live 320MiB", within=240)
            expect("error" not in grown, f"the next one gets what it needs: {grown}")
            host.wait_joined("vm1")
            self.has_all_its_data(again)
            expect(self.killed_for_want_of_memory(vm) == 0, "nobody is killed for want of memory")
            figure("jvm_died", ended_after_s=f"{took:.1f}", reason=ended["reason"], balloon_held_mib=mib(full - left),
                   left_to_the_next_mib=mib(device.look()[1]), next_grew_in_s=f"{int(grown['ms']) / 1000:.1f}")

    def libvirtd_that_dies_in_mid_squeeze_costs_a_step_at_most(self):
        with self.app() as (host, vm, jvm):
            device, full = self.device(vm), vm.hardware.memory_mib * MIB
            op = self.begin(host, device, full)
            seen = {}

            def while_dead():
                def gone():
                    return [text for text in host.tool.status().get("warnings", []) if "libvirt" in text or "socket" in text]
                seen["warning"] = wait_until(gone, SOON, "hostd to say that libvirtd is gone")
                expect(host.guest("vm1")["jvms"], "the guest is still known, and heard")
            began = time.monotonic()
            before = device.look()[1]
            self.bed.libvirtd.die_and_start_again(while_dead)
            after = device.look()[1]
            expect(before - after <= STEP_MIB * MIB + NEAR, f"{mib(before - after)} MiB taken while libvirtd was dead")
            ended = host.wait_ended(op, SOON)
            wait_until(lambda: not set(seen["warning"]) & set(host.tool.status().get("warnings", [])), SOON, "it to be back")
            back = time.monotonic() - began
            host.wait_joined("vm1")
            wait_until(lambda: abs(device.look()[0] - device.look()[1]) <= NEAR, SOON, "nothing to be ordered that is not done")
            code, given = host.tool.json("give", "vm1/app", "250MiB", "--deadline", "20s")
            expect(code in (0, 3), given)
            wait_until(lambda: device.look()[1] > after - NEAR, SOON, "the balloon to be moved again")
            self.has_all_its_data(jvm)
            figure("libvirtd_died", back_s=f"{back:.1f}", taken_meanwhile_mib=mib(max(0, before - after)), reason=ended["reason"],
                   obtained_mib=mib(ended["obtained"]), given_mib=mib(given.get("os_moved", 0)))
            print(f"     {seen['warning'][0]}", flush=True)

    def hostd_and_guestd_that_die_together_find_each_other_again(self):
        with self.app() as (host, vm, jvm):
            device, full = self.device(vm), vm.hardware.memory_mib * MIB
            self.begin(host, device, full)
            host.kill()
            vm.kill_guestd()
            ordered, actual = device.look()
            expect(self.watch_taken(device, actual, 5) <= STEP_MIB * MIB + NEAR, "no more than the step under way is taken")
            began = time.monotonic()
            vm.start_guestd()
            host.start()
            host.wait_joined("vm1")
            wait_until(lambda: abs(device.look()[0] - device.look()[1]) <= NEAR, SOON, "the outstanding step to be settled")
            back = time.monotonic() - began
            grown = jvm.tell("live 320MiB", within=240)
            expect("error" not in grown, grown)
            self.still_flies(host, jvm)
            expect(self.killed_for_want_of_memory(vm) == 0, "nobody is killed for want of memory")
            figure("both_died", outstanding_mib=mib(actual - ordered), back_s=f"{back:.1f}")


TESTS = [Deaths.a_jvm_that_dies_in_mid_squeeze_leaves_a_guest_for_the_next_one,
         Deaths.libvirtd_that_dies_in_mid_squeeze_costs_a_step_at_most,
         Deaths.hostd_and_guestd_that_die_together_find_each_other_again]


if __name__ == "__main__":
    sys.exit(fly(Deaths, TESTS[:1], TESTS))
