#!/usr/bin/env python3
"""The guest OS layer of guestd: sources that are missing, the guard, a container's balloon, time that jumps."""

import os
import signal
import subprocess


from bed import MIB, Bed, Connection, Skip, WireError, expect, main, wait_until
from machine_files import CGROUP, MachineFiles


class Guest:
    """guestd on a machine of files, with a host and one JVM that an operator's order holds at 100 MiB of 4 GiB."""

    def __init__(self, config=None, **machine):
        self.bed = Bed(start=False, config=config)
        root = os.path.join(self.bed.directory, "root")
        self.machine = MachineFiles(root, **machine)
        self.bed.options += ["--root", root, "--host", "unix:" + os.path.join(self.bed.directory, "host.sock")]
        self.stalled = 0

    def __enter__(self):
        self.host = self.bed.host()
        self.bed.start()
        self.host.accept()
        return self

    def __exit__(self, *_):
        self.bed.__exit__()

    def restrained(self):
        jvm = self.bed.jvm("shop", hold_mib=100)
        jvm.target = 100 * MIB
        jvm.report()
        wait_until(lambda: self.bed.jvms()["shop"].get("target_bytes") == 100 * MIB, 5, "the restraint to be known")
        self.next_second()
        return jvm

    def next_second(self):
        """Until guestd has looked around and made its guard ready."""
        for _ in range(2):
            self.host.expect("report")

    def stall(self, ms=500):
        self.stalled += ms
        self.machine.stalled_ms(self.stalled)

    def warnings(self):
        return self.bed.status().get("warnings", [])

    def warns(self, text):
        return any(text in warning for warning in self.warnings())

    def no_message(self, kind, seconds):
        try:
            message = self.host.expect(kind, within=seconds)
        except WireError:
            return
        raise AssertionError(message)


def expect_no_order(jvm):
    try:
        order = jvm.expect("set_heap_target", within=1.5)
    except WireError:
        return
    raise AssertionError(f"a heap was told to grow into memory that is not there: {order}")


def missing_sources_are_named_and_the_rest_works():
    with Guest(without=["/proc/pressure/memory", "/proc/vmstat", "/proc/self/oom_score_adj"]) as guest:
        for text in ("memory pressure is unknown", "refaults and swapping are unknown", "no pressure trigger", "OOM killer"):
            expect(guest.warns(text), (text, guest.warnings()))
        expect(not guest.warns("the guest's memory is unknown"), guest.warnings())
        report = guest.host.expect("report")
        expect("psi_some_avg10" not in report and report["memory_available_bytes"] == 2048 * MIB, report)


def a_machine_without_meminfo_is_named_and_nothing_is_taken_for_room():
    with Guest(without=["/proc/meminfo"]) as guest:
        expect(guest.warns("the guest's memory is unknown"), guest.warnings())
        expect("os" not in guest.host.expect("report"), "nothing is known of the OS layer")
        jvm = guest.restrained()
        guest.stall()
        guest.host.expect("pressure")
        expect_no_order(jvm)


def the_report_carries_the_curve_of_the_os_layer():
    with Guest() as guest:
        os_layer = guest.host.expect("report")["os"]
        curve = os_layer["curve"]
        expect(len(curve) >= 3 and os_layer["driver"] == "none" and not os_layer["can_move"], os_layer)
        memory, cost = zip(*curve)
        expect(list(memory) == sorted(memory) and list(cost) == sorted(cost, reverse=True), curve)
        expect(memory[-1] == os_layer["size_bytes"] and cost[-1] == cost[-2] == 0, "free memory above the reserve costs nothing")
        expect(not os_layer["learned"], "nothing was seen to refault")
        expect(guest.bed.status()["guests"][0]["os"]["curve"] == curve, "status shows it, too")


def under_pressure_heaps_get_what_the_guest_can_back_and_the_host_is_told_once():
    with Guest() as guest:
        jvm = guest.restrained()
        guest.machine.available_mib(400)
        guest.stall()
        order = jvm.expect("set_heap_target")
        reserve = 4096 * MIB // 20
        room = 400 * MIB - reserve
        expect(abs(order["target_bytes"] - (100 * MIB + room)) < MIB, order)
        pressure = guest.host.expect("pressure")
        expect(pressure["cause"] == "psi" and pressure["wanted_bytes"] >= 64 * MIB and "jvm" not in pressure, pressure)
        jvm.answer(order, room, room, "met")
        for _ in range(3):
            guest.stall()
            guest.host.expect("report", within=3)
        guest.no_message("pressure", 0.5)
        entry = guest.bed.ask("ops")["operations"]["operations"][0]
        expect(entry["command"] == "guard", entry)


def a_stall_elsewhere_on_a_machine_with_memory_is_not_the_guests():
    with Guest() as guest:
        jvm = guest.restrained()
        for _ in range(3):
            guest.stall()
            guest.next_second()
        expect_no_order(jvm)
        guest.no_message("pressure", 0.5)
        guest.machine.available_mib(300)
        guest.stall()
        guest.host.expect("pressure")
        jvm.expect("set_heap_target")


def a_containers_own_stalls_are_its_own_and_the_machines_are_not():
    with Guest(container=(1024, 600, 300), own_pressure=True) as guest:
        guest.host.apply("op-1", {}, os_target_bytes=700 * MIB)
        guest.host.expect("result")
        guest.stall()
        guest.next_second()
        guest.no_message("pressure", 0.5)
        expect(guest.machine.read(CGROUP + "/memory.high").startswith(str(700 * MIB)), "still held")
        guest.machine.stalled_ms(800, CGROUP + "/memory.pressure")
        guest.host.expect("pressure")
        expect(guest.machine.read(CGROUP + "/memory.high").startswith("max"), "let go")


def without_room_no_heap_grows_and_the_host_is_told():
    with Guest() as guest:
        jvm = guest.restrained()
        guest.machine.available_mib(150)
        guest.stall()
        guest.host.expect("pressure")
        expect_no_order(jvm)


def pressure_ends_a_squeeze_with_its_reason():
    with Guest() as guest:
        jvm = guest.bed.jvm("shop", hold_mib=100)
        guest.bed.wait_for_report(jvm)
        guest.host.apply("op-1", {"shop": 60 * MIB}, deadline_ms=20_000)
        jvm.expect("set_heap_target")
        guest.machine.available_mib(400)
        guest.next_second()
        guest.stall()
        result = guest.host.expect("result")
        expect(result["reason"] == "guest-pressure" and result["op"] == "op-1", result)


def a_container_is_held_at_its_target_and_let_go_under_pressure():
    with Guest(container=(1024, 600, 300)) as guest:
        os_layer = guest.host.expect("report", matching=lambda m: "os" in m)["os"]
        expect(os_layer["driver"] == "cgroup-v2" and os_layer["can_move"], os_layer)
        expect(os_layer["holds_bytes"] == 600 * MIB and os_layer["limit_bytes"] == 1024 * MIB, os_layer)
        guest.host.apply("op-1", {}, os_target_bytes=700 * MIB)
        result = guest.host.expect("result")
        expect(result["reason"] == "met" and result["os"]["asked_bytes"] == 0, result)
        expect(guest.machine.read(CGROUP + "/memory.high").startswith(str(700 * MIB)), "held")
        taken = guest.host.expect("report", matching=lambda m: m["os"]["taken_bytes"] > 0)["os"]["taken_bytes"]
        expect(taken == 324 * MIB, taken)
        guest.stall()
        guest.host.expect("pressure")
        expect(guest.machine.read(CGROUP + "/memory.high").startswith("max"), "let go at once")


def a_kernel_that_finds_nothing_is_believed():
    with Guest(container=(1024, 600, 300)) as guest:
        guest.machine.write(CGROUP + "/memory.reclaim", "")
        guest.host.apply("op-1", {}, os_target_bytes=500 * MIB)
        result = guest.host.expect("result")
        expect(result["reason"] == "not-reclaimable" and result["os"]["shortfall_bytes"] == 100 * MIB, result)


def what_applications_offer_is_in_the_curve_and_asked_for_before_the_kernel_takes():
    """This process is the application: it holds some memory, says that it has given it, and gives nothing."""
    with Guest(container=(1024, 600, 300)) as guest, Connection.to(os.path.join(guest.bed.runtime, "client.sock")) as cache:
        before = guest.host.expect("report", matching=lambda m: "os" in m)["os"]
        expect("offered_bytes" not in before, before)
        cache.send("reclaimer", reclaimer="pictures", releasable_bytes=8 * MIB, price=0.5)
        offer = guest.host.expect("report", matching=lambda m: "offered_bytes" in m["os"])["os"]
        expect(offer["offered_bytes"] == 4 * MIB and offer["floor_bytes"] == before["floor_bytes"] - 4 * MIB, (before, offer))
        expect(offer["curve"][0][0] == before["curve"][0][0] - 4 * MIB, "the curve reaches as far")
        guest.machine.write(CGROUP + "/memory.reclaim", "")
        guest.host.apply("op-1", {}, os_target_bytes=400 * MIB, deadline_ms=20_000)
        order = cache.receive()
        expect(order["type"] == "reclaim" and order["wanted_bytes"] == 4 * MIB, order)
        cache.send("reclaimed", order["id"], reclaimer="pictures", released_bytes=order["wanted_bytes"])
        result = guest.host.expect("result", within=30)
        expect(result["reason"] == "not-reclaimable", result)
        cache.send("reclaimer", reclaimer="pictures", releasable_bytes=8 * MIB, price=0.5)
        wait_until(lambda: "offered_bytes" not in guest.host.expect("report")["os"], 20, "the liar to be charged what was measured")


def a_container_is_never_told_to_swap():
    with Guest(container=(1024, 600, 300)) as guest:
        guest.machine.write(CGROUP + "/memory.reclaim", "")
        guest.host.apply("op-1", {}, os_target_bytes=100 * MIB, deadline_ms=1500)
        result = guest.host.expect("result")
        expect("would have to be swapped" in result["os"]["detail"] and result["os"]["shortfall_bytes"] == 500 * MIB, result)
        high = guest.machine.read(CGROUP + "/memory.high")
        expect(high == "max" or int(high) >= 364 * MIB, high)


def what_the_container_was_allowed_comes_back_when_guestd_ends_or_dies():
    for number in (signal.SIGTERM, signal.SIGKILL):
        with Guest(container=(1024, 600, 300)) as guest:
            guest.host.apply("op-1", {}, os_target_bytes=700 * MIB)
            guest.host.expect("result")
            guest.host.hang_up()
            guest.bed.end(number)
            high = guest.machine.read(CGROUP + "/memory.high")
            expect(high.startswith("max") == (number == signal.SIGTERM), high)
            guest.machine.write(CGROUP + "/memory.high", "max" if number == signal.SIGTERM else str(700 * MIB))
            guest.bed.start()
            guest.host.accept()
            guest.host.expect("report", matching=lambda m: "os" in m)
            if number == signal.SIGTERM:
                guest.machine.available_mib(100)  # nothing is held that could stall it: it has to be short itself
            guest.stall()
            guest.host.expect("pressure")
            expect(guest.machine.read(CGROUP + "/memory.high").startswith("max"), "the new daemon knows what was allowed")


def a_jump_of_time_begins_a_new_session():
    with Guest() as guest:
        guest.next_second()
        first = guest.host.session
        guest.machine.uptime(5000.0)
        guest.host.accept()
        expect(guest.host.session != first, "a session of its own")
        expect("time has jumped" in guest.bed.log() and "suspended" in guest.bed.log(), guest.bed.log())
        guest.host.expect("report")


def guestd_protects_itself_or_says_that_it_cannot():
    with Bed() as bed:
        with open(f"/proc/{bed.daemon.pid}/status", encoding="ascii") as file:
            locked = next(int(line.split()[1]) for line in file if line.startswith("VmLck"))
        named = any("memory is not locked" in warning for warning in bed.status().get("warnings", []))
        expect((locked > 1024) != named, f"{locked} KiB locked, status {bed.status().get('warnings')}")
        with open(f"/proc/{bed.daemon.pid}/oom_score_adj", encoding="ascii") as file:
            score = int(file.read())
        named = any("OOM killer" in warning for warning in bed.status().get("warnings", []))
        expect((score == -900) != named, f"oom_score_adj {score}, status {bed.status().get('warnings')}")


def guestd_goes_on_without_the_rights_to_protect_itself():
    if os.geteuid() != 0:
        raise Skip("needs root, to give rights away")
    with Bed(start=False) as bed:
        os.chown(bed.directory, 65534, 65534)
        argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--", *bed.arguments()]
        bed.arguments = lambda: argv
        bed.start()
        warnings = bed.status()["warnings"]
        expect(any("memory is not locked" in w and "CAP_IPC_LOCK" in w for w in warnings), warnings)
        expect(any("oom_score_adj" in w for w in warnings), warnings)


def wrong_settings_are_explained():
    text = '[os]\ncgroup = "web"\npressure_window = "100ms"\npressure_stall = "0s"\noom_score_adj = -2000\nbaloon = true\n'
    with Bed(start=False, config=text) as bed:
        done = subprocess.run(bed.arguments(), capture_output=True, text=True, timeout=20, check=False)
        expect(done.returncode == 1, done)
        for word in ("cgroup", "pressure_window", "pressure_stall", "oom_score_adj", "baloon"):
            expect(word in done.stderr, (word, done.stderr))


TESTS = [missing_sources_are_named_and_the_rest_works, a_machine_without_meminfo_is_named_and_nothing_is_taken_for_room,
         the_report_carries_the_curve_of_the_os_layer, under_pressure_heaps_get_what_the_guest_can_back_and_the_host_is_told_once,
         a_stall_elsewhere_on_a_machine_with_memory_is_not_the_guests,
         a_containers_own_stalls_are_its_own_and_the_machines_are_not,
         without_room_no_heap_grows_and_the_host_is_told, pressure_ends_a_squeeze_with_its_reason,
         a_container_is_held_at_its_target_and_let_go_under_pressure, a_kernel_that_finds_nothing_is_believed,
         what_applications_offer_is_in_the_curve_and_asked_for_before_the_kernel_takes,
         a_container_is_never_told_to_swap, what_the_container_was_allowed_comes_back_when_guestd_ends_or_dies,
         a_jump_of_time_begins_a_new_session, guestd_protects_itself_or_says_that_it_cannot,
         guestd_goes_on_without_the_rights_to_protect_itself, wrong_settings_are_explained]

if __name__ == "__main__":
    main(TESTS)
