#!/usr/bin/env python3
"""Operators' orders at aerostat-hostd, of guests that really hold and free memory."""

import sys
import threading

from host_world import MIB, Host, expect, pss_of_session, wait_until

from checks import run_all


def ended(host, name):
    """The operation of that name, once it is over."""
    found = host.ask("ops")["operations"]["operations"]
    return next((one for one in found if one["op"] == name and not one["running"]), None)


def a_squeeze_is_verified_by_the_hosts_own_measurement():
    with Host() as host:
        guest = host.guest("shop", web=(150, 32, 200, 0), pay=(150, 32, 200, 1e9))
        host.wait_joined("shop")
        before = pss_of_session(guest.process.pid)
        done = host.ask("squeeze", target="shop", bytes=100 * MIB, deadline_ms=5000)["operation"]
        after = pss_of_session(guest.process.pid)
        expect(done["reason"] == "met" and done["obtained"] == 100 * MIB and done["shortfall"] == 0, done)
        expect(abs(done["verified"] - (before - after)) < 4 * MIB, f"{done} but really {before - after}")
        host.wait_target("shop", "web", lambda _, held: held <= 50 * MIB, "the idle JVM's bytes are the cheapest")
        expect(host.jvm("shop", "pay")["report"]["footprint_bytes"] == 150 * MIB, "the busy JVM was touched")
        expect(host.jvm("shop", "web")["ceiling_bytes"] == 50 * MIB, host.jvm("shop", "web"))


def a_squeeze_of_one_jvm_leaves_the_others_alone_and_give_ends_it():
    with Host() as host:
        host.guest("shop", web=(150, 32, 200, 0), pay=(150, 32, 200, 0))
        host.wait_joined("shop")
        done = host.ask("squeeze", target="shop/pay", bytes=50 * MIB)["operation"]
        expect(done["reason"] == "met", done)
        host.wait_target("shop", "pay", lambda _, held: held == 100 * MIB, "to be squeezed")
        expect(host.jvm("shop", "web")["report"]["footprint_bytes"] == 150 * MIB, host.jvm("shop", "web"))
        given = host.ask("give", target="shop/pay", bytes=30 * MIB)["operation"]
        expect(given["reason"] == "met", given)
        expect("ceiling_bytes" not in host.jvm("shop", "pay"), host.jvm("shop", "pay"))


def a_ceiling_ends_with_its_hold():
    with Host() as host:
        host.guest("shop", web=(150, 32, 200, 5e8))
        host.wait_joined("shop")
        host.ask("squeeze", target="shop", bytes=50 * MIB, hold_ms=1500)
        expect(host.jvm("shop", "web")["ceiling_bytes"] == 100 * MIB, host.jvm("shop", "web"))
        host.wait_target("shop", "web", lambda target, _: target >= 150 * MIB, "its memory back after the hold")


def orders_that_cannot_be_are_refused_with_a_sentence():
    with Host(guests="[guest.shop]\n[guest.other]\n") as host:
        host.guest("shop", web=(100, 60, 200, 0))
        host.guest("stranger", web=(40, 10, 50, 0))
        host.wait_joined("shop", "stranger")
        error = host.ask("squeeze", target="shop", bytes=150 * MIB)["error"]
        expect(error["code"] == "refused" and "lie above its floor" in error["message"], error)
        error = host.ask("squeeze", target="nobody", bytes=1 * MIB)["error"]
        expect(error["code"] == "not-found" and "shop" in error["message"] and "stranger" in error["message"], error)
        error = host.ask("squeeze", target="shop/nojvm", bytes=1 * MIB)["error"]
        expect(error["code"] == "not-found" and "web" in error["message"], error)
        error = host.ask("squeeze", target="stranger", bytes=1 * MIB)["error"]
        expect(error["code"] == "refused" and "observed only" in error["message"], error)
        error = host.ask("cancel", op="nosuchop")["error"]
        expect(error["code"] == "not-found", error)


def a_squeeze_of_a_guest_that_never_answers_ends_all_the_same():
    with Host() as host:
        guest = host.guest("mute", "mute", web=(150, 32, 200, 0))
        host.wait_joined("mute")
        done = host.ask("squeeze", target="mute", bytes=50 * MIB, deadline_ms=1000)["operation"]
        expect(done["reason"] == "stuck" and done["obtained"] == 0, done)
        expect(1000 <= done["elapsed_ms"] < 4000, done)
        expect(done["verified"] > 40 * MIB, f"it freed memory without saying so, and that is seen: {done}")
        guest.tell("behave honest")


def a_squeeze_survives_the_guests_reconnection():
    with Host() as host:
        guest = host.guest("shop", "slow", web=(190, 32, 200, 0))
        host.wait_joined("shop")
        guest.tell("behave stuck")
        begun = host.ask("squeeze", target="shop", bytes=50 * MIB, deadline_ms=15000, wait=False)["operation"]
        wait_until(lambda: any(order["op"] == begun["op"] for order in guest.heard("apply")), 5, "the order")
        guest.tell("disconnect")
        guest.tell("behave honest")
        guest.tell("connect")
        wait_until(lambda: sum(order["op"] == begun["op"] for order in guest.heard("apply")) >= 2, 5, "the same order again")
        done = wait_until(lambda: ended(host, begun["op"]), 10, "the end")
        expect(done["reason"] == "met", done)


def cancel_ends_a_running_squeeze():
    with Host() as host:
        guest = host.guest("shop", "honest", web=(190, 32, 200, 0))
        host.wait_joined("shop")
        guest.tell("behave stuck")
        begun = host.ask("squeeze", target="shop", bytes=50 * MIB, deadline_ms=30000, wait=False)["operation"]
        wait_until(lambda: any(order["op"] == begun["op"] for order in guest.heard("apply")), 5, "the order")
        host.ask("cancel", op=begun["op"])
        done = wait_until(lambda: ended(host, begun["op"]), 5, "the end")
        expect(done["reason"] == "cancelled", done)


def several_operations_run_at_once():
    with Host() as host:
        for name in ("a", "b", "c"):
            host.guest(name, web=(100, 32, 150, 0))
        host.wait_joined("a", "b", "c")
        answers = {}
        threads = [threading.Thread(target=lambda n=name: answers.update({n: host.ask("squeeze", target=n, bytes=30 * MIB)})) for name in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        expect(all(answers[name]["operation"]["reason"] == "met" for name in "abc"), answers)


TESTS = [a_squeeze_is_verified_by_the_hosts_own_measurement,
         a_squeeze_of_one_jvm_leaves_the_others_alone_and_give_ends_it,
         a_ceiling_ends_with_its_hold,
         orders_that_cannot_be_are_refused_with_a_sentence,
         a_squeeze_of_a_guest_that_never_answers_ends_all_the_same,
         a_squeeze_survives_the_guests_reconnection,
         cancel_ends_a_running_squeeze,
         several_operations_run_at_once]

if __name__ == "__main__":
    sys.exit(run_all([(test.__name__.replace("_", " "), test) for test in TESTS]))
