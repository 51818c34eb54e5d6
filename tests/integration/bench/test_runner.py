#!/usr/bin/env python3
"""What scripts/bench runs: which programs a name stands for, and for whom options are."""

import os
import subprocess
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TESTS, "support"))

from checks import expect, run_all  # noqa: E402


def bench(*words):
    return subprocess.run([sys.executable, os.path.join(TESTS, "bench"), *words], capture_output=True, text=True, check=False)


def refused(run, why):
    expect(run.returncode == 2 and why in run.stderr and not run.stdout, f"{run.returncode}: {run.stdout}{run.stderr}")


def a_name_of_none_is_refused_with_those_that_there_are():
    refused(bench("mowe"), "no bench mowe; there are ")


def help_of_one_bench_is_its_own():
    run = bench("fidelity", "--", "--help")
    expect(run.returncode == 0 and "--hold" in run.stdout, f"{run.returncode}: {run.stdout}{run.stderr}")


def options_of_its_own_are_passed_on():
    """What the bench itself refuses shows that it has arrived."""
    run = bench("control_truth", "--", "--only", "lukewarm")
    expect(run.returncode == 1 and "lukewarm" in run.stderr and "; nearly full" in run.stderr, f"{run.returncode}: {run.stderr}")


def options_of_its_own_are_for_one_bench():
    for names in ((), ("move", "fidelity"), ("prediction_",)):
        refused(bench(*names, "--", "--help"), "no bench" if names == ("prediction_",) else "is for one bench")


TESTS_HERE = (
    ("a name of none is refused with those that there are", a_name_of_none_is_refused_with_those_that_there_are),
    ("help of one bench is its own", help_of_one_bench_is_its_own),
    ("options of its own are passed on", options_of_its_own_are_passed_on),
    ("options of its own are for one bench", options_of_its_own_are_for_one_bench),
)

if __name__ == "__main__":
    sys.exit(run_all(TESTS_HERE))
