#!/usr/bin/env python3
"""What applications see of a real guestd: the page, by itself, through the C library, and by aerostatctl condition.

AEROSTAT_CONDITION_KILLS: how often the writer is killed under its readers (default 100)."""

import json
import os
import random
import select
import signal
import subprocess
import time

from bed import MIB, Bed, Skip, expect, main, wait_until
from condition_reader import (AMPLE, BUILD, NO_DAEMON, NO_HOST, STALE, TIGHT, UNKNOWN, VALID, WAIT_ANY, WAIT_LEVEL, Reader,
                              page_of, squeeze_out)

KILLS = int(os.environ.get("AEROSTAT_CONDITION_KILLS", "100"))
READERS = 4
STALE_AFTER = 5.0


def cli(bed, *words, **options):
    argv = [os.path.join(BUILD, "bin", "aerostatctl"), "--socket", bed.control_socket, "condition", *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False, stdin=subprocess.DEVNULL, **options)


def the_page_tells_what_the_guest_has():
    with Bed() as bed:
        page = page_of(bed)
        state = page.read()
        with open("/proc/meminfo", encoding="ascii") as file:
            total = int(file.readline().split()[1]) * 1024
        expect(state["validity"] == NO_HOST, state)
        expect(0 < state["available"] <= state["guest_total"] <= total, state)
        expect(state["guest_target"] == UNKNOWN and state["host_level"] == 0xFFFFFFFF, "unknown is no zero")
        expect(state["host_price"] < 0, "nor a price")
        expect(abs(time.monotonic_ns() - state["updated_ns"]) < 3e9, "the time is CLOCK_MONOTONIC")
        expect(os.stat(os.path.join(bed.runtime, "condition")).st_mode & 0o7777 == 0o644, "readable by all")
        first = state["updates"]
        wait_until(lambda: page.read()["updates"] >= first + 2, 5, "the page to be written every second")


def the_hosts_plan_is_passed_on(bed, host, page):
    """What the host leaves the guest is told as it is; what it is about to take is no longer available."""
    before = page.read()["available"]
    host.line.send("condition", level="critical", price=0.25, guest_target_bytes=3072 * MIB, takes_bytes=before * 2)
    state = wait_until(lambda: (lambda s: s if s["guest_target"] == 3072 * MIB else None)(page.read()), 3, "the host's plan")
    expect(state["available"] == 0, f"all of {before} is about to be taken: {state}")
    shown = json.loads(cli(bed, "--json").stdout)
    expect(shown["guest_target_bytes"] == 3072 * MIB, shown)
    host.line.send("condition", level="critical", price=0.25)
    wait_until(lambda: page.read()["guest_target"] == UNKNOWN and page.read()["available"] > 0, 3, "a plan that is off to be forgotten")


def the_host_tells_what_it_shares():
    with Bed(start=False) as bed:
        host = bed.host()
        bed.options += ["--host", "unix:" + host.path]
        bed.start()
        host.accept()
        page = page_of(bed)
        host.line.send("condition", level="critical", price=0.25)
        state = wait_until(lambda: (lambda s: s if s["host_level"] == 3 else None)(page.read()), 3, "the host's level")
        expect(state["validity"] == VALID and state["host_price"] == 0.25 and state["host_shares"] == 2, state)
        expect(state["level"] == TIGHT, "a host in trouble asks early")
        expect(state["guest_target"] == UNKNOWN, "a host that leaves it open is no host that leaves nothing")
        the_hosts_plan_is_passed_on(bed, host, page)
        host.line.send("condition", level="nonsense")
        wait_until(lambda: page.read()["host_level"] == 0xFFFFFFFF, 3, "a word nobody knows to be unknown")
        host.hang_up()
        host.close()
        wait_until(lambda: page.read()["validity"] == NO_HOST, 5, "the host's silence to show")


def a_restart_keeps_the_inode_and_changes_the_session():
    with Bed() as bed:
        page = page_of(bed)
        before = page.read()
        bed.end()
        goodbye = page.read()
        expect(goodbye["validity"] == NO_DAEMON and goodbye["session"] == before["session"], goodbye)
        bed.start()
        after = wait_until(lambda: (lambda s: s if s["validity"] == NO_HOST else None)(page.read()), 5, "the successor")
        expect(after["session"] != before["session"] and after["updates"] > goodbye["updates"], (before, after))
        expect(page_of(bed).inode == page.inode, "the same file")
        expect(page.header()["level_changes"] >= 3, "each of these was news")


def kill_and_restart(bed, host):
    """The writer dies KILLS times, each time somewhere among its writes; how often it did. On a machine so busy that this takes
    ten times its time a fifth of them has to do."""
    luck, until = random.Random(1), time.monotonic() + KILLS * 0.5
    for round_ in range(KILLS):
        if round_ >= KILLS / 5 and time.monotonic() > until:
            return round_
        if round_:
            bed.launch()
        host.accept()
        # News of the host have the page written at once: several hundred times a second until the kill.
        for number in range(luck.randrange(5, 60)):
            try:
                host.line.send("condition", level=("ample", "advisory")[number % 2])
            except OSError:
                break
        time.sleep(luck.random() * 0.01)  # the kill shall fall anywhere
        bed.daemon.kill()
        bed.daemon.wait()
        host.hang_up()
    return KILLS


def a_killed_writer_leaves_whole_states_and_goes_stale():
    with Bed(start=False) as bed:
        host = bed.host()
        bed.options += ["--host", "unix:" + host.path]
        bed.start()
        page_of(bed)
        with subprocess.Popen([os.path.join(BUILD, "bin", "bench_condition"), "hammer", bed.runtime, str(READERS)],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as readers:
            readers.stdout.readline()
            kills = kill_and_restart(bed, host)
            died = time.monotonic()
            with Reader(bed.runtime) as reader:
                wait_until(lambda: reader.read().validity == STALE, STALE_AFTER + 1.5, "the last word to become stale")
                took = time.monotonic() - died
                expect(reader.now.level >= AMPLE and reader.now.available_bytes != UNKNOWN, "the last word can still be read")
            seen = json.loads(readers.communicate(timeout=20)[0])
        print(f"FIGURE condition page: writer killed {kills} times under {READERS} readers: {seen['reads']} reads of "
              f"{seen['writes']} states, torn {seen['torn']}, gone back {seen['gone_back']}, unread {seen['unread']}; "
              f"stale {took:.1f} s after the last death")
        expect(seen["torn"] == 0 and seen["gone_back"] == 0 and seen["unread"] == 0, seen)
        expect(seen["sessions"] >= READERS * kills * 0.5, f"the readers saw the writers come and go: {seen}")
        expect(seen["writes"] > kills * 3, seen)


def who_waits_is_woken():
    with Bed() as bed, Reader(bed.runtime) as reader:
        jvm = bed.jvm("shop")
        wait_until(lambda: reader.read().validity == NO_HOST, 5, "a state")
        descriptor = reader.descriptor()
        expect(reader.dispatch() == 1 or reader.dispatch() == 0, "the first word")
        wait_until(lambda: not select.select([descriptor], [], [], 0)[0] or reader.dispatch() < 0, 3, "quiet")
        expect(reader.wait(WAIT_LEVEL, 300) == 0, "nothing changes")
        began = time.monotonic()
        squeeze_out(jvm)
        expect(reader.wait(WAIT_LEVEL, 5000) == 1 and reader.now.level == TIGHT, reader.now.level)
        expect(time.monotonic() - began < 1, "woken, not polled")
        expect(reader.now.suggested_release_bytes > 0 and reader.now.release_within_ns <= 10.1e9, "what and by when")
        expect(select.select([descriptor], [], [], 2)[0], "the descriptor is readable")
        expect(reader.dispatch() == 1, "there is news")
        expect(not select.select([descriptor], [], [], 0)[0], "and then it is quiet again")


def a_reader_without_a_daemon_finds_one_that_comes():
    with Bed(start=False) as bed, Reader(bed.runtime) as reader:
        expect(reader.read().validity == NO_DAEMON and reader.now.level == -1, "no daemon is an answer")
        expect(reader.now.available_bytes == UNKNOWN and reader.now.psi_some_avg10 < 0, "not zero")
        descriptor = reader.descriptor(WAIT_ANY)
        expect(descriptor >= 0, descriptor)
        bed.start()
        expect(reader.wait(WAIT_LEVEL, 5000) == 1 and reader.now.validity == NO_HOST, reader.now.validity)
        expect(select.select([descriptor], [], [], 5)[0], "the descriptor tells it, too")
        bed.end()
        expect(reader.wait(WAIT_LEVEL, 5000) == 1 and reader.now.validity == NO_DAEMON, "and that it ended")


def a_page_of_somebody_else_is_not_believed():
    if os.geteuid() != 0:
        raise Skip("needs root, to give files away")
    with Bed() as bed, Reader(bed.runtime) as reader:
        page_of(bed)
        expect(reader.read().validity == NO_HOST, reader.now.validity)
        os.chown(os.path.join(bed.runtime, "condition"), 65534, 65534)
        with Reader(bed.runtime) as other:
            expect(other.read().validity == NO_DAEMON, "owned by nobody")


def the_tool_shows_watches_and_runs_commands():
    with Bed() as bed:
        jvm = bed.jvm("shop")
        page_of(bed)
        shown = cli(bed, "--json")
        document = json.loads(shown.stdout)
        expect(shown.returncode == 0 and document["level"] == "ample" and document["validity"] == "no-host", shown)
        expect("guest_target_bytes" not in document, "unknown is left out")
        file = os.path.join(bed.directory, "levels")
        command = f'echo "$AEROSTAT_LEVEL $AEROSTAT_SUGGESTED_RELEASE_BYTES" >> {file}'
        watcher = subprocess.Popen([os.path.join(BUILD, "bin", "aerostatctl"), "--socket", bed.control_socket, "condition",
                                    "--json", "--exec", command], stdout=subprocess.PIPE, text=True)
        try:
            def levels():
                if not os.path.exists(file):
                    return []
                with open(file, encoding="ascii") as lines:
                    return lines.read().split("\n")
            wait_until(lambda: levels()[:1] == ["ample 0"], 5, "the command to run at once")
            squeeze_out(jvm)
            wait_until(lambda: any(line.startswith("tight ") for line in levels()), 5, "the command to run at the change")
            watcher.send_signal(signal.SIGTERM)
            out = watcher.communicate(timeout=5)[0]
            expect([json.loads(line)["level"] for line in out.splitlines()][:2] == ["ample", "tight"], out)
            expect(watcher.returncode == 0, watcher.returncode)
        finally:
            watcher.kill()
        bed.end()
        expect(cli(bed).returncode == 4, "no daemon")


def a_full_runtime_directory_is_named_and_mended():
    if os.geteuid() != 0:
        raise Skip("needs root, to mount a small file system")
    with Bed(start=False) as bed:
        os.makedirs(bed.runtime, mode=0o755, exist_ok=True)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24k,mode=755", "none", bed.runtime], check=False,
                          capture_output=True).returncode != 0:
            raise Skip("tmpfs cannot be mounted here")
        try:
            filler = os.path.join(bed.runtime, "filler")
            with open(filler, "wb", buffering=0) as file:
                try:
                    while file.write(b"x" * 4096):
                        pass
                except OSError:
                    pass
                file.truncate(file.tell() - 4 * 4096)  # room for the lock files' pids, and no page more
            bed.start()
            def warnings():
                return [warning for warning in bed.status().get("warnings", []) if "memory condition" in warning]
            warning = wait_until(warnings, 5, "the warning")
            expect("No space left" in warning[0] and "make room" in warning[0], warning)
            expect(bed.jvm("shop").welcome["type"] == "welcome", "everything else works")
            os.unlink(filler)
            wait_until(lambda: not warnings(), 5, "the page once there is room")
            page_of(bed)
        finally:
            if bed.daemon:
                bed.daemon.kill()
                bed.daemon.wait()
            subprocess.run(["umount", "-l", bed.runtime], check=False)


def a_read_only_runtime_directory_is_named():
    if os.geteuid() != 0:
        raise Skip("needs root, to mount a file system")
    with Bed(start=False) as bed:
        os.makedirs(bed.runtime, mode=0o755, exist_ok=True)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,mode=755", "none", bed.runtime], check=False,
                          capture_output=True).returncode != 0:
            raise Skip("tmpfs cannot be mounted here")
        try:
            ended = subprocess.run(bed.arguments(), capture_output=True, text=True, timeout=10, check=False)
            expect(ended.returncode == 1 and "Read-only file system" in ended.stdout + ended.stderr, ended)
        finally:
            subprocess.run(["umount", "-l", bed.runtime], check=False)


TESTS = [the_page_tells_what_the_guest_has, the_host_tells_what_it_shares, a_restart_keeps_the_inode_and_changes_the_session,
         a_killed_writer_leaves_whole_states_and_goes_stale, who_waits_is_woken,
         a_reader_without_a_daemon_finds_one_that_comes, a_page_of_somebody_else_is_not_believed,
         the_tool_shows_watches_and_runs_commands, a_full_runtime_directory_is_named_and_mended,
         a_read_only_runtime_directory_is_named]

if __name__ == "__main__":
    main(TESTS)
