#!/usr/bin/env python3
"""Real JVM, real agent, real daemons on this machine: squeezes with verified figures, bad input, daemons killed in mid-act."""

import os
import signal
import subprocess
import sys
import time

from stage import MIB, Stage, pss  # also finds tests/support

from checks import expect, run_all  # noqa: E402
from harness import built, wait_for  # noqa: E402


def squeeze_gives_verified_memory(stage):
    """What is reported is what an outsider sees; the JVM survives with its data intact."""
    for _ in range(4):  # what can be taken may turn out less between the look and the order: then ask again
        asked = stage.worth_asking()
        before = pss(stage.jvm.pid)
        code, said = stage.tool.json("squeeze", stage.target, f"{asked // MIB}MiB", "--deadline", "10s")
        if code == 0:
            break
        print(f"     {stage.target}: {said}", flush=True)
        refused = code == 1 and said["error"]["code"] == "refused" and "its floor" in said["error"]["message"]
        expect(refused or (code == 3 and said["reason"] in ("floor", "deadline") and said["obtained"] < asked), said)
        stage.tool.json("release", stage.target)
        stage.fill()
    after = pss(stage.jvm.pid)
    expect(code == 0 and said["reason"] == "met", said)
    expect(said["asked"] == asked and said["shortfall"] <= asked // 50, said)  # "met" rounds a chunk or 2 % off
    expect(said["verified"] >= 0.8 * asked, said)
    expect(before - after >= 0.8 * asked, f"PSS fell by {(before - after) / MIB:.0f} MiB: {said}")
    print(f"     {stage.target}: {said['obtained'] / MIB:.0f} MiB obtained, {said['verified'] / MIB:.0f} MiB verified, "
          f"PSS fell by {(before - after) / MIB:.0f} MiB, {said['elapsed_ms']} ms")
    checked = stage.jvm.tell("check", within=60)
    expect(checked["corrupt"] == "0", checked)


def bad_input_is_refused_with_a_sentence(stage):
    target = stage.target
    for words, wanted, code_word in ((["squeeze", "nobody", "10MiB"], 1, "not-found"),
                                     (["squeeze", target + "x", "10MiB"], 1, "not-found"),
                                     (["squeeze", target, "512"], 2, "bad-value"),
                                     (["squeeze", target, "512MB"], 2, "bad-value"),
                                     (["cancel", "0123456789abcdef"], 1, "not-found")):
        code, said = stage.tool.json(*words)
        expect(code == wanted and said["error"]["code"] == code_word and said["error"]["message"], (words, code, said))


def below_the_floor_is_not_tried(stage):
    before = stage.footprint()
    code, said = stage.tool.json("squeeze", stage.target, "100GiB", "--deadline", "2s")
    refused = code == 1 and said.get("error", {}).get("code") in ("refused", "bad-value")
    expect(refused or (code == 3 and said["reason"] == "floor"), (code, said))
    if refused:
        expect(abs(stage.footprint() - before) < 100 * MIB, "a refused order must not move anything")
    stage.tool.json("release", stage.target)


def second_daemon_is_refused(stage):
    runtime = stage.world.path("orders")
    argv = [built("bin", "aerostat-guestd"), "--runtime-dir", runtime, "--name", "orders"]
    if stage.with_host:
        argv = [built("bin", "aerostat-hostd"), "--config", stage.world.path("hostd.toml")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=15, check=False)
    expect(done.returncode not in (0, -signal.SIGSEGV, -signal.SIGABRT) and done.stderr, done)
    expect(stage.tool.run("status")[0] == 0, "the first daemon goes on")


def give_and_release_end_the_restraint(stage):
    code, said = stage.tool.json("give", stage.target, "100MiB")
    expect(code in (0, 3) and "reason" in said, said)
    code, said = stage.tool.json("release", stage.target)
    expect(code == 0, said)
    view = stage.jvm_view()
    expect("ceiling_bytes" not in view, view)


def begin_squeeze(stage):
    """Starts a squeeze of a refilled heap without waiting for it; returns the footprint it must come to, and the least target
    that one squeeze can lead to: the heap may have held less than was last reported, and is then told to come lower."""
    stage.tool.json("release", stage.target)
    for _ in range(4):  # between the look and the order the agent may have learned that less is garbage: then ask again
        asked = stage.worth_asking()
        goal = stage.footprint() - asked
        least = min(goal, pss(stage.jvm.pid) - asked) - asked // 2 - 64 * MIB
        code, said = stage.tool.json("squeeze", stage.target, f"{asked // MIB}MiB", "--deadline", "10s", "--no-wait")
        if code == 0:
            break
        stage.fill()
    expect(code == 0, said)
    return goal, least


def converges(stage, goal, least, began, what):
    wait_for(lambda: (stage.footprint() or goal * 9) <= goal * 1.05 + 16 * MIB, 30, f"the footprint to come to {goal / MIB:.0f} MiB {what}")
    print(f"     {what}: at its target {time.monotonic() - began:.1f} s after the restart")
    report = stage.jvm_view()["report"]
    expect(report.get("target_bytes", least) >= least, f"asked for once, taken once: {least / MIB:.0f} MiB is the least, {report}")
    code, said = stage.tool.json("give", stage.target, "16MiB")
    expect(code in (0, 3) and "reason" in said, f"orders are taken again: {said}")
    expect(stage.jvm.is_alive(), "the JVM lives")


def has_order(stage, goal):
    """Whether the agent has said that it holds this order: the last one, which was released, may have been as low."""
    report = (stage.jvm_view() or {"report": {}})["report"]
    return report.get("target_bytes", sys.maxsize) <= goal and (report.get("running_op") or report["footprint_bytes"] <= goal)


def guestd_killed_in_mid_squeeze_converges(stage):
    goal, least = begin_squeeze(stage)
    if not stage.with_host:  # a host would send the order again; alone, an order that never reached the agent dies with guestd
        wait_for(lambda: has_order(stage, goal), 5, "the agent to have the order")
    stage.guestd.kill()
    wait_for(lambda: not stage.guestd.is_alive(), 5, "guestd to die")
    began = time.monotonic()
    stage.start_guestd()
    converges(stage, goal, least, began, "guestd killed and restarted")


def hostd_killed_in_mid_squeeze_converges(stage):
    goal, least = begin_squeeze(stage)
    stage.hostd.kill()
    wait_for(lambda: not stage.hostd.is_alive(), 5, "hostd to die")
    began = time.monotonic()
    stage.start_host()
    converges(stage, goal, least, began, "hostd killed and restarted")


def local_order_under_a_host_needs_the_word(stage):
    code, said = stage.guest.json("squeeze", "app", "10MiB")
    expect(code == 1 and said["error"]["code"] == "refused", (code, said))


def applications_know_what_the_host_leaves_their_guest(stage):
    """The figure of the host's own status, through its wire, guestd and the page."""
    def same():
        planned = next(guest["target_bytes"] for guest in stage.host.status()["guests"] if guest["name"] == "orders")
        code, told = stage.guest.json("condition")
        expect(code == 0, told)
        near = abs(told.get("guest_target_bytes", 0) - planned) <= 64 * MIB  # the plan is made anew each second
        return (planned, told["guest_target_bytes"]) if near else None

    planned, told = wait_for(same, 20, "the plan to be told to applications", stage.guestd.log)
    print(f"     planned {planned / MIB:.0f} MiB, told {told / MIB:.0f} MiB")


def no_error_and_no_full_collection(stage):
    said = stage.jvm.tell("report")
    expect(said["oome"] == "0" and said["corrupt"] == "0" and said["full_gcs"] == "0", said)


GUEST_TESTS = [squeeze_gives_verified_memory, bad_input_is_refused_with_a_sentence, below_the_floor_is_not_tried,
               second_daemon_is_refused, give_and_release_end_the_restraint, guestd_killed_in_mid_squeeze_converges,
               no_error_and_no_full_collection]
HOST_TESTS = [squeeze_gives_verified_memory, bad_input_is_refused_with_a_sentence, below_the_floor_is_not_tried,
              second_daemon_is_refused, local_order_under_a_host_needs_the_word, applications_know_what_the_host_leaves_their_guest, hostd_killed_in_mid_squeeze_converges,
              guestd_killed_in_mid_squeeze_converges, no_error_and_no_full_collection]


def main():
    code = 0
    stages, tests = [], []
    try:
        for label, with_host, listed in (("guestd", False, GUEST_TESTS), ("hostd", True, HOST_TESTS)):
            stage = Stage(with_host)
            stages.append(stage)
            tests += [(f"{label}: {test.__name__}", lambda test=test, stage=stage: test(stage)) for test in listed]
        code = run_all(tests)
        if code and os.environ.get("AEROSTAT_SHOW_LOGS"):
            for log in [log for stage in stages for log in stage.world.logs if os.path.exists(log)]:
                with open(log, encoding="utf-8", errors="replace") as file:
                    print(f"--- {os.path.basename(log)}\n{file.read()}")
    finally:
        for stage in stages:
            stage.close()
    return code


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
