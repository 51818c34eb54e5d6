#!/usr/bin/env python3
"""Live migration between two libvirtds of their own, each with a hostd: squeezing freezes while the memory is copied, the guest
arrives with all its data, and is managed by its new host."""

import contextlib
import os
import re
import subprocess
import sys
import time

from test_flight import MIB, NEAR, Flight, expect, figure, fly, mib, wait_until

from bed import Bed
from harness import Trouble
from host_stage import HostStage

ALIVE_MIB = 100  # of the JVM's data
SLOWLY_MIB_S = 12  # so that there is time to look while the memory is copied
SOON = 60
COPIED_WITHIN = 240
WATCHED_S = 8
BROKEN = re.compile(r"Oops|BUG:|kernel BUG|Kernel panic|corruption")  # in a guest's console
WHY_BROKEN = """the guest's kernel broke once it had arrived. Under emulation QEMU can miss what is written while memory is copied if
other work runs beside it (docs/testing.md, "A live migration under emulation"): run this test alone. The console ends:
"""


class Migration(Flight):
    @contextlib.contextmanager
    def elsewhere(self):
        """A second libvirtd, as of another machine, with a hostd."""
        with Bed(like=self.bed) as bed:
            host = HostStage(bed, "there")
            try:
                yield bed, host
            except Exception:
                print(f"--- the other hostd's log\n{host.log()}", flush=True)
                raise
            finally:
                host.close()

    def migrating(self, vm, there, arriving):
        """Starts the migration; a process. The guest's files have other places there."""
        xml = self.bed.libvirtd.virsh("dumpxml", vm.name, "--migratable")
        for ours, theirs in ((vm.directory, arriving.directory), (self.bed.libvirtd.images, there.libvirtd.images)):
            xml = xml.replace(ours + "/", theirs + "/")
        file = os.path.join(vm.directory, "arriving.xml")
        with open(file, "w", encoding="utf-8") as out:
            out.write(xml)
        self.bed.libvirtd.virsh("migrate-setspeed", vm.name, str(SLOWLY_MIB_S))
        command = ["virsh", "-q", "-c", self.bed.uri, "migrate", "--live", "--unsafe", vm.name, there.uri, "--migrateuri",
                   "tcp://127.0.0.1", "--xml", file]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def squeezing_freezes_while_a_guest_migrates_and_goes_on_where_it_arrives(self):
        with self.app() as (here, vm, jvm), self.elsewhere() as (there, new_host):
            device = self.device(vm)
            arriving = there.new_domain("vm1", vm.hardware)
            code, begun = here.tool.json("squeeze", "vm1/app", "250MiB", "--deadline", "60s", "--no-wait")
            expect(code == 0, begun)
            began = time.monotonic()
            copying = self.migrating(vm, there, arriving)
            try:
                wait_until(lambda: self.is_frozen(here, copying), SOON, "hostd to leave it alone")
                frozen = time.monotonic() - began
                ended = here.wait_ended(begun["op"], 30)
                expect(ended["reason"] in ("cancelled", "met", "deadline"), ended)
                code, refused = here.tool.json("squeeze", "vm1/app", "32MiB")
                expect(code == 1 and "copied" in refused["error"]["message"], refused)
                left = device.look()[1]
                taken, watched = self.watched_while(copying, device, left)
                expect(watched > 1, f"the copying was over after {watched:.1f} s: nothing was seen of it")
                expect(taken <= NEAR, f"{mib(taken)} MiB taken while its memory was copied")
                out = copying.communicate(timeout=COPIED_WITHIN)[0]
                expect(copying.returncode == 0, f"it migrates: {out}")
            finally:
                if copying.poll() is None:
                    copying.kill()
                    copying.wait()
            took = time.monotonic() - began
            self.bed.domains.pop("vm1").shell.close()
            there.domains["vm1"] = arriving
            arriving.take_up(vm.jobs())
            try:
                arriving.shell.connect()
                arrived = self.arrives(new_host, arriving, here)
            except Exception as trouble:
                console = arriving.console_tail(300)
                if not BROKEN.search(console):
                    raise
                raise Trouble(WHY_BROKEN + console[-2000:]) from trouble
            figure("migration", took_s=f"{took:.1f}", left_alone_after_s=f"{frozen:.1f}", squeeze_ended=ended["reason"],
                   watched_s=f"{watched:.1f}", taken_meanwhile_mib=mib(taken), squeezed_there_mib=mib(arrived["obtained"]))
            print(f"     {refused['error']['message']}", flush=True)

    @staticmethod
    def is_frozen(host, copying):
        if copying.poll() is not None:
            raise Trouble(f"the migration is over: {copying.stdout.read()}")
        guest = host.guest("vm1")
        return guest and guest["state"] == "left-alone" and "copied" in " ".join(guest["notes"])

    @staticmethod
    def watched_while(copying, device, left):
        """(what was taken, for how long it was watched) while the memory is copied."""
        least, began = left, time.monotonic()
        while copying.poll() is None and time.monotonic() < began + WATCHED_S:
            try:
                least = min(least, *device.look())
            except (Trouble, ValueError):
                break  # it has just gone
            time.sleep(0.2)
        return left - least, time.monotonic() - began

    def arrives(self, host, vm, left_behind):
        # Charged for as long as a QEMU with its UUID runs on the machine, which here goes on: the new one.
        wait_until(lambda: (left_behind.guest("vm1") or {"state": "gone"})["state"] in ("silent", "gone"), SOON,
                   "the old host to let go of it")
        host.wait_joined("vm1")
        host.wait_state("vm1", "connected")
        self.has_all_its_data(vm.services["app"])
        said = self.gives_and_takes(host, vm.services["app"])
        # Not before it was squeezed there: of a program that hardly allocates nobody knows what is alive until a cycle has looked.
        wait_until(lambda: host.report("vm1")["floor_bytes"] >= ALIVE_MIB * MIB, SOON, "its floor to be known there, too")
        expect(host.footprint("vm1") >= ALIVE_MIB * MIB, "not below what is alive")
        self.has_all_its_data(vm.services["app"])
        return said


TESTS = [Migration.squeezing_freezes_while_a_guest_migrates_and_goes_on_where_it_arrives]


if __name__ == "__main__":
    sys.exit(fly(Migration, TESTS, TESTS))
