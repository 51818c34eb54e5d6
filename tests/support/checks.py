"""A small frame for test programs: named checks, a count at the end, an exit code."""

import sys
import time
import traceback


class Skip(Exception):
    """A need is not met here; the test is counted as skipped, loudly."""


def expect(condition, message):
    if not condition:
        raise AssertionError(message)


def wait_until(condition, within, what):
    """Waits until condition() gives something true and returns it. Raises AssertionError when the time is over."""
    until = time.monotonic() + within
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > until:
            raise AssertionError(f"waited {within} s for {what}")
        time.sleep(0.02)


def run_all(tests):
    """Runs (name, function) pairs, prints a line for each and "N passed, M failed, K skipped" last. Returns the exit code."""
    passed = failed = skipped = 0
    for name, test in tests:
        began = time.monotonic()
        try:
            test()
        except Skip as why:
            skipped += 1
            print(f"SKIP {name}: {why}", flush=True)
        except Exception:  # a test program reports every failure and goes on
            failed += 1
            print(f"FAIL {name}", flush=True)
            traceback.print_exc(file=sys.stdout)
        else:
            passed += 1
            print(f"ok   {name} ({time.monotonic() - began:.1f} s)", flush=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if failed else 0
