#!/usr/bin/env python3
"""The bench `consolidation` in small: it goes on where it was ended, and what it writes is complete."""

import json
import os
import subprocess
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TESTS, part) for part in ("support", "bench")]

from checks import Skip, expect, run_all  # noqa: E402
from consolidation.plan import SERVICES  # noqa: E402


def bench(directory, *words):
    done = subprocess.run([sys.executable, os.path.join(TESTS, "bench", "consolidation.py"), "--quick", *words,
                           "--state", os.path.join(directory, "state"), "--json", os.path.join(directory, "json"),
                           "--report", os.path.join(directory, "report")], capture_output=True, text=True, timeout=600, check=False)
    if "SKIP consolidation" in done.stdout:
        raise Skip(done.stdout.strip().split("\n")[-1])
    expect(done.returncode == 0, f"exit {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def goes_on_and_writes_all():
    with tempfile.TemporaryDirectory() as directory:
        said = bench(directory, "--at-most", "1")
        expect("not finished" in said and "price at" not in said, said)
        said = bench(directory)
        expect("1 cells finished before; at most 1 to go" in said and "not finished" not in said, said)
        with open(os.path.join(directory, "json"), encoding="utf-8") as file:
            figures = json.load(file)["consolidation"]
        price = figures["systems"]["price"]["0.6"]
        expect(price["oom_kills"] == price["oome"] == 0, f"somebody died: {price}")
        expect(price["bytes_used"] > 0 and price["throughput_ratio"] > 0, f"nothing was measured: {price}")
        for cell in figures["cells"]:
            expect(set(cell["services"]) == set(SERVICES), f"services of {cell['system']}: {list(cell['services'])}")
            idle = [name for name, seen in cell["services"].items() if not seen["due"]]
            expect(not idle, f"no requests were due in {idle}")
            expect(sum(seen["ops"] for seen in cell["services"].values()) > 0, f"{cell['system']} answered nothing")
        for name in ("consolidation.md", "throughput.svg", "p99.svg", "memory.svg"):
            expect(os.path.getsize(os.path.join(directory, "report", name)) > 100, f"{name} is empty")


if __name__ == "__main__":
    sys.exit(run_all([("an interrupted run goes on, and all figures are there", goes_on_and_writes_all)]))
