#!/usr/bin/env python3
"""What a virtual machine goes through while its memory is managed: suspend and resume, save and restore, managed save, reboot, a
channel that is unplugged and comes back. Sessions change with it, and orders of an earlier one die."""

import os
import sys
import time

from test_events import SOON, Events
from test_flight import APP, MIB, NEAR, REBOOTS, expect, figure, fly, mib, wait_until

from domain import HOST_PORT
from superior import Superior

CHANNEL = f"""<channel type='unix'>
  <source mode='bind' path='{{path}}'/><target type='virtio' name='{HOST_PORT}'/>
</channel>"""
DEAF_S = 10  # watched for what must not happen


class Lifecycle(Events):
    def virsh(self, *words, **keywords):
        return self.bed.libvirtd.virsh(*words, **keywords)

    def written(self, vm, name, text):
        file = os.path.join(vm.directory, name)
        with open(file, "w", encoding="utf-8") as out:
            out.write(text)
        return file

    def squeezed(self, host, size_mib=128):
        """Until heap and OS balloon have given so much."""
        code, said = host.tool.json("squeeze", "vm1/app", f"{size_mib}MiB", "--deadline", "20s")
        expect(code == 0 and said["os_moved"] >= 0.9 * size_mib * MIB, said)
        return said

    # Suspend and resume.

    def a_squeeze_ends_where_it_stands_when_its_guest_is_suspended(self):
        with self.app() as (host, vm, jvm):
            device, full = self.device(vm), vm.hardware.memory_mib * MIB
            code, begun = host.tool.json("squeeze", "vm1/app", "250MiB", "--deadline", "30s", "--no-wait")
            expect(code == 0, begun)
            wait_until(lambda: device.look()[0] < full - NEAR, 30, "the OS balloon to begin")
            self.virsh("suspend", "vm1")
            suspended = time.monotonic()
            ended = host.wait_ended(begun["op"], 35)
            took = time.monotonic() - suspended
            expect(ended["reason"] in ("cancelled", "met"), ended)
            host.wait_state("vm1", "left-alone")
            stood = device.look()[1]
            expect(self.watch_taken(device, stood, DEAF_S) <= NEAR, "nothing is taken from a guest that stands")
            self.virsh("resume", "vm1")
            host.wait_state("vm1", "connected")
            moved = self.gives_and_takes(host, jvm)
            figure("suspended", ended_after_s=f"{took:.1f}", reason=ended["reason"], taken_until_then_mib=mib(full - stood),
                   squeezed_after_mib=mib(moved["obtained"]))

    # Save and restore.

    def a_guest_that_is_saved_and_restored_keeps_its_target_and_goes_on(self):
        with self.app() as (host, vm, jvm):
            said = self.squeezed(host)
            left, since = vm.balloon_actual(), len(host.log())
            file = os.path.join(vm.directory, "saved")
            self.virsh("save", "vm1", file)
            host.wait_logged("gone guest=vm1", since, SOON)
            wait_until(lambda: not host.guest("vm1"), SOON, "its memory to be free by hostd's books")
            self.virsh("restore", file)
            self.is_back(host, vm, left, said)
            figure("restored", balloon_mib=mib(vm.hardware.memory_mib * MIB - left),
                   charged_mib=mib(host.guest("vm1")["charged_bytes"]))
            self.gives_and_takes(host, vm.services["app"])
            self.has_all_its_data(vm.services["app"])

    def is_back(self, host, vm, left, said):
        """Restored: known again, the heap at its target, the balloon as it was, the clock set right."""
        vm.meet_again()
        vm.set_clock()
        report = host.wait_joined("vm1")
        expect(report["footprint_bytes"] < vm.hardware.memory_mib * MIB, report)
        now = vm.balloon_actual()
        expect(abs(now - left) <= said["os_moved"] + NEAR, f"{mib(now)} MiB left, {mib(left)} before")
        served = vm.services["app"].tell("report", within=60)
        expect(int(served["ops"]) > 0 and served["corrupt"] == "0" and served["oome"] == "0", served)

    def a_managed_save_ends_and_begins_as_any_stop_and_start(self):
        with self.app() as (host, vm, _):
            said = self.squeezed(host)
            left = vm.balloon_actual()
            self.virsh("define", self.written(vm, "live.xml", self.virsh("dumpxml", "vm1")))
            try:
                since = len(host.log())
                self.virsh("managedsave", "vm1")
                host.wait_logged("gone guest=vm1", since, SOON)
                wait_until(lambda: not host.guest("vm1"), SOON, "its memory to be free by hostd's books")
                began = time.monotonic()
                self.virsh("start", "vm1", within=120)
                started = time.monotonic() - began
                asked = "reserve granted" in host.log()[since:]
                expect(asked, f"the hook asks for a guest that comes out of its saved state, too:\n{host.log()[since:]}")
                self.is_back(host, vm, left, said)
                figure("managed_save", started_s=f"{started:.1f}")
                self.gives_and_takes(host, vm.services["app"])
                self.has_all_its_data(vm.services["app"])
            finally:
                self.virsh("destroy", "vm1", may_fail=True)
                self.virsh("undefine", "vm1", "--managed-save", may_fail=True)

    # Reboot.

    def a_guest_that_reboots_is_met_anew(self):
        with self.app(recipe=REBOOTS) as (host, vm, _):
            self.squeezed(host)
            since, began = len(host.log()), time.monotonic()
            vm.shell.start("reboot -f")
            host.wait_logged("event guest=vm1 what=\"rebooted\"", since, SOON)
            vm.meet_anew()
            vm.set_clock()
            vm.start_guestd("app-guest")
            jvm = vm.service(("-Xmx640m", "-Xms64m", "-XX:+UseG1GC"), "app", arguments="--rate 50")
            for order in ("live 100MiB", "garbage 250MiB"):
                jvm.tell(order, within=180)
            host.wait_logged("joined guest=vm1", since, SOON)
            host.wait_joined("vm1")
            joined = time.monotonic() - began
            expect("foreign guest=vm1" not in host.log()[since:], f"a reboot is no other's hand:\n{host.log()[since:]}")
            wait_until(lambda: host.guest("vm1")["state"] == "connected", SOON, "it to be managed")
            moved = self.gives_and_takes(host, jvm)
            figure("rebooted", joined_s=f"{joined:.1f}", squeezed_after_mib=mib(moved["obtained"]))

    # The channel.

    def a_guest_whose_channel_is_unplugged_is_silent_until_it_is_back(self):
        with self.app() as (host, vm, jvm):
            channel = self.written(vm, "channel.xml", CHANNEL.format(path=vm.channel_path))
            code, begun = host.tool.json("squeeze", "vm1/app", "200MiB", "--deadline", "10s", "--no-wait")
            expect(code == 0, begun)
            self.virsh("detach-device", "vm1", channel, "--live")
            host.wait_state("vm1", "silent")
            ended = host.wait_ended(begun["op"], 20)
            left = self.device(vm).look()[1]
            expect(self.watch_taken(self.device(vm), left, DEAF_S) <= NEAR, "nothing is taken from a guest that is not heard")
            charged, held = host.guest("vm1")["charged_bytes"], vm.guest_ram_resident()
            expect(abs(charged - held) < 64 * MIB, f"charged {mib(charged)} MiB, holds {mib(held)}")
            code, refused = host.tool.json("squeeze", "vm1/app", "32MiB")
            expect(code == 1, refused)
            wait_until(lambda: any("vm1" in text and "channel" in text for text in host.tool.status().get("warnings", [])), SOON,
                       "it to be said")
            began, since = time.monotonic(), len(host.log())
            self.virsh("attach-device", "vm1", channel, "--live")
            host.wait_logged("joined guest=vm1", since, SOON)
            back = time.monotonic() - began
            host.wait_state("vm1", "connected")
            host.wait_joined("vm1")
            figure("channel", ended=ended["reason"], obtained_mib=mib(ended["obtained"]), joined_after_s=f"{back:.1f}")
            print(f"     {refused['error']['message']}", flush=True)
            self.gives_and_takes(host, jvm)

    # Sessions.

    def sessions_change_and_orders_of_an_earlier_one_die(self):
        """By a test in hostd's place, which gives an order of the old session after each change."""
        with self.host() as host:
            host.kill()
            vm = self.bed.warm("vm1", APP)
            superior = Superior(vm.channel_path)
            seen = [superior.next_session()]
            dropped = 0
            for change in (self.guestd_is_killed, self.clock_is_set, self.it_is_saved_and_restored):
                superior = change(vm, superior) or superior
                seen.append(superior.next_session())
                expect(len(set(seen)) == len(seen), f"another session each time: {seen}")
                dropped = self.stale_order_dies(vm, superior, seen[-2])
            figure("sessions", changes=len(seen) - 1, orders_dropped_by_the_last_guestd=dropped)
            self.has_all_its_data(vm.services["app"])
            superior.close()

    @staticmethod
    def guestd_is_killed(vm, _):
        vm.kill_guestd()
        vm.start_guestd()

    @staticmethod
    def clock_is_set(vm, _):
        vm.run(f"date -s @{time.time() + 3600:.0f}")

    def it_is_saved_and_restored(self, vm, superior):
        superior.close()
        file = os.path.join(vm.directory, "saved")
        self.virsh("save", "vm1", file)
        self.virsh("restore", file)
        vm.meet_again()
        vm.set_clock()
        return Superior(vm.channel_path)

    @staticmethod
    def stale_order_dies(vm, superior, old):
        """Gives an order of each session, to give all and to hold a little more; only the one of the new session is carried
        out. A restored guest may begin another one once more, when its clock is set."""
        fresh = answered = None
        while answered is None:
            new, wanted = superior.sessions[-1], superior.footprint() + 24 * MIB
            stale = superior.order(old, 0)
            fresh = superior.order(new, wanted)
            superior.hear(lambda: fresh in superior.results or superior.sessions[-1] != new, 60, "the fresh order's result")
            answered = superior.results.get(fresh)
            superior.hear(lambda: superior.report and superior.report["jvms"], 60, "a report of its JVM")
        expect(answered["op"] == fresh and stale not in superior.results, superior.results)
        superior.hear(lambda: abs((superior.target() or 0) - wanted) <= MIB, 60, "the fresh order's target to be in force")
        warnings = vm.tool.status().get("warnings", [])
        told = [text for text in warnings if "orders for another session were dropped" in text]
        expect(told, f"it is counted: {warnings}")
        return int(told[0].split()[0])


TESTS = [Lifecycle.a_squeeze_ends_where_it_stands_when_its_guest_is_suspended,
         Lifecycle.a_guest_that_is_saved_and_restored_keeps_its_target_and_goes_on,
         Lifecycle.a_managed_save_ends_and_begins_as_any_stop_and_start, Lifecycle.a_guest_that_reboots_is_met_anew,
         Lifecycle.a_guest_whose_channel_is_unplugged_is_silent_until_it_is_back,
         Lifecycle.sessions_change_and_orders_of_an_earlier_one_die]


if __name__ == "__main__":
    sys.exit(fly(Lifecycle, TESTS[:1], TESTS))
