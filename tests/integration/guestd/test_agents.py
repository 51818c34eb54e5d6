#!/usr/bin/env python3
"""Agents at the real daemon: names, leases, limits, restarts, and reports that are not to be believed."""

import os
import signal

from bed import MIB, Bed, FakeJvm, Skip, expect, main, wait_until


def several_agents_are_welcomed_and_listed():
    with Bed() as bed:
        for name in ("shop", "search", "batch"):
            jvm = bed.jvm(name, hold_mib=10)
            expect(jvm.welcome == {**jvm.welcome, "type": "welcome", "session": jvm.session, "name": name, "lease_ms": 30000}, jvm.welcome)
        wait_until(lambda: sorted(bed.jvms()) == ["batch", "search", "shop"], 5, "three JVMs")
        wait_until(lambda: all(jvm.get("pss_bytes", 0) > 10 * MIB for jvm in bed.jvms().values()), 10, "PSS of all")
        status = bed.status()
        expect(status["daemon"] == "guestd" and status["superior"] == "none" and status["name"] == "guest", status)


def a_second_jvm_of_the_same_name_gets_its_pid_appended():
    with Bed() as bed:
        first = bed.jvm("shop")
        second = bed.jvm("shop")
        expect(second.welcome["name"] == f"shop~{second.pid}", second.welcome)
        first.line.close()
        wait_until(lambda: "shop" not in bed.jvms(), 5, "the first to be gone")
        expect(bed.jvm("shop").welcome["name"].startswith("shop~"), "its process lives: the name stays its own")
        expect(first.connect(bed.agent_socket).welcome["name"] == "shop", "the same process gets its name back")


def the_name_of_a_dead_jvm_is_free():
    with Bed() as bed:
        bed.jvm("shop").kill()
        expect(bed.jvm("shop").welcome["name"] == "shop", "the name of a dead process")


def a_second_connection_of_a_process_replaces_the_first():
    with Bed() as bed:
        jvm = bed.jvm("shop")
        first = jvm.line
        expect(jvm.connect(bed.agent_socket).welcome["name"] == "shop", "same name")
        expect(first.receive()["type"] == "error", "the first is told why it ends")
        wait_until(lambda: list(bed.jvms()) == ["shop"], 5, "one JVM")


def leases_are_renewed_when_nothing_else_is_said():
    with Bed(config='lease = "3s"\n') as bed:
        jvm = bed.jvm("shop")
        expect(jvm.welcome["lease_ms"] == 3000, jvm.welcome)
        for _ in range(3):
            lease = jvm.line.receive(within=2.5)
            expect(lease["type"] == "lease" and lease["session"] == jvm.session and lease["lease_ms"] == 3000, lease)


def state_is_rebuilt_after_kill_9():
    with Bed() as bed:
        jvms = [bed.jvm(f"jvm{i}", hold_mib=40 + i) for i in range(3)]
        for jvm in jvms:
            bed.wait_for_report(jvm)
            operator = bed.operator()
            operator.send("request", "x", command="squeeze", target=jvm.name, bytes=10 * MIB)
            jvm.carry_out(jvm.expect("set_heap_target"))
            expect(operator.receive()["operation"]["reason"] == "met", "met")
        before = {name: (jvm["target_bytes"], jvm["ceiling_bytes"]) for name, jvm in bed.jvms().items()}
        bed.end(signal.SIGKILL)
        expect(os.path.exists(bed.agent_socket), "kill -9 leaves the socket file: it must not be in the way")
        bed.start()
        for jvm in jvms:
            jvm.connect(bed.agent_socket)
            bed.wait_for_report(jvm)
        after = {name: (jvm["target_bytes"], jvm["ceiling_bytes"]) for name, jvm in bed.jvms().items()}
        expect(before == after, f"{before} became {after}")


def no_more_than_the_limit_are_welcomed():
    with Bed(config="max_agents = 2\n") as bed:
        bed.jvm("a"), bed.jvm("b")
        third = bed.jvm("c")
        expect(third.welcome["type"] == "error" and "max_agents" in third.welcome["message"], third.welcome)


def one_user_cannot_take_all_places():
    if os.geteuid() != 0:
        raise Skip("needs root, to act as another user")
    with Bed(config="max_agents_per_uid = 1\n") as bed:
        first, second, ours = bed.keep(FakeJvm("a")), bed.keep(FakeJvm("b")), bed.keep(FakeJvm("c"))
        for jvm in (first, second):
            jvm.tell(uid=65534, gid=65534, groups=[])
        expect(first.connect(bed.agent_socket).welcome["type"] == "welcome", first.welcome)
        expect(second.connect(bed.agent_socket).welcome["type"] == "error", second.welcome)
        expect(ours.connect(bed.agent_socket).welcome["type"] == "welcome", ours.welcome)


def reports_are_made_sane():
    with Bed() as bed:
        jvm = bed.jvm("liar", hold_mib=10)
        jvm.report(footprint_bytes=10 * MIB, floor_bytes=2**60, ceiling_bytes=2**60, used_bytes=2**62, gc_cpu=1e300, balloon_bytes=2**61,
                   balloon_verified_bytes=2**62, distress="\x1b[2J" + "x" * 400)
        report = wait_until(lambda: [jvm["report"] for jvm in bed.jvms().values() if jvm["report"]["used_bytes"] > 10 * MIB], 5, "the report")[0]
        expect(report["floor_bytes"] <= report["ceiling_bytes"] <= 4096 * MIB, report)
        expect(report["used_bytes"] <= 4096 * MIB and report["balloon_verified_bytes"] <= report["balloon_bytes"] <= 4096 * MIB, report)
        expect("\x1b" not in report["distress"] and len(report["distress"]) < 200, report["distress"])


def thirty_two_jvms_with_full_curves_still_fit_a_reply():
    with Bed(config="max_agents_per_uid = 32\n") as bed:
        curve = [[(20 + 100 * i) * MIB, round((16 - i) ** 3 * 0.123456789012, 12)] for i in range(16)]
        for i in range(32):
            bed.jvm(f"a-rather-long-name-of-a-java-service-{i}", report=False)
            bed._closing[-1].report(curve=curve, levers=["MaxHeapFreeRatio=10" + "x" * 40] * 8, distress="d" * 300)
        wait_until(lambda: len(bed.jvms()) == 32, 10, "32 JVMs in one reply")


def unknown_and_wrong_messages_are_answered_with_an_error():
    with Bed() as bed:
        jvm = bed.keep(FakeJvm("shop"))
        line = jvm.dial(bed.agent_socket)
        line.send("report", of="jvm", facts={}, footprint_bytes=0)
        line.send("pressure", "p1", wanted_bytes=1, cause="psi")
        expect(line.receive() == {"v": 1, "type": "error", "id": "p1", "code": "refused", "message": "say hello first"}, "order of messages")
        jvm.connect(bed.agent_socket)
        jvm.line.send("gossip", "g1")
        expect(jvm.line.receive()["id"] == "g1", "an unknown type")
        jvm.line.send("lease", "l1", session=jvm.session, lease_ms=1)
        expect(jvm.line.receive()["code"] == "refused", "a type that is not an agent's")


TESTS = [several_agents_are_welcomed_and_listed, a_second_jvm_of_the_same_name_gets_its_pid_appended, the_name_of_a_dead_jvm_is_free,
         a_second_connection_of_a_process_replaces_the_first, leases_are_renewed_when_nothing_else_is_said, state_is_rebuilt_after_kill_9,
         no_more_than_the_limit_are_welcomed, one_user_cannot_take_all_places, reports_are_made_sane,
         thirty_two_jvms_with_full_curves_still_fit_a_reply, unknown_and_wrong_messages_are_answered_with_an_error]

if __name__ == "__main__":
    main(TESTS)
