#!/usr/bin/env python3
"""The promise in full, for each JDK: two GiB out of a live 4 GiB heap within five seconds, and all of it back when needed.

guestd, agent and aerostatctl as a user runs them. Prints its figures in lines that start with FIGURE.
"""

import os
import signal
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

from checks import Skip, expect, run_all  # noqa: E402
from harness import GIB, MIB, World, compile_java, jdks, wait_for  # noqa: E402

HEAP = ["-XX:+UseG1GC", "-Xmx4g"]
LOAD = ("--rate", "200", "--threads", "2")


def fill(jvm):
    """125 MiB stay alive; 2.5 GiB were alive and then dropped."""
    jvm.next_answer()
    jvm.tell("live 125MiB", within=60)
    jvm.tell("garbage 2.5GiB", within=180)
    jvm.tell("report")


def grow(jvm):
    """Seconds for the live set to grow to 3.5 GiB."""
    began = time.monotonic()
    answer = jvm.tell("grow 3.5GiB", within=300)
    expect("error" not in answer, answer)
    return time.monotonic() - began


def report_of(guest):
    code, view = guest.json("jvms")
    views = [jvm["report"] for one in view.get("guests", []) for jvm in one["jvms"]] if code == 0 else []
    return views[0] if views else None


def growth_without_agent(home):
    with tempfile.TemporaryDirectory(prefix="aerostat-e2e-") as directory:
        world = World(directory)
        try:
            compile_java(home, os.path.join(ROOT, "tests", "workloads", "Service.java"), world.path("classes"))
            jvm = world.service(world.session(), home, HEAP, "Service", world.path("classes"), "control", LOAD)
            fill(jvm)
            return grow(jvm)
        finally:
            world.close()


def two_gib_go_and_come_back(major):
    home = jdks().get(major)
    if not home:
        raise Skip(f"no JDK {major} here (AEROSTAT_JDKS names others)")
    with tempfile.TemporaryDirectory(prefix="aerostat-e2e-") as directory:
        world = World(directory)
        try:
            squeezed_and_grown(world, home, major)
        finally:
            world.close()


def is_held(report):
    """The report, once the program can have no more than the target, the balloon left out, unless G1 commits more."""
    room = report["committed_bytes"] - report["balloon_bytes"]
    return report if report.get("target_bytes") and room <= report["target_bytes"] + 128 * MIB else None


def squeezed_and_grown(world, home, major):
    compile_java(home, os.path.join(ROOT, "tests", "workloads", "Service.java"), world.path("classes"))
    session = world.session()
    daemon, guest = world.guest_daemon(session, "flight", host=False)
    wait_for(lambda: os.path.exists(guest.socket), 10, "guestd", daemon.log)
    jvm = world.service(session, home, [*HEAP, world.agent_option("flight", "app")], "Service", world.path("classes"), "app", LOAD)
    fill(jvm)
    wait_for(lambda: (report_of(guest) or {"footprint_bytes": 0})["footprint_bytes"] > 2.3 * GIB, 60, "the footprint to be reported")
    # Whatever floor is reported by now: an operator's squeeze has the agent find out.
    code, said = guest.json("squeeze", "app", "2GiB", "--deadline", "5s")
    during = jvm.tell("report")
    expect(code == 0, said)
    expect(said["asked"] == 2 * GIB and said["reason"] == "met", said)
    expect(said["obtained"] >= 2 * GIB and said["verified"] >= 2 * GIB, said)
    expect(said["elapsed_ms"] <= 5000, said)
    expect(during["full_gcs"] == "0" and during["oome"] == "0", during)
    print(f"FIGURE squeeze jdk={major} obtained_mib={said['obtained'] // MIB} verified_mib={said['verified'] // MIB} "
          f"elapsed_ms={said['elapsed_ms']} worst_stall_ms={during['worst_stall_ms']} full_gcs={during['full_gcs']}")

    held = wait_for(lambda: is_held(report_of(guest)), 120, "a heap that has no more room than its target", daemon.log)
    took = grow(jvm)
    after = jvm.tell("report")
    expect(after["oome"] == "0", after)
    gone = wait_for(lambda: report_of(guest) if report_of(guest)["balloon_bytes"] < 256 * MIB else None, 20, "the balloon to be gone")
    checked = jvm.tell("check", within=120)
    expect(checked["corrupt"] == "0", checked)
    without = growth_without_agent(home)
    print(f"FIGURE grow jdk={major} balloon_before_mib={held['balloon_bytes'] // MIB} balloon_after_mib={gone['balloon_bytes'] // MIB} "
          f"seconds={took:.1f} without_agent_seconds={without:.1f} ratio={took / without:.2f} oome={after['oome']} "
          f"full_gcs={after['full_gcs']} worst_stall_ms={after['worst_stall_ms']}")


def main():
    majors = [17] if os.environ.get("AEROSTAT_QUICK") else [17, 25]
    return run_all([(f"JDK {major}: {two_gib_go_and_come_back.__name__}", lambda major=major: two_gib_go_and_come_back(major))
                    for major in majors])


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
