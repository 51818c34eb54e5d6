#!/usr/bin/env python3
"""aerostatctl simulate with the scenarios of examples/: no daemon, no JVM. The week is left to whoever has a minute."""

import glob
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

from checks import expect, run_all  # noqa: E402

TOOL = os.path.join(ROOT, os.environ.get("AEROSTAT_BUILD", "build/release"), "bin", "aerostatctl")
SCENARIOS = os.path.join(ROOT, "examples", "scenarios")
DIRECTORY = tempfile.TemporaryDirectory(prefix="aerostat-simulate-")
POLICIES = ["price", "proportional", "guest-only", "static"]
SHORT = """
[scenario]
length = "10m"
[host]
memory = "4GiB"
[guest.web]
count = 2
[guest.web.heap]
"""


def simulate(*arguments):
    done = subprocess.run([TOOL, "simulate", *arguments], capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout, done.stderr


def written(name, text):
    path = os.path.join(DIRECTORY.name, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def guests_of_every_nature_break_no_invariant_under_any_policy():
    svg = os.path.join(DIRECTORY.name, "natures.svg")
    code, out, err = simulate(os.path.join(SCENARIOS, "natures.toml"), "--json", "--svg", svg)
    expect(code == 0, f"exit {code}: {out}{err}")
    told = json.loads(out)
    expect([policy["policy"] for policy in told["policies"]] == POLICIES, out)
    for policy in told["policies"]:
        broken = {name: one for name, one in policy["violations"].items() if one["times"]}
        expect(len(policy["violations"]) == 6 and not broken, f"{policy['policy']}: {broken}")
        expect(policy["peak_resident_bytes"] <= told["memory_bytes"], out)
        print(f"FIGURE natures, {policy['policy']}: {policy['stall_s']:.0f} s lost, {policy['moves']} moves, "
              f"{100 * policy['memory_saved']:.0f} % of memory saved")
    stall = {policy["policy"]: policy["stall_s"] for policy in told["policies"]}
    expect(stall["price"] == min(stall.values()), f"price is not the best: {stall}")
    root = xml.etree.ElementTree.parse(svg).getroot()
    lines = [one for one in root if one.tag.endswith("polyline")]
    expect(len(lines) == 4 * len(POLICIES), f"{len(lines)} lines in the plot")


def every_example_is_a_valid_scenario():
    paths = sorted(glob.glob(os.path.join(SCENARIOS, "*.toml")))
    expect(len(paths) >= 3, paths)
    for path in paths:
        with open(path, encoding="utf-8") as file:
            short = "\n".join('length = "10m"' if line.startswith("length") else line for line in file.read().split("\n"))
        code, out, err = simulate(written(os.path.basename(path), short))
        expect(code == 0, f"{path}: exit {code}: {out}{err}")


def a_table_names_the_policies_asked_for():
    code, out, err = simulate(written("short.toml", SHORT), "--policies", "static,price")
    expect(code == 0 and not err, err)
    rows = [line.split()[0] for line in out.splitlines() if line.split()[:1] and line.split()[0] in POLICIES + ["unrestrained"]]
    expect(rows == ["static", "price", "unrestrained"], out)


def a_broken_invariant_is_exit_3():
    small = SHORT.replace('memory = "4GiB"', 'memory = "512MiB"\nemergency_reserve = "64MiB"')
    code, out, _ = simulate(written("small.toml", small), "--policies", "price")
    expect(code == 3 and "VIOLATED by price" in out, f"exit {code}: {out}")


def mistakes_are_told_with_file_and_line():
    code, _, err = simulate(written("wrong.toml", SHORT + 'colour = "red"\n'))
    expect(code == 1 and "wrong.toml:" in err and "colour" in err, f"exit {code}: {err}")
    code, _, err = simulate(written("good.toml", SHORT), "--policies", "fair")
    expect(code == 2 and "there are price" in err, f"exit {code}: {err}")
    code, _, err = simulate(os.path.join(DIRECTORY.name, "absent.toml"))
    expect(code == 1 and "absent.toml" in err, f"exit {code}: {err}")
    code, _, err = simulate(written("good.toml", SHORT), "--svg", os.path.join(DIRECTORY.name, "no", "where.svg"))
    expect(code == 1 and "where.svg" in err, f"exit {code}: {err}")


TESTS = [guests_of_every_nature_break_no_invariant_under_any_policy, every_example_is_a_valid_scenario,
         a_table_names_the_policies_asked_for, a_broken_invariant_is_exit_3, mistakes_are_told_with_file_and_line]

if __name__ == "__main__":
    if not os.path.exists(TOOL):
        raise SystemExit(f"{TOOL} is not built")
    exit_code = run_all([(test.__name__, test) for test in TESTS])
    DIRECTORY.cleanup()
    sys.exit(exit_code)
