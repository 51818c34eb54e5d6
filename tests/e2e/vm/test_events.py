#!/usr/bin/env python3
"""What happens to virtual machines beside hostd: they start and stop, are suspended and saved, others set their balloons, their
memory fails; and how room is made before one starts, by libvirt's hook. Figures are in lines that start with FIGURE."""

import concurrent.futures
import contextlib
import os
import signal
import sys
import time

from test_flight import MIB, REBOOTS, Flight, expect, figure, fly, mib, wait_until

from bed import Bed
from harness import ROOT, Trouble, built


LIMIT_S = 30  # of the hook; hostd has four fifths of it, which emulated guests need on a busy machine
HELD_BACK_S = 3  # longer than hostd polls libvirt, shorter than what it takes to be set aside
SOON = 60   # for what is told at once; the machine may be busy
BAD_PAGE = "0x1000000"
MCE = f"mce 0 9 0xbd000000000000c0 5 {BAD_PAGE} 0x8c"  # an uncorrectable error in a page of the guest

PACKAGED_HOOK = os.path.join(ROOT, "packaging", "libvirt-hook", "aerostat.in")
HOOK_CONFIG = """socket = "{socket}"
on_controller_down = "{down}"
limit = "{limit}s"
"""


class Events(Flight):
    def __init__(self):
        super().__init__()
        self.bed.close()
        self.bed = Bed(like=self.bed, hook=self.hook_script)

    @staticmethod
    def hook_script(directory):
        """As packaged, but for the places of program and configuration."""
        with open(PACKAGED_HOOK, encoding="utf-8") as file:
            script = file.read().replace("@CMAKE_INSTALL_FULL_SBINDIR@", os.path.dirname(built("bin", "aerostat-libvirt-hook")))
        return script.replace("\n", f"\nexport AEROSTAT_HOOK_CONFIG={directory}/hook.toml\n", 1)

    def hook_asks(self, host, down="allow"):
        with open(os.path.join(self.bed.directory, "hook.toml"), "w", encoding="utf-8") as file:
            file.write(HOOK_CONFIG.format(socket=host.tool.socket, down=down, limit=LIMIT_S))

    @contextlib.contextmanager
    def host(self, uri=None, **options):
        with super().host(uri, **options) as host:
            self.hook_asks(host)
            yield host

    # What libvirt tells.

    def guests_that_start_and_stop_are_seen_at_once(self):
        with self.host() as host:
            vm = self.bed.boot("vm1", memory_mib=512)
            running = time.monotonic()
            wait_until(lambda: host.guest("vm1"), SOON, "vm1 to be seen")
            seen_s = time.monotonic() - running
            wait_until(lambda: host.guest("vm1")["charged_bytes"] > 16 * MIB, SOON, "vm1 to be charged for")
            since, began = len(host.log()), time.monotonic()
            vm.destroy()
            destroyed = time.monotonic()
            host.wait_logged("gone guest=vm1", since, SOON)
            wait_until(lambda: not host.guest("vm1"), SOON, "vm1 to be gone from the books")
            figure("lifecycle", seen_after_boot_s=f"{seen_s:.2f}", destroy_s=f"{destroyed - began:.2f}",
                   gone_after_destroy_s=f"{time.monotonic() - destroyed:.2f}")
            self.bed.domains.pop("vm1")

    def a_suspended_guest_is_left_alone(self):
        with self.app() as (host, vm, jvm):
            self.bed.libvirtd.virsh("suspend", "vm1")
            wait_until(lambda: host.guest("vm1")["state"] == "left-alone", SOON, "vm1 to be left alone")
            expect("suspended" in " ".join(host.guest("vm1")["notes"]), host.guest("vm1"))
            code, said = host.tool.json("squeeze", "vm1/app", "32MiB")
            expect(code == 1 and "suspended" in said["error"]["message"], said)
            self.bed.libvirtd.virsh("resume", "vm1")
            wait_until(lambda: host.guest("vm1")["state"] == "connected", SOON, "vm1 to be managed again")
            self.still_flies(host, jvm)

    def a_guest_that_is_saved_is_not_squeezed_meanwhile(self):
        with self.app() as (host, vm, _):
            since = len(host.log())
            file = os.path.join(vm.directory, "saved")
            vm.shell.close()
            self.bed.libvirtd.virsh("save", "vm1", file)
            host.wait_logged("gone guest=vm1", since, SOON)
            told = [line for line in host.log()[since:].splitlines() if "event guest=vm1" in line]
            orders = [line for line in host.log()[since:].splitlines() if "order guest=vm1" in line]
            print("     " + "\n     ".join(told), flush=True)
            copied = any("being copied" in line for line in told)
            figure("saved", told_of_the_copying=copied, orders_meanwhile=len(orders))
            wait_until(lambda: not host.guest("vm1"), SOON, "vm1 to be gone from the books")
            self.bed.domains.pop("vm1")

    def a_balloon_that_somebody_else_sets_is_left_to_him(self):
        with self.app() as (host, vm, jvm):
            time_of_rest = 15  # what hostd itself has ordered explains nothing any more
            host.wait_quiet()
            rest = time.monotonic() + time_of_rest
            wait_until(lambda: time.monotonic() > rest, time_of_rest + 5, "hostd's own orders to be past")
            since, began = len(host.log()), time.monotonic()
            self.bed.libvirtd.virsh("setmem", "vm1", "900MiB", "--live")
            host.wait_logged("foreign guest=vm1", since, SOON)
            noticed = time.monotonic() - began
            wait_until(lambda: host.guest("vm1")["state"] == "left-alone", SOON, "it to be left alone")
            expect("somebody else" in " ".join(host.guest("vm1")["notes"]), host.guest("vm1"))
            code, said = host.tool.json("squeeze", "vm1/app", "32MiB")
            expect(code == 1 and "somebody else" in said["error"]["message"], said)
            wait_until(lambda: abs(vm.balloon_actual() - 900 * MIB) <= MIB, SOON, "the balloon to come to what was set")
            device = self.device(vm)
            quiet = time.monotonic() + 5
            while time.monotonic() < quiet:
                expect(device.look()[0] == 900 * MIB, f"hostd does not set it: {device.look()}")
            expect(host.tool.run("resume", "vm1")[0] == 0, "an operator takes it back")
            wait_until(lambda: host.guest("vm1")["state"] == "connected", SOON, "vm1 to be managed again")
            figure("foreign", noticed_s=f"{noticed:.2f}", set_mib=900)
            self.still_flies(host, jvm)

    def an_error_in_memory_lowers_the_budget_and_is_shown(self):
        # Where the error resets the guest, it has to come again: with a domain that is gone its errors are forgotten.
        with self.app(recipe=REBOOTS) as (host, vm, _):
            since = len(host.log())
            vm.shell.close()
            try:
                self.bed.libvirtd.virsh("qemu-monitor-command", "vm1", "--hmp", MCE)
            except Trouble as why:
                print(f"     injecting an error does not work here: {why}", flush=True)
                raise
            host.wait_logged("memory error guest=vm1", since, SOON)
            line = next(line for line in host.log()[since:].splitlines() if "memory error" in line)
            print(f"     {line}", flush=True)
            status = host.tool.status()
            expect(status["lost_bytes"] >= 4096, status)
            figure("memory_failure", lost_bytes=status["lost_bytes"], guest_still_there=bool(host.guest("vm1")))

    # Room before a start.

    @contextlib.contextmanager
    def tight(self, missing_mib, newcomer_mib, policy="price"):
        """A hostd whose budget lacks so much for a newcomer beside vm1."""
        with self.app(policy=policy) as (host, vm, jvm):
            held = host.guest("vm1")["charged_bytes"]
            host.kill()
            host.set_memory(f"{held // MIB + newcomer_mib - missing_mib + 256}MiB")
            host.start()
            host.wait_joined("vm1")
            host.wait_room("vm1", missing_mib + 100)
            host.wait_quiet()
            self.hook_asks(host)
            yield host, vm, jvm

    def room_is_made_before_a_guest_starts(self):
        self.room_is_made("price")

    def room_is_made_before_a_guest_starts_under_policy_proportional(self):
        self.room_is_made("proportional")

    def room_is_made(self, policy):
        with self.tight(100, 512, policy) as (host, vm, jvm):
            expect(host.tool.status()["policy"] == policy, host.tool.status())
            before = vm.guest_ram_resident()
            since, began = len(host.log()), time.monotonic()
            self.bed.boot("vm2", memory_mib=512)
            booted = time.monotonic() - began
            log = host.log()[since:]
            verdict = next((line for line in log.splitlines() if "reserve granted" in line), None)
            expect(verdict, f"the hook asked, and there was room in time:\n{log}")
            print(f"     {verdict}", flush=True)
            freed = before - vm.guest_ram_resident()
            wait_until(lambda: host.guest("vm2"), SOON, "vm2 to be seen")
            status = host.tool.status()
            expect(status.get("reserved_bytes", 0) < 512 * MIB, "what has arrived is no longer reserved")
            figure("hook_granted", policy=policy, asked_mib=512, freed_of_vm1_mib=mib(freed), started_s=f"{booted:.1f}",
                   elapsed_ms=verdict.split("elapsed_ms=")[1].split(":")[0])
            self.has_all_its_data(jvm)

    def a_guest_that_does_not_fit_is_refused_in_time(self):
        self.too_large_a_guest_is_refused("price")

    def a_guest_that_does_not_fit_is_refused_in_time_under_policy_proportional(self):
        self.too_large_a_guest_is_refused("proportional")

    def too_large_a_guest_is_refused(self, policy):
        with self.tight(100, 512, policy) as (host, vm, jvm):
            device, began = self.device(vm), time.monotonic()
            left = device.look()[1]
            try:
                self.bed.boot("vm3", memory_mib=2500)
            except Trouble as why:
                refusal = str(why)
            else:
                raise AssertionError("it was started")
            took = time.monotonic() - began
            self.bed.domains.pop("vm3", None)
            expect("no room for" in refusal, refusal)
            expect(took < LIMIT_S + 20, took)
            print(f"     {refusal.splitlines()[0]}", flush=True)
            expect("reserved_bytes" not in host.tool.status(), host.tool.status())
            figure("hook_refused", policy=policy, asked_mib=2500, took_s=f"{took:.1f}",
                   vm1_balloon_moved_mib=mib(abs(left - device.look()[1])))
            self.still_flies(host, jvm)

    def hostd_goes_on_polling_while_a_guest_starts(self):
        """libvirt answers nobody about a domain whose hook runs. vm1's guestd is kept from giving for a poll or two, so that the
        hook waits through them."""
        with self.tight(100, 512) as (host, vm, jvm):
            since = len(host.log())
            vm.guestd.signal(signal.SIGSTOP)
            try:
                with concurrent.futures.ThreadPoolExecutor(1) as other:
                    start = other.submit(self.bed.boot, "vm2", memory_mib=512)
                    host.wait_logged("reserve id=", since, SOON)
                    asked, slowest = time.monotonic(), 0.0
                    while time.monotonic() < asked + HELD_BACK_S and not start.done():
                        began = time.monotonic()
                        warnings = host.tool.status().get("warnings", [])
                        slowest = max(slowest, time.monotonic() - began)
                        expect(not [text for text in warnings if "libvirt" in text or "listing" in text], warnings)
                    waited = time.monotonic() - asked
                    vm.guestd.signal(signal.SIGCONT)
                    start.result()
            finally:
                vm.guestd.signal(signal.SIGCONT)
            log = host.log()[since:]
            expect("reserve granted" in log, f"there was room in time:\n{log}")
            wait_until(lambda: host.guest("vm2"), SOON, "vm2 to be seen")
            figure("hook_while_polling", hook_waited_s=f"{waited:.1f}", slowest_answer_ms=f"{1000 * slowest:.0f}")
            self.has_all_its_data(jvm)

    def a_guest_starts_beside_a_hostd_that_starts(self):
        with self.tight(0, 256) as (host, _, jvm):
            host.kill()
            began = time.monotonic()
            with concurrent.futures.ThreadPoolExecutor(1) as other:
                start = other.submit(self.bed.boot, "vm2", memory_mib=256)
                host.start()
                try:
                    start.result()
                    outcome = "started"
                except Trouble as why:
                    expect("vm2" in str(why) and "no room" in str(why), why)
                    self.bed.domains.pop("vm2", None)
                    outcome = "refused"
            took = time.monotonic() - began
            expect(took < LIMIT_S + SOON, took)
            host.wait_joined("vm1")
            if outcome == "refused":
                self.bed.boot("vm2", memory_mib=256)
            wait_until(lambda: host.guest("vm2"), SOON, "vm2 to be seen")
            figure("hook_beside_start", outcome=outcome, took_s=f"{took:.1f}")
            self.has_all_its_data(jvm)

    def a_guest_starts_though_hostd_hangs_or_is_dead(self):
        with self.host() as host:
            os.kill(host.daemon.pid, signal.SIGSTOP)
            try:
                began = time.monotonic()
                self.bed.boot("vm2", memory_mib=256)
                hung = time.monotonic() - began
            finally:
                os.kill(host.daemon.pid, signal.SIGCONT)
            expect(hung < LIMIT_S + 60, hung)
            wait_until(lambda: host.guest("vm2"), SOON, "vm2 to be seen after all")
            host.kill()
            began = time.monotonic()
            self.bed.boot("vm3", memory_mib=256)
            dead = time.monotonic() - began
            self.hook_asks(host, down="refuse")
            try:
                self.bed.boot("vm4", memory_mib=256)
            except Trouble as why:
                expect("on_controller_down" in str(why), why)
            else:
                raise AssertionError("it was started")
            self.bed.domains.pop("vm4", None)
            figure("hook_without_hostd", limit_s=LIMIT_S, hung_start_s=f"{hung:.1f}", dead_start_s=f"{dead:.1f}")

    def the_doctor_says_what_is_missing(self):
        with self.app() as (host, _, __):
            _, seen = host.tool.json("doctor")
            found = {(one.get("subject", ""), one["check"]): one for one in seen["findings"]}
            for check in ("balloon", "free page reporting", "locked memory", "channel", "guestd", "agents"):
                expect(found[("vm1", check)]["level"] == "ok", (check, found.get(("vm1", check))))
            expect(found[("", "libvirt")]["level"] == "ok", found[("", "libvirt")])
            expect(found[("", "events")]["level"] == "ok", found[("", "events")])
            print(f"     {found[('', 'libvirt')]['says']}", flush=True)


TESTS = [Events.guests_that_start_and_stop_are_seen_at_once, Events.a_suspended_guest_is_left_alone,
         Events.a_guest_that_is_saved_is_not_squeezed_meanwhile, Events.a_balloon_that_somebody_else_sets_is_left_to_him,
         Events.an_error_in_memory_lowers_the_budget_and_is_shown, Events.room_is_made_before_a_guest_starts,
         Events.room_is_made_before_a_guest_starts_under_policy_proportional, Events.a_guest_that_does_not_fit_is_refused_in_time,
         Events.a_guest_that_does_not_fit_is_refused_in_time_under_policy_proportional,
         Events.hostd_goes_on_polling_while_a_guest_starts, Events.a_guest_starts_beside_a_hostd_that_starts,
         Events.a_guest_starts_though_hostd_hangs_or_is_dead,
         Events.the_doctor_says_what_is_missing]


if __name__ == "__main__":
    sys.exit(fly(Events, TESTS[:2], TESTS))
