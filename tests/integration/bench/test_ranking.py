#!/usr/bin/env python3
"""The arithmetic of the bench `prediction`: which pairs of JVMs the truth tells apart, and which of them curves name rightly."""

import os
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TESTS, "support"), os.path.join(TESTS, "bench")]

from checks import expect, run_all  # noqa: E402
from ranking import noise, ranking  # noqa: E402


def run(cost, predicted, again=None):
    return {"cost": cost, "predicted": predicted, "error": 0.0, "again": again}


def family(cost, predicted, again=None):
    """The largest heap costs 0.01."""
    return [run(0.01, 0.01), run(cost, predicted, again)]


def noise_is_what_two_measurements_of_the_same_differ_by():
    expect(abs(noise(family(0.09, 0.1, 0.11)) - 0.2) < 1e-9, noise(family(0.09, 0.1, 0.11)))
    expect(noise(family(0.1, 0.1)) is None, "nothing was repeated")


def a_pair_that_differs_by_less_than_noise_says_nothing():
    order = ranking([family(0.10, 0.2, 0.11), family(0.11, 0.1, 0.12)])
    expect((order["pairs"], order["share"], order["all_pairs"], order["right_of_all"]) == (0, None, 1, 0), order)


def a_pair_that_differs_by_more_counts():
    order = ranking([family(0.10, 0.09, 0.11), family(0.30, 0.4, 0.31)])
    expect((order["right"], order["pairs"]) == (1, 1), order)
    order = ranking([family(0.10, 0.5, 0.11), family(0.30, 0.4, 0.31)])
    expect((order["right"], order["pairs"], len(order["wrong"])) == (0, 1, 1), order)


def curves_that_say_the_same_name_none():
    expect(ranking([family(0.10, 0.2, 0.10), family(0.30, 0.2, 0.30)])["right"] == 0, "a draw was taken for an answer")


def without_a_repetition_the_noisiest_other_counts():
    quiet, noisy = family(0.10, 0.1), family(0.15, 0.2, 0.05)
    expect(ranking([quiet, noisy])["pairs"] == 0, "noise of the others was forgotten")
    expect(ranking([quiet, family(0.15, 0.2)])["pairs"] == 1, "no noise is known at all: all pairs count")


def heaps_below_a_floor_are_no_pair():
    below = [run(0.01, 0.01), {"cost": 0.1, "predicted": None, "error": None}]
    expect(ranking([below, family(0.3, 0.3, 0.3)])["all_pairs"] == 0, "a heap without a prediction was compared")


TESTS_HERE = (
    ("noise is what two measurements of the same differ by", noise_is_what_two_measurements_of_the_same_differ_by),
    ("a pair that differs by less than noise says nothing", a_pair_that_differs_by_less_than_noise_says_nothing),
    ("a pair that differs by more counts", a_pair_that_differs_by_more_counts),
    ("curves that say the same name none", curves_that_say_the_same_name_none),
    ("without a repetition the noisiest other counts", without_a_repetition_the_noisiest_other_counts),
    ("heaps below a floor are no pair", heaps_below_a_floor_are_no_pair),
)

if __name__ == "__main__":
    sys.exit(run_all(TESTS_HERE))
