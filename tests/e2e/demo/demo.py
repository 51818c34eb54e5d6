#!/usr/bin/env python3
"""The demo: three Java services under one host with half the memory they would take, against the same with fixed heaps."""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)), "support"))

import fleet as fleets  # noqa: E402
import interrupts  # noqa: E402
import summary  # noqa: E402
from harness import Trouble, built, compile_java, jdks  # noqa: E402
from moves import Moves  # noqa: E402
from view import View  # noqa: E402

START_SECONDS = 4.0  # JVMs and daemons coming up, for the estimate of the time left


def parse_arguments():
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    parser.add_argument("--seconds", type=float, default=40.0, metavar="N", help="measured length of each of the two runs (default 40)")
    parser.add_argument("--jdk", metavar="VERSION|HOME", help="a major version among the JDKs found, or a JDK's directory (default: the oldest)")
    parser.add_argument("--keep-logs", metavar="DIR", help="copy the logs of daemons and services there")
    parser.add_argument("--vm", action="store_true", help="with virtual machines: two guests under libvirt; has its own --help")
    arguments = parser.parse_args()
    if not 6 <= arguments.seconds <= 600:
        parser.error("--seconds takes 6 to 600")
    return arguments


def choose_jdk(wanted):
    found = jdks()
    if not wanted:
        return min(found), found[min(found)]
    if os.path.isdir(wanted):
        return os.path.basename(wanted.rstrip("/")), wanted
    if wanted.isdigit() and int(wanted) in found:
        return int(wanted), found[int(wanted)]
    raise Trouble(f"no JDK {wanted}: found {', '.join(map(str, sorted(found)))}")


def one_run(title, fleet, seconds, rest, keep_logs):
    """((reports, seconds, samples of resident bytes), operations) of one run."""
    view = View(title, fleet, rest)
    moves = None
    try:
        fleet.start()
        moves = Moves(fleet.tool) if fleet.aerostat else None
        reports = fleets.run(fleet, seconds, view.tick)
        operations = moves.finish() if moves else []
        return (reports, seconds, fleet.resident), operations
    finally:
        view.finish()
        fleet.close()
        if keep_logs:
            copy_logs(fleet, keep_logs)


def copy_logs(fleet, directory):
    run = "aerostat-" if fleet.aerostat else "fixed-"
    for log in fleet.world.logs:
        if os.path.exists(log):
            shutil.copy(log, os.path.join(directory, run + os.path.basename(log)))


def demonstrate(arguments, directory):
    began = time.monotonic()
    java, home = choose_jdk(arguments.jdk)
    for needed in (("bin", "aerostat-hostd"), ("bin", "aerostat-guestd"), ("bin", "aerostatctl"), ("lib", "libaerostat-jvm.so")):
        built(*needed)
    classes = os.path.join(directory, "classes")
    compile_java(home, os.path.join(HERE, "DemoService.java"), classes)
    one = arguments.seconds + fleets.WARM_UP_SECONDS + START_SECONDS
    print(f"Two runs of {arguments.seconds:.0f} s on JDK {java}: first with equal fixed heaps, then with Aerostat; about {2 * one:.0f} s.\n", flush=True)
    fixed, _ = one_run("fixed heaps", fleets.Fleet(os.path.join(directory, "fixed"), home, classes, False), arguments.seconds, one,
                       arguments.keep_logs)
    ours, operations = one_run("with Aerostat", fleets.Fleet(os.path.join(directory, "aerostat"), home, classes, True),
                               arguments.seconds, 0, arguments.keep_logs)
    return summary.figures(ours, fixed, operations, time.monotonic() - began, java)


def conclude(result, file):
    print("\n" + summary.text(result), flush=True)
    if file:
        with open(file, "w", encoding="utf-8") as out:
            json.dump(result, out, indent=2)
            out.write("\n")
    for sentence in summary.broken_promises(result):
        print(f"demo: {sentence}", file=sys.stderr)
    return 1 if summary.broken_promises(result) else 0


def main():
    arguments = parse_arguments()
    interrupts.listen()
    if arguments.keep_logs:
        os.makedirs(arguments.keep_logs, exist_ok=True)
    directory = tempfile.mkdtemp(prefix="aerostat-demo-")
    try:
        return conclude(demonstrate(arguments, directory), arguments.json)
    except interrupts.Interrupted as interrupted:
        return interrupts.exit_code(interrupted)
    except (Trouble, OSError) as trouble:
        print(f"\ndemo: {trouble}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
