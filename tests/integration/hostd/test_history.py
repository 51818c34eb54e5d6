#!/usr/bin/env python3
"""What hostd keeps of its decisions: history, explain and replay after real moves, kill -9 and a full disk."""

import json
import os
import random
import subprocess
import sys

from host_world import MIB, Host, built, expect, wait_until

from checks import Skip, run_all
from killer import kill_at_random, tell


def ask(host, *arguments):
    done = subprocess.run([built("bin", "aerostatctl"), "--socket", host.path("run", "control.sock"), *arguments],
                          capture_output=True, text=True, timeout=30, check=False)
    return done.returncode, done.stdout, done.stderr


def records(host):
    code, out, err = ask(host, "history", "--json")
    expect(code == 0, err)
    return [json.loads(line) for line in out.splitlines()]


def busy_and_idle(host):
    host.guest("idle", web=(300, 32, 400, 0))
    host.wait_joined("idle")
    host.guest("busy", pay=(64, 32, 512, 5e8))
    host.wait_joined("busy")
    host.wait_target("idle", "web", lambda target, held: target < 64 * MIB and held < 64 * MIB, "to be at its floor")


def a_move_can_be_explained_and_decided_again():
    with Host(memory=600, reserve=64) as host:
        busy_and_idle(host)
        code, out, err = ask(host, "explain", "idle")
        expect(code == 0 and "* idle/web" in out and "why: at its floor" in out, f"{out}{err}")
        code, out, err = ask(host, "history")
        expect(code == 0 and "idle/web" in out and "busy/pay" in out, f"{out}{err}")
        code, out, err = ask(host, "replay", "--json")
        told = json.loads(out)
        expect(code == 0 and told["decisions"] > 0 and told["same_orders"] == told["decisions"], f"{out}{err}")
        code, out, err = ask(host, "replay", "--policy", "static", "--json")
        other = json.loads(out)
        # hostd may have decided something more between the two.
        expect(other["recorded"]["orders"] >= told["recorded"]["orders"] and other["same_orders"] < other["decisions"],
               f"{told} {out}{err}")
        expect(other["replayed"]["mean_cost"] > other["recorded"]["mean_cost"], f"static is cheaper? {out}")
        code, out, err = ask(host, "explain", "nobody")
        expect(code == 1 and "nobody" in err, f"{out}{err}")


def decisions_to_do_nothing_are_not_kept_each_second():
    with Host(memory=600, reserve=64, mode="advise") as host:
        host.guest("a", web=(100, 32, 200, 0))
        host.wait_joined("a")
        wait_until(lambda: records(host), 10, "a first record")
        before = len(records(host))
        for _ in range(40):  # each makes the daemon decide anew
            host.ask("plan")
        expect(len(records(host)) - before <= 2, f"{len(records(host)) - before} records of nothing")


def killed_at_any_moment_it_leaves_a_history_that_can_be_read():
    with Host(memory=600, reserve=64) as host:
        busy_and_idle(host)
        seen = 0
        for round_number in range(8):
            wait_until(lambda: len(records(host)) > seen, 20, "a record more")
            host.kill()
            kept = records(host)  # needs no daemon
            expect(len(kept) > seen, f"round {round_number}: {len(kept)} records")
            seen = len(kept)
            host.start()
        code, out, err = ask(host, "replay", "--json")
        told = json.loads(out)
        expect(code == 0 and told["same_orders"] == told["decisions"] >= 8, f"{out}{err}")


def killed_beside_an_operators_orders_it_converges():
    tell(kill_at_random(6, random.randrange(1 << 32)))  # tests/soak/test_hostd_kills.py does it 200 times


def a_disk_that_is_full_is_told_and_stops_nothing():
    if os.geteuid() != 0:
        raise Skip("needs root: a small tmpfs is mounted")
    with Host(memory=600, reserve=64) as host:
        full = host.path("full")
        os.mkdir(full)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", full], capture_output=True, text=True, check=False)
        if mounted.returncode != 0:
            raise Skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
        try:
            with open(os.path.join(full, "other"), "wb") as file:
                file.write(bytes(63 * 1024))
            host.kill()
            host.configure(host_extra=f'history_dir = "{full}/history"')
            host.start()
            busy_and_idle(host)
            wait_until(lambda: any("decisions are not kept" in one for one in host.status()["warnings"]), 20, "a warning")
            os.unlink(os.path.join(full, "other"))
            wait_until(lambda: not any("decisions are not kept" in one for one in host.status().get("warnings", [])), 30,
                       "the warning to go")
        finally:
            host.kill()
            subprocess.run(["umount", "-l", full], check=False)


TESTS = [a_move_can_be_explained_and_decided_again, decisions_to_do_nothing_are_not_kept_each_second,
         killed_at_any_moment_it_leaves_a_history_that_can_be_read, killed_beside_an_operators_orders_it_converges,
         a_disk_that_is_full_is_told_and_stops_nothing]

if __name__ == "__main__":
    sys.exit(run_all([(test.__name__, test) for test in TESTS]))
