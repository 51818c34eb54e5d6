#!/usr/bin/env python3
"""guestd and a fake host: orders, sessions, silence, results that are not lost."""

import os

from bed import MIB, Bed, FakeHost, expect, main, wait_until


def bed_with_host(**options):
    bed = Bed(start=False, **options)
    bed.options += ["--host", "unix:" + os.path.join(bed.directory, "host.sock")]
    return bed


def begin(bed, lease_ms=30_000, hold_mib=100):
    host = bed.host()
    bed.start()
    host.accept(lease_ms)
    jvm = bed.jvm("shop", hold_mib=hold_mib)
    bed.wait_for_report(jvm)
    return host, jvm


def the_guest_introduces_itself_and_reports_every_second():
    with bed_with_host() as bed:
        host, jvm = begin(bed)
        expect(host.hello["role"] == "guest" and host.hello["name"] == "guest", host.hello)
        report = host.expect("report", matching=lambda m: m["jvms"])
        expect(report["of"] == "guest" and report["memory_total_bytes"] > 0, report)
        expect(report["jvms"][0]["name"] == "shop" and report["jvms"][0]["footprint_bytes"] == jvm.footprint, report)
        host.expect("report", within=2)
        host.expect("report", within=2)
        expect(bed.status()["superior"] == "connected", bed.status())


def an_order_for_several_jvms_is_carried_out_and_answered_once():
    with bed_with_host() as bed:
        host, shop = begin(bed)
        search = bed.jvm("search", hold_mib=80)
        bed.wait_for_report(search)
        host.apply("op-1", {"shop": 60 * MIB, "search": 50 * MIB, "nobody": MIB})
        for jvm in (shop, search):
            jvm.carry_out(jvm.expect("set_heap_target"))
        result = host.expect("result")
        expect(result["session"] == host.session and result["op"] == "op-1", result)
        expect(result["asked_bytes"] == result["obtained_bytes"] == 70 * MIB and result["reason"] == "disconnected", result)
        outcomes = {outcome["jvm"]: outcome for outcome in result["jvms"]}
        expect(outcomes["shop"]["after_bytes"] == 60 * MIB and outcomes["shop"]["reason"] == "met", outcomes)
        expect(abs(outcomes["search"]["verified_bytes"] - 30 * MIB) < 3 * MIB, outcomes)
        expect(outcomes["nobody"]["reason"] == "disconnected", outcomes)


def orders_of_another_session_are_dropped():
    with bed_with_host() as bed:
        host, jvm = begin(bed)
        host.apply("stale", {"shop": 10 * MIB}, session="another")
        host.apply("good", {"shop": 90 * MIB})
        expect(jvm.expect("set_heap_target")["op"] == "good", "the stale one was not obeyed")
        expect(any("another session" in warning for warning in bed.status()["warnings"]), bed.status())


def a_known_operation_is_answered_again_and_not_done_again():
    with bed_with_host() as bed:
        host, jvm = begin(bed)
        host.apply("op-1", {"shop": 60 * MIB})
        jvm.carry_out(jvm.expect("set_heap_target"))
        first = host.expect("result")
        host.apply("op-1", {"shop": 10 * MIB})
        again = host.expect("result")
        for message in (first, again):
            message.pop("id")
        expect(first == again, (first, again))
        expect(bed.jvms()["shop"]["target_bytes"] == 60 * MIB, "nothing was done")


def a_result_that_ended_while_the_host_was_away_is_delivered():
    with bed_with_host() as bed:
        host, jvm = begin(bed)
        host.apply("op-1", {"shop": 60 * MIB})
        order = jvm.expect("set_heap_target")
        host.hang_up()
        wait_until(lambda: bed.status()["superior"] == "silent", 5, "the loss to be seen")
        jvm.carry_out(order)
        wait_until(lambda: not any(op["running"] for op in bed.ask("ops")["operations"]["operations"]), 5, "the operation to end")
        old = host.session
        host.accept()
        expect(host.session != old, "a fresh session")
        result = host.expect("result")
        expect(result["op"] == "op-1" and result["session"] == host.session and result["obtained_bytes"] == 40 * MIB, result)


def the_host_cancels():
    with bed_with_host() as bed:
        host, jvm = begin(bed)
        host.apply("op-1", {"shop": 60 * MIB}, deadline_ms=30_000)
        order = jvm.expect("set_heap_target")
        host.line.send("cancel", session=host.session, op="op-1", on_shortfall="rollback")
        expect(jvm.expect("cancel")["on_shortfall"] == "rollback", "passed on")
        jvm.answer(order, 40 * MIB, 0, "cancelled", rest="rolled-back")
        result = host.expect("result")
        expect(result["reason"] == "cancelled" and result["rest"] == "rolled-back", result)


def local_orders_need_local_while_the_host_is_in_charge():
    with bed_with_host() as bed:
        _, jvm = begin(bed)
        reply = bed.ask("squeeze", target="shop", bytes=10 * MIB)
        expect(reply["error"]["message"] == "the host is in charge; use --local to override", reply)
        expect("operation" in bed.ask("squeeze", target="shop", bytes=10 * MIB, local=True, wait=False), "with --local")
        expect(jvm.expect("set_heap_target")["target_bytes"] == 90 * MIB, "ordered")


def a_paused_guest_declines_the_hosts_orders():
    with bed_with_host() as bed:
        host, _ = begin(bed)
        bed.ask("pause")
        host.expect("report", matching=lambda m: m["paused"])
        host.apply("op-1", {"shop": 60 * MIB})
        result = host.expect("result")
        expect(result["reason"] == "paused" and result["shortfall_bytes"] == 40 * MIB, result)


def pressure_goes_up_at_once():
    with bed_with_host() as bed:
        host, jvm = begin(bed)
        jvm.line.send("pressure", wanted_bytes=64 * MIB, cause="gc-distress")
        pressure = host.expect("pressure", within=1)
        expect(pressure["jvm"] == "shop" and pressure["wanted_bytes"] == 64 * MIB, pressure)


def a_silent_host_changes_nothing():
    with bed_with_host() as bed:
        host, jvm = begin(bed, lease_ms=1000)
        host.apply("op-1", {"shop": 60 * MIB}, lease_ms=1000)
        jvm.carry_out(jvm.expect("set_heap_target"))
        host.expect("result")
        wait_until(lambda: bed.status()["superior"] == "silent", 5, "the lease to run out")
        expect(bed.jvms()["shop"]["target_bytes"] == 60 * MIB, "the target is held")
        host.line.send("lease", session=host.session, lease_ms=30_000)
        wait_until(lambda: bed.status()["superior"] == "connected", 5, "the renewal")


def a_host_that_is_not_there_is_tried_again():
    with bed_with_host() as bed:
        bed.start()
        expect(bed.status()["superior"] == "silent", bed.status())
        expect(any("host is silent" in warning for warning in bed.status()["warnings"]), bed.status())
        host = bed.keep(FakeHost(os.path.join(bed.directory, "host.sock")))
        host.accept()
        wait_until(lambda: bed.status()["superior"] == "connected", 5, "the connection")


def a_host_that_talks_nonsense_is_left_and_tried_again():
    with bed_with_host() as bed:
        host, _ = begin(bed)
        try:
            host.line.send_raw(b"nonsense\n" * 200)
        except OSError:
            pass
        host.accept()
        wait_until(lambda: bed.status()["superior"] == "connected", 5, "the new connection")


TESTS = [the_guest_introduces_itself_and_reports_every_second, an_order_for_several_jvms_is_carried_out_and_answered_once,
         orders_of_another_session_are_dropped, a_known_operation_is_answered_again_and_not_done_again,
         a_result_that_ended_while_the_host_was_away_is_delivered, the_host_cancels, local_orders_need_local_while_the_host_is_in_charge,
         a_paused_guest_declines_the_hosts_orders, pressure_goes_up_at_once, a_silent_host_changes_nothing,
         a_host_that_is_not_there_is_tried_again, a_host_that_talks_nonsense_is_left_and_tried_again]

if __name__ == "__main__":
    main(TESTS)
