#!/usr/bin/env python3
"""The test bed itself: real libvirt, QEMU, Linux and JVM come up, can be looked into, saved, cloned, and leave nothing behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

import cache  # noqa: E402
import image  # noqa: E402
from bed import Bed, Recipe, Start, Unavailable  # noqa: E402
from checks import Skip, expect, run_all, wait_until  # noqa: E402
from domain import guestd_knows_virtio  # noqa: E402
from harness import MIB, is_alive  # noqa: E402

RECIPE = Recipe(services=(Start("app", ("-Xmx512m", "-XX:+UseG1GC"), ("live 100MiB",)),))


def figure(name, seconds):
    print(f"FIGURE {name}={seconds:.2f}", flush=True)


class Stage:
    """One bed, and what tests leave on it for the next ones: cold-boot "cold", then its clones "one" and "two"."""

    def __init__(self):
        began = time.monotonic()
        self.bed = Bed()
        figure("bed_up_s", time.monotonic() - began)
        print(f"     accelerator: {self.bed.accelerator}", flush=True)
        self.cold = None

    def play(self, test):
        """Runs one of the tests; shows what the guests said if it fails, while they are there."""
        try:
            test(self)
        except Exception:
            self.bed.show_evidence()
            raise

    # Cold.

    def image_is_found_again(self):
        parts = image.base(), image.tools(), image.ours()
        began = time.monotonic()
        expect((image.base(), image.tools(), image.ours()) == parts, "the same content under the same name")
        expect(time.monotonic() - began < 3, "and without making it")
        figure("image_build_s", sum(cache.seconds_to_make(part) for part in parts))
        figure("image_ours_s", cache.seconds_to_make(parts[2]))

    def guest_boots_and_answers(self):
        began = time.monotonic()
        self.cold = self.bed.boot("cold")
        expect(self.cold.run("echo hello") == "hello\n", "its shell")
        figure("first_answer_s", time.monotonic() - began)
        code, out, err = self.cold.try_run("echo here; echo there >&2; exit 7")
        expect((code, out, err) == (7, "here\n", "there\n"), (code, out, err))
        expect(self.cold.try_run("kill -9 $$")[0] == 137, "a violent end is told")
        expect(len(self.cold.run("head -c 3000000 /dev/zero | tr '\\0' x")) == 3000000, "a long answer comes whole")
        expect("aerostat: guest is up" in self.cold.console_tail(), self.cold.console_tail())
        stats = self.cold.memory_stats()
        expect(stats["actual"] == 1024 * MIB and stats["usable"] > 500 * MIB, stats)
        ports = self.cold.run("ls /dev/virtio-ports").split()
        expect(ports == ["org.aerostat.guest.0", "org.aerostat.test.0"], ports)

    def jvm_registers_with_guestd(self):
        began = time.monotonic()
        self.cold.start_guestd()
        service = self.cold.service(["-Xmx512m", "-XX:+UseG1GC"], name="app")
        view = self.cold.wait_registered("app")
        figure("jvm_ready_s", time.monotonic() - began)
        expect(view["report"]["facts"]["collector"] == "G1", view)
        expect(service.tell("live 64MiB")["ms"], "it obeys")
        checked = service.tell("check")
        expect(checked["records"] == "16384" and checked["corrupt"] == "0", checked)

    def killed_guestd_is_seen_and_followed_by_another(self):
        code = self.cold.kill_guestd()[0]
        expect(code == 137, code)
        self.cold.start_guestd()
        self.cold.wait_registered("app")

    def free_pages_go_back_to_the_host(self):
        vm = self.cold
        before = vm.guest_ram_resident()
        vm.run("dd if=/dev/zero of=/tmp/ballast bs=1M count=300 2>/dev/null")
        full = vm.guest_ram_resident()
        expect(full > before + 250 * MIB, f"{before / MIB:.0f} -> {full / MIB:.0f} MiB resident when 300 MiB are written")
        vm.run("rm /tmp/ballast")
        wait_until(lambda: vm.guest_ram_resident() < full - 200 * MIB, 30, "free pages to be reported")
        after = vm.guest_ram_resident()
        print(f"     resident: {before / MIB:.0f} MiB, {full / MIB:.0f} MiB full, {after / MIB:.0f} MiB reported")

    def balloon_takes_and_gives(self):
        vm = self.cold
        free = vm.mem_available()
        vm.run("dd if=/dev/zero of=/tmp/ballast bs=1M count=300 2>/dev/null; rm /tmp/ballast")  # dirty, free, not reported yet
        before = vm.guest_ram_resident()
        vm.set_balloon(512)
        expect(vm.mem_available() < free - 400 * MIB, "the guest has less")
        wait_until(lambda: vm.guest_ram_resident() < before - 100 * MIB, 20, "the host to have more")
        expect(vm.guest_ram_resident() <= 512 * MIB, "what the balloon holds is not resident")
        vm.set_balloon(1024)
        expect(vm.mem_available() > free - 100 * MIB, "the guest has it again")

    def cold_guest_ends(self):
        pid = self.cold.qemu_pid
        self.bed.destroy("cold")
        wait_until(lambda: not is_alive(pid), 10, "QEMU to end")

    # Warm.

    def warm_guest_is_restored_with_its_data(self):
        self.bed.warm("first", RECIPE)  # may have to be made
        self.bed.destroy("first")
        began = time.monotonic()
        one = self.bed.warm("one", RECIPE)
        figure("warm_restore_s", time.monotonic() - began)
        expect(one.services["app"].tell("check")["corrupt"] == "0", "its data")
        resident = one.guest_ram_resident()
        expect(resident < 600 * MIB, f"{resident / MIB:.0f} MiB resident: only what the guest uses")
        expect(abs(int(one.run("date +%s")) - time.time()) < 5, "its clock")
        one.wait_registered("app")

    def clone_runs_beside_it(self):
        one, two = self.bed.domains["one"], self.bed.warm("two", RECIPE)
        expect(one.uuid != two.uuid and one.qemu_pid != two.qemu_pid and one.channel_path != two.channel_path, "two domains")
        one.run("echo one >/run/mark")
        expect(two.try_run("cat /run/mark")[0] != 0, "apart from each other")
        one.services["app"].order("garbage 64MiB")
        two.services["app"].tell("garbage 64MiB", within=120)
        one.services["app"].next_answer(120)
        for vm in (one, two):
            checked = vm.services["app"].tell("check", within=120)
            expect(checked["records"] == "28672" and checked["corrupt"] == "0", checked)
            vm.wait_registered("app")
            expect(os.path.exists(vm.channel_path), "hostd's channel")
        expect(two.channel_path in self.bed.libvirtd.virsh("dumpxml", "two"), "and libvirt tells where")

    def restored_guestd_speaks_through_the_host_channel(self):
        if not guestd_knows_virtio():
            raise Skip("the guestd built here has no virtio-serial")
        with socket.socket(socket.AF_UNIX) as host:
            host.settimeout(30)
            host.connect(self.bed.domains["one"].channel_path)
            with host.makefile(encoding="utf-8") as lines:
                first = next(line for line in lines if line.strip())
        expect(json.loads(first)["type"] == "hello", first)

    # The end.

    def bed_that_is_killed_leaves_no_process(self):
        self.bed_ends(signal.SIGKILL)

    def bed_that_is_told_to_end_leaves_nothing(self):
        directory = self.bed_ends(signal.SIGTERM)
        expect(not os.path.exists(directory), f"{directory} is left")

    def bed_that_is_interrupted_leaves_nothing(self):
        directory = self.bed_ends(signal.SIGINT)
        expect(not os.path.exists(directory), f"{directory} is left")

    def bed_ends(self, number):
        """Has another program make a bed, ends that program, and waits until what it had started is gone."""
        program = [sys.executable, os.path.join(HERE, "test_bed.py"), "--hold"]
        with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as other:
            directory, *pids = other.stdout.readline().split()
            expect(len(pids) >= 4, f"process 1 of the namespace, a shell, libvirtd and QEMU, not only {pids}")
            other.send_signal(number)
        wait_until(lambda: not any(is_alive(int(pid)) for pid in pids), 10, f"{pids} to end")
        return directory

    def teardown_leaves_nothing(self):
        pids, directory = self.bed.libvirtd.processes(), self.bed.directory
        expect(len(pids) == 5, f"process 1 of the namespace, the shell that runs libvirtd, libvirtd, two QEMUs: {pids}")
        began = time.monotonic()
        self.bed.close()
        figure("bed_down_s", time.monotonic() - began)
        expect(not [pid for pid in pids if is_alive(pid)], "no process")
        expect(not os.path.exists(directory), "no socket, no file")


TESTS = [Stage.image_is_found_again, Stage.guest_boots_and_answers, Stage.jvm_registers_with_guestd,
         Stage.killed_guestd_is_seen_and_followed_by_another, Stage.free_pages_go_back_to_the_host, Stage.balloon_takes_and_gives,
         Stage.cold_guest_ends, Stage.warm_guest_is_restored_with_its_data, Stage.clone_runs_beside_it,
         Stage.restored_guestd_speaks_through_the_host_channel,
         Stage.bed_that_is_killed_leaves_no_process, Stage.bed_that_is_interrupted_leaves_nothing,
         Stage.bed_that_is_told_to_end_leaves_nothing, Stage.teardown_leaves_nothing]


def hold():
    """Makes a bed with a guest, tells of it, and waits to be ended."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs tests in the background has it ignored
    with Bed() as bed:
        vm = bed.warm("held", RECIPE)
        print(bed.directory, *bed.libvirtd.processes(), flush=True)
        try:
            vm.run("sleep 600", within=600)
        except KeyboardInterrupt:
            return 130
    return 1


def main():
    if sys.argv[1:] == ["--hold"]:
        return hold()
    try:
        stage = Stage()
    except Unavailable as why:
        print(f"SKIP virtual machines: {why}\n0 passed, 0 failed, {len(TESTS)} skipped", flush=True)
        return 0
    try:
        return run_all([(test.__name__, lambda test=test: stage.play(test)) for test in TESTS])
    finally:
        stage.bed.close()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
