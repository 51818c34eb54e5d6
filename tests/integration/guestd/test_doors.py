#!/usr/bin/env python3
"""The daemon's doors and its life: sockets, rights, hostile peers, configuration, signals."""

import os
import random
import signal
import socket
import stat
import subprocess
import time

from bed import GUESTD, MIB, Bed, Connection, FakeJvm, Skip, WireError, expect, main, wait_until

NOBODY = 65534


def run(*arguments):
    return subprocess.run([GUESTD, *arguments], capture_output=True, text=True, timeout=20, check=False)


def help_and_version_are_printed():
    expect("--runtime-dir" in run("--help").stdout, "help")
    expect(run("--version").stdout.startswith("aerostat-guestd 0."), "version")


def wrong_options_are_usage_errors():
    expect(run("--nonsense").returncode == 2, "an unknown option")
    expect(run("--log-level", "loud").returncode == 2, "a wrong word")


def a_host_address_without_sense_is_explained():
    for address in ("virtio:", "virtio:../x", "/run/x"):
        done = run("--host", address)
        expect(done.returncode == 1 and "is no address" in done.stderr and "virtio:PORT" in done.stderr, done)


def the_sample_configuration_is_good():
    sample = os.path.join(os.path.dirname(GUESTD), "no-such-file")
    expect(run("--config", sample, "--check-config").returncode == 1, "a missing file")
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    done = run("--config", os.path.join(root, "guest-balloon", "guestd.example.toml"), "--check-config")
    expect(done.returncode == 0, done)


def a_wrong_configuration_is_explained_line_by_line():
    with Bed(config='lease = 30\nsilence = "1m"\n[control]\nread_groups = "x"\n', start=False) as bed:
        done = subprocess.run(bed.arguments(), capture_output=True, text=True, timeout=20, check=False)
        expect(done.returncode == 1, done)
        for word in ("lease", "silence", "read_groups", ":1", ":2", ":4"):
            expect(word in done.stderr, done.stderr)


def an_unknown_group_is_named():
    with Bed(config='[control]\nread_group = "no-such-group-here"\n', start=False) as bed:
        done = subprocess.run(bed.arguments(), capture_output=True, text=True, timeout=20, check=False)
        expect(done.returncode == 1 and "no-such-group-here" in done.stderr, done)


def a_second_daemon_is_refused_with_the_pid_of_the_first():
    with Bed() as bed:
        second = subprocess.run(bed.arguments(), capture_output=True, text=True, timeout=20, check=False)
        expect(second.returncode == 1 and str(bed.daemon.pid) in second.stderr, second)
        expect(bed.answers(), "the first goes on")


def stale_sockets_are_replaced_and_removed_at_the_end():
    with Bed(start=False) as bed:
        os.mkdir(bed.runtime)
        for path in (bed.agent_socket, bed.control_socket):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
                dead.bind(path)
        bed.start()
        expect(stat.S_IMODE(os.stat(bed.agent_socket).st_mode) == 0o666, "agent.sock is for everybody")
        expect(stat.S_IMODE(os.stat(bed.control_socket).st_mode) == 0o660, "control.sock is not")
        expect(bed.end() == 0, bed.log())
        expect(not os.path.exists(bed.agent_socket) and not os.path.exists(bed.control_socket), "sockets are removed")


def stopping_leaves_agents_holding():
    with Bed() as bed:
        jvm = bed.jvm("shop", hold_mib=10)
        jvm.target = 5 * MIB
        jvm.report()
        expect(bed.end(signal.SIGINT) == 0, bed.log())
        try:
            while True:
                message = jvm.line.receive(2)
                expect(message["type"] in ("lease", "error"), message)
        except WireError:
            pass


def garbage_for_seconds_does_no_harm():
    with Bed() as bed:
        jvm = bed.jvm("shop", hold_mib=10)
        noise = random.Random(7)
        until, rounds = time.monotonic() + 3, 0
        while time.monotonic() < until:
            with Connection.to(bed.agent_socket) as peer:
                try:
                    for _ in range(200):
                        peer.send_raw(noise.randbytes(noise.randrange(1, 4000)) + b"\n")
                        rounds += 1
                except OSError:
                    pass  # cut off, as it should be
            if rounds % 1000 < 200:
                jvm.report()
        wait_until(lambda: bed.status()["peers_cut_off"] > 0, 5, "peers to be cut off")
        expect(bed.status()["malformed_lines"] > 100, bed.status())
        jvm.report()
        expect("shop" in bed.jvms(), "those who behave are served")


def a_line_of_a_mebibyte_is_dropped_and_the_next_is_read():
    with Bed() as bed:
        jvm = bed.jvm("shop")
        jvm.line.send_raw(b"x" * MIB + b"\n")
        jvm.line.send("gossip", "after")
        expect(jvm.line.receive()["id"] == "after", "the line behind it")
        expect(bed.status()["malformed_lines"] == 1, bed.status())


def a_flood_is_cut_off():
    with Bed() as bed:
        jvm = bed.jvm("flood")
        try:
            for _ in range(200):
                jvm.line.send_raw(b'{"v":1,"type":"pressure","id":"p","wanted_bytes":1,"cause":"psi"}\n' * 100)
        except OSError:
            pass
        wait_until(lambda: bed.status()["peers_cut_off"] == 1, 5, "the flood to be cut off")


def whoever_says_nothing_loses_its_place():
    with Bed() as bed:
        peer = bed.keep(Connection.to(bed.agent_socket))
        expect(peer.receive(within=9)["code"] == "timed-out", "told why")


def rights_follow_groups():
    if os.geteuid() != 0:
        raise Skip("needs root, to act as other users")
    with Bed(config='[control]\nread_group = "nogroup"\noperate_group = "daemon"\n') as bed:
        def allowed(groups):
            child = bed.keep(FakeJvm("child"))
            child.tell(uid=NOBODY, gid=60000, groups=groups)
            line = Connection(child.tell(connect=bed.control_socket))
            codes = [line.ask(command).get("error", {}).get("code") for command in ("status", "release")]
            line.close()
            return codes
        import grp
        readers, operators = grp.getgrnam("nogroup").gr_gid, grp.getgrnam("daemon").gr_gid
        expect(allowed([]) == ["denied", "denied"], "a stranger")
        expect(allowed([readers]) == [None, "denied"], "a reader")
        expect(allowed([operators]) == [None, None], "an operator")


def without_groups_strangers_do_not_get_in():
    if os.geteuid() != 0:
        raise Skip("needs root, to act as other users")
    with Bed() as bed:
        child = bed.keep(FakeJvm("child"))
        child.tell(uid=NOBODY, gid=NOBODY, groups=[])
        try:
            child.tell(connect=bed.control_socket)
        except OSError as error:
            expect("Permission" in str(error), error)
        else:
            raise AssertionError("control.sock let a stranger in")
        expect(child.connect(bed.agent_socket).welcome["type"] == "welcome", "agent.sock is for everybody")


def reload_takes_over_what_it_can_and_names_the_rest():
    with Bed(config='max_agents = 1\n') as bed:
        bed.jvm("a")
        expect(bed.jvm("b").welcome["type"] == "error", "full")
        file = os.path.join(bed.directory, "guestd.toml")
        with open(file, "w", encoding="utf-8") as out:
            out.write('max_agents = 2\nhost = "unix:/tmp/elsewhere"\n')
        bed.daemon.send_signal(signal.SIGHUP)
        wait_until(lambda: "restart key=host" in bed.log(), 5, "the reload")
        expect(bed.jvm("c").welcome["type"] == "welcome", "room now")
        with open(file, "w", encoding="utf-8") as out:
            out.write("nonsense = 1\n")
        bed.daemon.send_signal(signal.SIGHUP)
        wait_until(lambda: "not reloaded" in bed.log(), 5, "the refusal")
        expect(bed.answers(), "it goes on as before")


TESTS = [help_and_version_are_printed, wrong_options_are_usage_errors, a_host_address_without_sense_is_explained, the_sample_configuration_is_good,
         a_wrong_configuration_is_explained_line_by_line, an_unknown_group_is_named, a_second_daemon_is_refused_with_the_pid_of_the_first,
         stale_sockets_are_replaced_and_removed_at_the_end, stopping_leaves_agents_holding, garbage_for_seconds_does_no_harm,
         a_line_of_a_mebibyte_is_dropped_and_the_next_is_read, a_flood_is_cut_off, whoever_says_nothing_loses_its_place,
         rights_follow_groups, without_groups_strangers_do_not_get_in, reload_takes_over_what_it_can_and_names_the_rest]

if __name__ == "__main__":
    main(TESTS)
