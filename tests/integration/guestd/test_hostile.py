#!/usr/bin/env python3
"""Peers that mean harm, and places that are not as they should be: guestd goes on, counts, and says what is wrong."""

import os
import random
import resource
import socket
import stat
import subprocess
import time

from bed import MIB, Bed, Connection, Skip, WireError, encode, expect, main, wait_until

MANY = 1000


def responsive(bed, within=1.0):
    wait_until(bed.answers, 10, "room at the doors again")
    began = time.monotonic()
    bed.status()
    took = time.monotonic() - began
    expect(took < within, f"status took {took:.2f} s")


def open_many(path, count):
    held, refused = [], 0
    for _ in range(count):
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        peer.settimeout(2)
        try:
            peer.connect(path)
            held.append(peer)
        except OSError:
            refused += 1
            peer.close()
    return held, refused


def a_thousand_connections_at_either_door_keep_nobody_out():
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    for door in ("agent_socket", "control_socket"):
        with Bed() as bed:
            jvm = bed.jvm("shop", hold_mib=10)
            held, refused = open_many(getattr(bed, door), MANY)
            expect(len(held) + refused == MANY, "all were tried")
            jvm.line.send("gossip", "still-there")
            expect(jvm.expect("error")["id"] == "still-there", "an agent that was there is served")
            for peer in held:
                peer.close()
            wait_until(bed.answers, 10, f"{door} to be open again")
            wait_until(lambda b=bed: "shop" in b.jvms(), 5, "the JVM in status")
            responsive(bed)
            files = len(os.listdir(f"/proc/{bed.daemon.pid}/fd"))
            expect(files < 100, f"{files} descriptors are still open")


def half_lines_and_disconnects_in_the_middle_leave_nothing_behind():
    with Bed() as bed:
        bed.jvm("shop", hold_mib=10)
        line = encode("hello", role="agent", name="half", session="s", software="0", jvm={"max_heap_bytes": 1})
        noise = random.Random(3)
        for path in (bed.agent_socket, bed.control_socket):
            for _ in range(200):
                with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
                    peer.connect(path)
                    try:
                        peer.sendall(line[:noise.randrange(1, len(line))])
                    except OSError:
                        pass  # cut off already
        responsive(bed)
        expect(list(bed.jvms()) == ["shop"], bed.jvms())


def whoever_leaves_during_an_operation_does_not_keep_it_running():
    with Bed() as bed:
        jvm = bed.jvm("shop", hold_mib=50)
        bed.wait_for_report(jvm)
        operator = Connection.to(bed.control_socket)
        operator.send("request", "gone", command="squeeze", target="shop", bytes=20 * MIB, deadline_ms=800)
        jvm.expect("set_heap_target")
        operator.close()
        jvm.close()
        wait_until(lambda: not bed.ask("ops")["operations"]["operations"][0]["running"], 5, "the operation to end")
        entry = bed.ask("ops")["operations"]["operations"][0]
        expect(entry["reason"] in ("disconnected", "deadline") and entry["obtained"] == 0, entry)


def giant_claims_do_not_become_figures():
    with Bed() as bed:
        jvm = bed.jvm("liar", hold_mib=10)
        most = (1 << 63) - 1
        jvm.report(footprint_bytes=most, committed_bytes=most, used_bytes=most, live_bytes=most, floor_bytes=most,
                   ceiling_bytes=most, non_heap_bytes=most, balloon_bytes=most, releasable_bytes=most,
                   curve=[[0, 1e300], [most, 0.0]], alloc_bytes_per_s=1e300, gc_cpu=1e300)
        wait_until(lambda: bed.jvms()["liar"]["report"]["footprint_bytes"] != jvm.footprint, 5, "the claim to be seen")
        report = bed.jvms()["liar"]["report"]
        expect(report["footprint_bytes"] < 5 << 30 and report["floor_bytes"] <= report["ceiling_bytes"] <= 4096 * MIB, report)
        expect(report["gc_cpu"] <= 1e15 and report["balloon_bytes"] <= 4096 * MIB, report)
        jvm.line.send("pressure", wanted_bytes=most, cause="x" * 400, jvm="somebody-else")
        def calls():
            return [warning for warning in bed.status().get("warnings", []) if "called for" in warning]
        warning = wait_until(calls, 5, "the wish")[0]
        expect("liar called for 4.00 GiB" in warning, warning)


def claims_in_numbers_that_are_none_are_dropped_and_counted():
    with Bed() as bed:
        jvm = bed.jvm("odd", hold_mib=10)
        before = bed.status()["malformed_lines"]
        for value in ("-1", "1.5", "1e400", "99999999999999999999999", "null", '"5"', "[]", "NaN"):
            jvm.line.send_raw(f'{{"v":1,"type":"pressure","id":"p","wanted_bytes":{value},"cause":"psi"}}\n'.encode())
        wait_until(lambda: bed.status()["malformed_lines"] == before + 8, 5, "each to be counted")
        jvm.report()
        expect("odd" in bed.jvms(), "and the peer is still served")


def a_flood_at_the_operators_door_is_cut_off_and_does_not_slow_agents():
    with Bed() as bed:
        jvm = bed.jvm("shop", hold_mib=10)
        flood = bed.keep(Connection.to(bed.control_socket))
        try:
            for _ in range(100):
                flood.send_raw(encode("request", command="status") * 100)
        except (OSError, WireError):
            pass
        jvm.line.send("gossip", "during")
        expect(jvm.expect("error", within=2)["id"] == "during", "agents are served")
        wait_until(lambda: bed.status()["peers_cut_off"] >= 1, 5, "the flood to be cut off")


def a_runtime_directory_that_cannot_be_written_is_explained():
    with Bed(start=False) as bed:
        with open(bed.runtime, "w", encoding="ascii"):
            pass  # a file in its place: also root cannot make sockets there
        done = subprocess.run(bed.arguments(), capture_output=True, text=True, timeout=20, check=False)
        expect(done.returncode == 1 and bed.runtime in done.stdout + done.stderr, done)


def mounted(bed, options):
    os.makedirs(bed.runtime, mode=0o755, exist_ok=True)
    argv = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", bed.runtime]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Skip(f"needs the right to mount a tmpfs: {done.stderr.strip()}")


def unmount(bed):
    if bed.daemon and bed.daemon.poll() is None:
        bed.daemon.kill()
        bed.daemon.wait()
    subprocess.run(["umount", bed.runtime], check=False)


def fill(path):
    """Until no page is left."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        while True:
            os.write(descriptor, b"x" * 4096)
    except OSError:
        os.close(descriptor)


def a_read_only_runtime_directory_is_explained():
    with Bed(start=False) as bed:
        mounted(bed, "ro,size=64k,mode=0755")
        try:
            done = subprocess.run(bed.arguments(), capture_output=True, text=True, timeout=20, check=False)
            expect(done.returncode == 1 and "Read-only file system" in done.stdout + done.stderr, done)
        finally:
            unmount(bed)


def a_full_runtime_directory_degrades_and_is_named():
    with Bed(start=False) as bed:
        mounted(bed, "size=64k,mode=0755")
        try:
            fill(os.path.join(bed.runtime, "filler"))
            bed.start()
            jvm = bed.jvm("shop", hold_mib=10)
            bed.wait_for_report(jvm)
            bed.ask("pause", target="shop")
            wait_until(lambda: "the off switch is not kept over a restart" in bed.log(), 5, "the log to say so")
            expect(any("paused" in warning for warning in bed.status()["warnings"]), "but it works")
        finally:
            unmount(bed)


def whatever_stands_where_a_socket_belongs_is_left_alone():
    with Bed(start=False) as bed:
        os.mkdir(bed.runtime)
        with open(bed.control_socket, "w", encoding="ascii") as file:
            file.write("mine")
        done = subprocess.run(bed.arguments(), capture_output=True, text=True, timeout=20, check=False)
        expect(done.returncode == 1 and "control.sock" in done.stdout + done.stderr, done)
        expect(stat.S_ISREG(os.stat(bed.control_socket).st_mode), "it is still there")


TESTS = [a_thousand_connections_at_either_door_keep_nobody_out, half_lines_and_disconnects_in_the_middle_leave_nothing_behind,
         whoever_leaves_during_an_operation_does_not_keep_it_running, giant_claims_do_not_become_figures,
         claims_in_numbers_that_are_none_are_dropped_and_counted,
         a_flood_at_the_operators_door_is_cut_off_and_does_not_slow_agents,
         a_runtime_directory_that_cannot_be_written_is_explained, a_read_only_runtime_directory_is_explained,
         a_full_runtime_directory_degrades_and_is_named, whatever_stands_where_a_socket_belongs_is_left_alone]

if __name__ == "__main__":
    main(TESTS)
