#!/usr/bin/env python3
"""Which mixes of the bench `control_truth` its option --only chooses."""

import os
import subprocess
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TESTS, "support"), os.path.join(TESTS, "bench")]

from checks import expect, run_all  # noqa: E402
from control_truth import MIXES, mixes_named  # noqa: E402


def names(text):
    return [mix.name for mix in mixes_named(text)]


def a_whole_name_chooses_that_mix_alone():
    expect(any(one.name in other.name for one in MIXES for other in MIXES if one is not other), "no name is part of another")
    for mix in MIXES:
        expect(names(mix.name) == [mix.name], f"{mix.name}: {names(mix.name)}")


def else_the_beginning_counts_or_all_words():
    expect(names("nearly f") == ["nearly full"], names("nearly f"))
    expect(names("balloon JVM") == ["JVM with a balloon, hot, idle"], names("balloon JVM"))
    expect(names("idle hot twice") == ["hot cache, idle, used twice"], names("idle hot twice"))
    expect(names("hot cache") == ["hot cache, idle cache", "hot cache, idle, used twice"], names("hot cache"))
    expect(names("all") == [], f"a part of a word: {names('all')}")


def without_a_name_all_are_chosen():
    expect(names("") == [mix.name for mix in MIXES], names(""))


def a_name_of_none_is_refused_with_those_that_there_are():
    run = subprocess.run([sys.executable, os.path.join(TESTS, "bench", "control_truth.py"), "--only", "lukewarm"],
                         capture_output=True, text=True, check=False)
    expect(run.returncode != 0 and "lukewarm" in run.stderr and "; nearly full" in run.stderr, f"{run.returncode}: {run.stderr}")


TESTS_HERE = (
    ("a whole name chooses that mix alone", a_whole_name_chooses_that_mix_alone),
    ("else the beginning counts, or all words", else_the_beginning_counts_or_all_words),
    ("without a name all are chosen", without_a_name_all_are_chosen),
    ("a name of none is refused with those that there are", a_name_of_none_is_refused_with_those_that_there_are),
)

if __name__ == "__main__":
    sys.exit(run_all(TESTS_HERE))
