"""How the programs of tests with one virtual machine choose their tests, skip loudly, and end."""

import os
import signal
import sys

from bed import Unavailable
from checks import run_all
from domain import guestd_knows_virtio


def fly(prepare, subset, tests):
    """Runs tests on what `prepare` makes, and closes its bed. With AEROSTAT_VM_SUBSET=1 the subset; or those named as arguments.
    The exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    chosen = subset if os.environ.get("AEROSTAT_VM_SUBSET") == "1" else tests
    if sys.argv[1:]:  # by name, for whoever looks into one of them
        chosen = [test for test in tests if any(word in test.__name__ for word in sys.argv[1:])]
    try:
        if not guestd_knows_virtio():
            raise Unavailable("the guestd built here has no virtio-serial")
        flight = prepare()
    except Unavailable as why:
        print(f"SKIP virtual machines: {why}\n0 passed, 0 failed, {len(chosen)} skipped", flush=True)
        return 0
    try:
        return run_all([(test.__name__, lambda test=test: test(flight)) for test in chosen])
    finally:
        flight.bed.close()
