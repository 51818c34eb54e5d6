#!/usr/bin/env python3
"""hostd killed 200 times at random moments while operators order: it converges, its books are right, its history is whole.

AEROSTAT_HOSTD_KILLS: how often (default 200). AEROSTAT_SOAK_SEED: the seed of an earlier run."""

import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "integration", "hostd"))

from killer import kill_at_random, tell  # noqa: E402

from checks import run_all  # noqa: E402


def killed_at_random_moments_it_converges():
    seed = int(os.environ.get("AEROSTAT_SOAK_SEED") or random.randrange(1 << 32))
    tell(kill_at_random(int(os.environ.get("AEROSTAT_HOSTD_KILLS") or 200), seed))


if __name__ == "__main__":
    sys.exit(run_all([("killed at random moments it converges", killed_at_random_moments_it_converges)]))
