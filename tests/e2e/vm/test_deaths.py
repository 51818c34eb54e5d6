#!/usr/bin/env python3
"""Programs that die in the middle of an operation: the agent's JVM. What was under way ends in time with its reason, nobody is
killed for want of memory, and the next one has what it needs."""

import sys
import time

from test_flight import APP, MIB, NEAR, Flight, expect, figure, fly, mib, wait_until

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


TESTS = [Deaths.a_jvm_that_dies_in_mid_squeeze_leaves_a_guest_for_the_next_one]


if __name__ == "__main__":
    sys.exit(fly(Deaths, TESTS, TESTS))
