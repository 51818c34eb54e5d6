"""The memory condition in Java: values are those of the page, what is unknown says so, and listeners are told. The daemon is
played by the test, so that it can lie, hang and die; with a real one: test_java_guestd.py."""

import os
import random
import signal
import socket
import statistics
import struct
import subprocess

from condition_case import (AMPLE, CRITICAL, TIGHT, ConditionCase, WireError, built, evidence, for_each_jdk, run_and_count, time,
                            until)

GIB = 1 << 30
SECOND = 1_000_000_000


class Reading(ConditionCase):
    @for_each_jdk
    def test_values_are_those_of_the_page(self, major):
        directory = self.directory()
        page = self.page(directory)
        said = page.publish(session=77, level=TIGHT, trend=2, host_level=CRITICAL, host_shares=2, available_bytes=5 * GIB,
                            suggested_release_bytes=GIB, deadline_ns=time.monotonic_ns() + 60 * SECOND, java_ballooned_bytes=1,
                            guest_ballooned_bytes=2, guest_target_bytes=3, guest_total_bytes=4, host_price=0.125,
                            psi_some_avg10=1.5, psi_full_avg10=0.0, stale_after_ns=3600 * SECOND)
        client = self.client(major, directory)
        seen = client.read()
        words = ("validity", "level", "trend", "session", "updates", "host", "tight", "reason")
        self.assertEqual({key: seen[key] for key in words},
                         {"validity": "VALID", "level": "TIGHT", "trend": "FALLING", "session": "77",
                          "updates": str(said["updates"]), "host": "CRITICAL", "tight": "true", "reason": ""})
        self.assertEqual([int(seen[key]) for key in ("available", "release", "java", "guest", "target", "total")],
                         [5 * GIB, GIB, 1, 2, 3, 4])
        self.assertEqual([float(seen[key]) for key in ("price", "some", "full")], [0.125, 1.5, 0.0])
        self.assertTrue(30_000 < int(seen["deadline_ms"]) <= 60_000, seen)
        self.assertLess(int(seen["age_ms"]), 30_000)
        page.publish(validity=3, level=TIGHT)
        seen = client.read()
        self.assertEqual((seen["validity"], seen["tight"], seen["reason"]),
                         ("NO_HOST", "true", "no_host_is_connected_to_the_daemon"))

    @for_each_jdk
    def test_what_nobody_knows_is_empty_and_never_zero(self, major):
        directory = self.directory()
        page = self.page(directory)
        page.publish(level=0xFFFFFFFF)
        client = self.client(major, directory)
        seen = client.read()
        unknown = ("level", "available", "release", "java", "guest", "target", "total", "host", "price", "some", "full",
                   "deadline_ms")
        self.assertEqual({key: seen[key] for key in unknown}, {key: "?" for key in unknown})
        self.assertEqual((seen["validity"], seen["tight"]), ("VALID", "false"))
        page.publish(level=4, trend=9)  # of a newer daemon
        seen = client.read()
        self.assertEqual((seen["level"], seen["trend"], seen["tight"]), ("CRITICAL", "?", "true"))

    @for_each_jdk
    def test_without_a_daemon_to_believe_it_says_so_and_why(self, major):
        def short():
            with open(path, "wb") as file:
                file.write(b"AROSTCON")

        def version():
            self.page(directory).publish(level=TIGHT)
            self.page(directory).put(8, struct.pack("<I", 2))

        def of_a_stranger():
            self.page(directory).publish(level=TIGHT)
            os.chown(path, 54321, 54321)

        def writable_by_all():
            self.page(directory).publish(level=TIGHT)
            os.chmod(path, 0o666)

        cases = {"written_by_others": writable_by_all, "running?": lambda: None, "8_bytes": short, "version_2": version, "not_a_file": lambda: os.mkfifo(path),
                 "has_written_the_page_yet": lambda: self.page(directory, header=False),
                 "none_of_Aerostat's": lambda: self.page(directory).put(0, b"SOMEBODY"),
                 "daemon_has_written": lambda: self.page(directory),  # a header, and no state
                 "has_99_bytes": lambda: self.page(directory).put(12, struct.pack("<I", 99)),
                 "has_ended": lambda: self.page(directory).publish(validity=1, level=TIGHT)}
        if os.geteuid() == 0:
            cases["user_54321"] = of_a_stranger
        else:
            print("SKIP a page of another user: only root can make one")
        directory = self.directory()
        path = os.path.join(directory, "condition")
        client = self.client(major, directory)
        for why, make in cases.items():
            make()
            seen = until(lambda w=why: w in client.read()["reason"] and client.read(), f"{why}, not {client.read()}")
            self.assertEqual((seen["validity"], seen["level"], seen["available"], seen["session"], seen["tight"]),
                             ("NO_DAEMON", "?", "?", "?", "false"), why)
            if os.path.exists(path):
                os.unlink(path)

    @for_each_jdk
    def test_a_daemon_that_comes_later_or_anew_is_found(self, major):
        directory = self.directory()
        client = self.client(major, directory)
        self.assertEqual(client.read()["validity"], "NO_DAEMON")
        self.page(directory).publish(session=1)
        until(lambda: client.read()["session"] == "1", "the page")
        os.unlink(os.path.join(directory, "condition"))  # the directory was emptied: another inode
        self.page(directory).publish(session=2)
        self.assertEqual(client.read()["session"], "1", "the old page is still in time")
        until(lambda: client.read()["session"] == "2", "the new page")
        os.truncate(os.path.join(directory, "condition"), 0)  # what no daemon of ours does: it must not kill the program
        until(lambda: client.read()["validity"] == "NO_DAEMON", "no daemon")

    @for_each_jdk
    def test_old_figures_are_marked_stale_and_stay_readable(self, major):
        directory = self.directory()
        page = self.page(directory)
        page.publish(level=TIGHT, available_bytes=GIB, stale_after_ns=400_000_000)
        client = self.client(major, directory)
        until(lambda: client.read()["validity"] == "STALE", "the mark")
        seen = client.read()
        self.assertEqual((seen["level"], seen["available"], seen["tight"]), ("TIGHT", str(GIB), "false"))
        page.publish(level=TIGHT)
        self.assertEqual(client.read()["validity"], "VALID")
        page.publish(updated_ns=time.monotonic_ns() + 3600 * SECOND)
        self.assertEqual(client.read()["validity"], "STALE", "of another clock")

    @for_each_jdk
    def test_no_read_is_torn_while_the_daemon_writes_flat_out(self, major):
        cpus = sorted(os.sched_getaffinity(0))
        if len(cpus) < 2:
            self.skipTest("there is one processor only: reader and writer would take turns")
        directory = self.directory()
        page = self.page(directory)
        client = self.client(major, directory)
        with subprocess.Popen([built("bin", "condition_flat_out"), page.path]) as writer:
            try:
                until(lambda: client.read()["validity"] == "VALID", "a state")
                os.sched_setaffinity(writer.pid, cpus[:1])  # on a busy machine both may get the same one
                for task in os.listdir(f"/proc/{client.pid}/task"):
                    os.sched_setaffinity(int(task), cpus[1:])
                seen = client.tell("spin 2 4000")
            finally:
                writer.send_signal(signal.SIGKILL)
        evidence("condition.java_torn", jdk=major, **seen)
        self.assertEqual((seen["torn"], seen["failed"]), ("0", "0"))
        self.assertGreater(int(seen["reads"]), 50_000)
        self.assertGreater(int(seen["values"]), 1_000, "it was hardly written meanwhile")


class Listening(ConditionCase):
    @for_each_jdk
    def test_nothing_runs_until_somebody_listens_nor_after(self, major):
        directory = self.directory()
        self.page(directory).publish()
        client = self.client(major, directory)
        client.read()
        self.assertEqual(client.threads(), [])
        client.tell("listen a 1 level ok")
        client.event("told", name="a")
        self.assertIn("Aerostat_condition", client.threads())
        client.tell("close a")
        until(lambda: client.threads() == [], "the threads to end")

    @for_each_jdk
    def test_a_change_wakes_a_listener_at_once(self, major):
        client, page, door = self.watching(major)
        client.event("told", level="AMPLE")
        late = []
        for i in range(60):
            said = page.publish(level=1 + i % 3)
            door.tell(said)
            late.append((int(client.event("told", updates=str(said["updates"]))["at"]) - said["updated_ns"]) / 1e6)
        evidence("condition.java_wake_ms", jdk=major, median=round(statistics.median(late), 3), worst=round(max(late), 3))
        self.assertLess(statistics.median(late), 10)

    @for_each_jdk
    def test_who_wants_levels_only_is_not_told_of_figures(self, major):
        client, page, door = self.watching(major, "listen all 1 all ok")
        self.assertEqual(len(client.events("told", name="level")), 0)
        client.tell("listen level 1 level ok")
        client.event("told", name="level")
        for available in range(1, 4):
            said = page.publish(available_bytes=available)
            door.tell(said)
            client.event("told", name="all", updates=str(said["updates"]))
        said = page.publish(level=TIGHT)
        door.tell(said)
        client.event("told", name="level", level="TIGHT")
        self.assertEqual([event["level"] for event in client.events("told", name="level")], ["AMPLE", "TIGHT"])

    @for_each_jdk
    def test_an_executor_that_runs_in_the_calling_thread_is_used_again_and_again(self, major):
        client, page, door = self.watching(major, "listen a 1 here ok")
        for level, name in ((TIGHT, "TIGHT"), (CRITICAL, "CRITICAL"), (AMPLE, "AMPLE")):
            door.tell(page.publish(level=level, session=2))
            client.event("told", level=name, session="2")

    @for_each_jdk
    def test_a_hundred_listeners_are_told_beside_one_that_throws_and_one_that_hangs(self, major):
        client, page, door = self.watching(major, "listen hangs 1 level hangs")
        client.event("told", name="hangs")
        client.tell("listen throws 1 level throws")
        client.tell("listen many 100 level ok")
        until(lambda: len(client.events("told", name="many")) == 100, "all of them to be told how it is")
        for level, name in ((TIGHT, "TIGHT"), (CRITICAL, "CRITICAL")):
            said = page.publish(level=level)
            door.tell(said)
            told = until(lambda n=name: len(client.events("told", name="many", level=n)) == 100 and
                         client.events("told", name="many", level=n), "all of them")
            self.assertEqual(len({event["number"] for event in told}), 100)
            late = [(int(event["at"]) - said["updated_ns"]) / 1e6 for event in told]
            evidence("condition.java_hundred_ms", jdk=major, first=round(min(late), 2), last=round(max(late), 2))
            client.event("told", name="throws", level=name)
        self.assertEqual(len(client.events("told", name="hangs")), 1)
        complaints = [line for line in client.errors if "a listener of the memory condition threw" in line]
        self.assertEqual(len(complaints), 1, client.errors)

    @for_each_jdk
    def test_a_restarted_daemon_is_found_and_asked_again(self, major):
        client, page, door = self.watching(major)
        client.tell("reclaimer pages ok")
        self.assertEqual(door.expect("reclaimer")["reclaimer"], "pages")
        door.hang_up()
        said = page.publish(session=2, level=TIGHT)
        door.open()
        began = time.monotonic()
        self.assertEqual(door.accept()["changes"], "level")
        self.assertEqual(door.expect("reclaimer")["reclaimer"], "pages")
        client.event("told", session="2", updates=str(said["updates"]))
        evidence("condition.java_reconnect_ms", jdk=major, took=round((time.monotonic() - began) * 1000))

    @for_each_jdk
    def test_listeners_learn_that_the_daemon_hangs_or_has_no_socket(self, major):
        client, page, _ = self.watching(major)
        page.publish(stale_after_ns=300_000_000)
        client.event("told", validity="STALE", within=10)
        directory = self.directory()
        self.page(directory).publish()
        without = self.client(major, directory)
        without.tell("listen a 1 level ok")
        without.event("told", level="AMPLE")
        self.page(directory).publish(level=TIGHT)
        without.event("told", level="TIGHT", within=10)

    @for_each_jdk
    def test_garbage_from_the_socket_disturbs_nothing(self, major):
        client, page, door = self.watching(major)
        noise = random.Random(major)
        door.line.send_raw(b"x" * 200_000 + b"\n")
        for _ in range(20):
            door.line.send_raw(noise.randbytes(noise.randrange(1, 3000)).replace(b"\n", b" ") + b"\n")
        door.line.send_raw(b'{"v":1,"type":"reclaim","id":"\\"x","reclaimer":[],"wanted_bytes":-1}\n{"v":1,"type":7}\n')
        door.line.send_raw(b"[" * 50_000 + b"\n")
        said = page.publish(level=TIGHT)
        door.tell(said)
        client.event("told", level="TIGHT")
        door.line.send_raw(b"{\n" * 300)  # more than it bears: it comes again, as to a new daemon
        self.assertEqual(door.accept()["type"], "watch")
        half = b'{"v":1,"type":"memory","id":"t'
        door.line.send_raw(half)
        door.line.close()
        self.assertEqual(door.accept()["type"], "watch")
        door.tell(page.publish(level=CRITICAL))
        client.event("told", level="CRITICAL")
        self.assertEqual(client.read()["validity"], "VALID")

    @for_each_jdk
    def test_a_want_of_memory_ends_no_listening(self, major):
        directory = self.directory()
        page, door = self.page(directory), self.door(directory)
        page.publish()
        client = self.client(major, directory, ["-XX:MaxDirectMemorySize=64k"])
        client.tell("hoard 65536")  # what the connection's reads and writes would need
        client.tell("listen a 1 level ok")
        client.event("told", level="AMPLE")

        def asks():
            try:
                return door.accept()["type"] == "watch"
            except WireError:  # it comes, fails, and comes again
                return False

        has_asked = asks()  # newer JDKs do not count what a connection needs
        page.publish(level=TIGHT)
        client.event("told", level="TIGHT")
        client.tell("release")
        self.assertTrue(has_asked or until(asks, "the connection"))
        door.tell(page.publish(level=CRITICAL))
        client.event("told", level="CRITICAL")
        self.assertIn("Aerostat_condition", client.threads())

    @for_each_jdk
    def test_a_socket_of_a_stranger_is_left_alone(self, major):
        if os.geteuid() != 0:
            self.skipTest("only root can make a socket of another user's")
        directory = self.directory()
        self.page(directory).publish()
        door = self.door(directory)
        os.chown(door.path, 54321, 54321)
        client = self.client(major, directory)
        client.tell("listen a 1 level ok")
        client.event("told", level="AMPLE")
        with self.assertRaises(socket.timeout):
            door.accept(within=3)
        os.chown(door.path, os.geteuid(), os.getegid())
        self.assertEqual(door.accept()["type"], "watch")


class Reclaiming(ConditionCase):
    @for_each_jdk
    def test_reclaimers_are_asked_answer_and_grow_back(self, major):
        client, page, door = self.watching(major)
        client.tell("reclaimer pages ok")
        told = door.expect("reclaimer")
        self.assertEqual((told["reclaimer"], told["releasable_bytes"], told["price"]), ("pages", 1 << 20, 0.25))
        said = page.publish(level=TIGHT)
        door.tell(said)
        door.line.send("reclaim", "r1", reclaimer="pages", wanted_bytes=1000, deadline_ms=700)
        answer = door.expect("reclaimed")
        self.assertEqual((answer["id"], answer["reclaimer"], answer["released_bytes"]), ("r1", "pages", 500))
        self.assertEqual(client.event("reclaim")["within_ms"], "700")
        self.assertEqual(client.events("restore"), [])
        door.tell(page.publish(level=0))
        client.event("restore", name="pages", level="AMPLE")
        client.tell("close pages")
        self.assertEqual(door.expect("forget")["reclaimer"], "pages")

    @for_each_jdk
    def test_one_that_throws_has_released_nothing(self, major):
        client, _, door = self.watching(major)
        client.tell("reclaimer bad throws")
        door.expect("reclaimer")
        for i in range(3):
            door.line.send("reclaim", f"r{i}", reclaimer="bad", wanted_bytes=1000, deadline_ms=700)
            self.assertEqual(door.expect("reclaimed")["released_bytes"], 0)
        complaints = until(lambda: [line for line in client.errors if "the reclaimer bad threw" in line], "a complaint")
        self.assertEqual(len(complaints), 1, client.errors)

    @for_each_jdk
    def test_names_are_checked_and_bounded(self, major):
        client = self.client(major, self.directory())
        self.assertIn("64", client.tell("reclaimer a/b ok")["error"])
        for i in range(32):
            self.assertNotIn("error", client.tell(f"reclaimer r{i} ok"))
        self.assertIn("close_it_first", client.tell("reclaimer r1 ok")["error"])
        self.assertIn("32_reclaimers_already", client.tell("reclaimer more ok")["error"])


if __name__ == "__main__":
    run_and_count()
