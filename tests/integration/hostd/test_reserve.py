#!/usr/bin/env python3
"""Memory for guests that are about to start: aerostatctl reserve, and libvirt's hook with hostd alive, dead and hung."""

import json
import os
import socket
import subprocess
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from host_world import MIB, Host, built, expect, wait_until

from checks import run_all
from harness import ROOT

LIMIT_S = 3
SCRIPT = os.path.join(ROOT, "packaging", "libvirt-hook", "aerostat.in")
STAND_IN = """#!/bin/sh
echo "$@" >> {directory}/calls
cat >> {directory}/calls
echo "the program's word" >&2
{end}
"""


def ask(host, *arguments, within=60):
    done = subprocess.run([built("bin", "aerostatctl"), "--socket", host.path("run", "control.sock"), *arguments],
                          capture_output=True, text=True, timeout=within, check=False)
    return done.returncode, done.stdout, done.stderr


def ask_json(host, *arguments):
    code, out, err = ask(host, *arguments, "--json")
    return code, json.loads(out) if out else err


def domain(mib, name="new"):
    return (f"<domain type='kvm'><name>{name}</name><uuid>{uuid.uuid4()}</uuid><memory unit='MiB'>{2 * mib}</memory>"
            f"<currentMemory unit='MiB'>{mib}</currentMemory></domain>")


class Hook:
    """The hook as libvirt calls it, with a configuration of its own."""

    def __init__(self, control_socket, down="allow", limit=LIMIT_S):
        self._directory = tempfile.TemporaryDirectory(prefix="hook-test-")
        self._config = os.path.join(self._directory.name, "hook.toml")
        with open(self._config, "w", encoding="utf-8") as file:
            file.write(f'socket = "{control_socket}"\non_controller_down = "{down}"\nlimit = "{limit}s"\n')

    def call(self, xml, operation=("prepare", "begin")):
        """(exit status, stderr, seconds)"""
        began = time.monotonic()
        done = subprocess.run([built("bin", "aerostat-libvirt-hook"), "new", *operation, "-"], input=xml, capture_output=True,
                              timeout=60, check=False, env={**os.environ, "AEROSTAT_HOOK_CONFIG": self._config},
                              text=isinstance(xml, str))
        said = done.stderr if isinstance(done.stderr, str) else done.stderr.decode(errors="replace")
        return done.returncode, said, time.monotonic() - began


def squeezed_host():
    """A guest that holds 400 MiB of a budget of 536, and needs 32."""
    host = Host(memory=600, reserve=64)
    host.__enter__()
    host.guest("idle", web=(400, 32, 500, 0))
    host.wait_joined("idle")
    return host


def others_are_squeezed_until_it_fits_and_are_given_it_back_afterwards():
    host = squeezed_host()
    try:
        code, said = ask_json(host, "reserve", "300MiB", "--deadline", "20s")
        expect(code == 0 and said["reason"] == "met" and said["verified"] == 300 * MIB, said)
        status = host.status()
        expect(status["reserved_bytes"] == 300 * MIB, status)
        expect(status["charged_bytes"] <= (536 - 300) * MIB, f"it was really freed: {status['charged_bytes'] // MIB} MiB held")
        code, ops = ask_json(host, "ops")
        expect(any(one["op"] == said["op"] and one["running"] for one in ops["operations"]), ops)
        print(f"FIGURE reserve asked_mib=300 elapsed_ms={said['elapsed_ms']}", flush=True)
        code, out, err = ask(host, "reserve", "200MiB", "--deadline", "1s")
        expect(code == 3 and "refused" in out, f"what is promised is not promised twice: {out}{err}")
        for order in ("squeeze", "give"):
            code, out, err = ask(host, order, said["op"], "1MiB")
            expect(code == 1 and "no guest" in err, f"{order} is nothing that ends a reservation: {out}{err}")
        expect(host.status()["reserved_bytes"] == 300 * MIB, host.status())
        code, out, err = ask(host, "release", said["op"])
        expect(code == 0, f"{out}{err}")
        expect("reserved_bytes" not in host.status(), host.status())
        code, out, err = ask(host, "release", said["op"])
        expect(code == 1, f"it is gone: {out}{err}")
    finally:
        host.__exit__()


def what_cannot_fit_is_refused_at_once_and_says_why():
    host = squeezed_host()
    try:
        began = time.monotonic()
        code, out, err = ask(host, "reserve", "10GiB", "--deadline", "30s")
        expect(code == 3 and "can never fit" in out, f"{out}{err}")
        code, out, err = ask(host, "reserve", "530MiB", "--deadline", "30s")
        expect(code == 3 and "floor" in out, f"{out}{err}")
        expect(time.monotonic() - began < 25, "without waiting for the deadline")
        code, out, err = ask(host, "reserve", "1MiB", "--deadline", "2h")
        expect(code == 1 and "deadline" in err, f"{out}{err}")
    finally:
        host.__exit__()


def nobody_is_squeezed_in_advise_mode():
    with Host(memory=600, reserve=64, mode="advise") as host:
        host.guest("idle", web=(400, 32, 500, 0))
        host.wait_joined("idle")
        code, out, err = ask(host, "reserve", "300MiB", "--deadline", "20s")
        expect(code == 3 and "advise" in out, f"{out}{err}")
        code, out, err = ask(host, "reserve", "50MiB", "--hold", "200ms")
        expect(code == 0, f"what is free anyway is granted: {out}{err}")
        wait_until(lambda: "reserved_bytes" not in host.status(), 20, "the reservation to expire")


def who_only_watches_keeps_no_domain_from_starting():
    too_much = {"target": "new", "bytes": 10 << 30, "wait": True}
    with Host(memory=600, reserve=64, guests='[guest."idle"]\n[guest."new"]\n') as host:
        hook = Hook(host.path("run", "control.sock"), down="refuse")
        said = host.ask("reserve", hook=True, **too_much)["operation"]
        expect(said["reason"] == "floor" and "can never fit" in said["detail"], said)
        expect(hook.call(domain(100))[0] == 1, "hostd acts: it is asked, and here it can have no domains")
        said = host.ask("reserve", hook=True, **{**too_much, "target": "unnamed"})["operation"]
        expect(said["reason"] == "met" and "observing" in said["detail"], said)
        expect(ask(host, "pause")[0] == 0, "pause")
        said = host.ask("reserve", hook=True, **too_much)["operation"]
        expect(said["reason"] == "met" and "paused" in said["detail"], said)
        expect(hook.call(domain(100))[:2] == (0, ""), "paused")
        said = host.ask("reserve", **too_much)["operation"]
        expect(said["reason"] == "floor", f"a person is told: {said}")
    with Host(memory=600, reserve=64, mode="advise") as host:
        said = host.ask("reserve", hook=True, **too_much)["operation"]
        expect(said["reason"] == "met" and "observing" in said["detail"] and "advise" in said["detail"], said)
        expect("reserved_bytes" not in host.status(), host.status())
        expect(Hook(host.path("run", "control.sock"), down="refuse").call(domain(100))[:2] == (0, ""), "advise")
        expect("observing (mode is advise)" in host.log(), host.log())


def a_hook_that_waits_is_let_go_when_hostd_is_paused():
    with Host(memory=600, reserve=64) as host:
        host.guest("idle", "stuck", web=(400, 32, 500, 0))
        host.wait_joined("idle")
        with ThreadPoolExecutor(1) as other:
            asked = other.submit(host.ask, "reserve", 300, hook=True, target="new", bytes=300 * MIB, wait=True,
                                 deadline_ms=240_000)
            wait_until(lambda: "reserved_bytes" in host.status(), 60, "the hook to have asked")
            expect(ask(host, "pause")[0] == 0, "pause")
            said = asked.result(120)["operation"]
        expect(said["reason"] == "met" and "observing (paused)" in said["detail"], said)
        expect("reserved_bytes" not in host.status(), "nothing is kept for it")


class Script:
    """The script that libvirt calls, as packaged but for the place of its program, which ends as told."""

    def __init__(self, directory, end):
        self.directory, self.program = directory, os.path.join(directory, "aerostat-libvirt-hook")
        with open(SCRIPT, encoding="utf-8") as file:
            self.text = file.read().replace("@CMAKE_INSTALL_FULL_SBINDIR@", directory)
        with open(self.program, "w", encoding="utf-8") as file:
            file.write(STAND_IN.format(directory=directory, end=end))
        os.chmod(self.program, 0o755)

    def call(self, *operation):
        done = subprocess.run(["sh", "-c", self.text, "aerostat", "new", *operation, "-"], input="<domain/>", text=True,
                              capture_output=True, timeout=60, check=False)
        return done.returncode, done.stderr

    def calls(self):
        path = os.path.join(self.directory, "calls")
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8") as file:
            return file.read()


def libvirts_script_refuses_by_the_programs_own_word_only():
    for end, wanted in (("exit 0", 0), ("exit 1", 1), ("exit 2", 0), ("exit 127", 0), ("kill -KILL $$", 0), ("kill -SEGV $$", 0)):
        with tempfile.TemporaryDirectory() as directory:
            script = Script(directory, end)
            code, said = script.call("prepare", "begin")
            expect(code == wanted and "the program's word" in said, (end, code, said))
            expect(("ended with status" in said) == (end not in ("exit 0", "exit 1")), (end, said))
            expect(script.calls() == "new prepare begin -\n<domain/>", script.calls())
    with tempfile.TemporaryDirectory() as directory:
        script = Script(directory, "exit 1")
        os.unlink(script.program)
        expect(script.call("prepare", "begin") == (0, ""), "the package was removed, the script was not")
        os.mkdir(script.program)  # it is there, and cannot be run: as under a security module that forbids it
        code, said = script.call("prepare", "begin")
        expect(code == 0 and "status 126" in said, (code, said))


def libvirts_script_calls_its_program_at_a_start_and_an_end_only():
    others = (("start", "begin"), ("started", "begin"), ("stopped", "end"), ("reconnect", "begin"), ("attach", "begin"),
              ("migrate", "begin"), ("restore", "begin"), ("prepare", "end"), ("release", "begin"), ())
    with tempfile.TemporaryDirectory() as directory:
        script = Script(directory, "exit 1")
        for operation in others:
            expect(script.call(*operation) == (0, ""), f"a refusal at {operation} would harm a domain that runs")
        expect(not script.calls(), script.calls())
        expect(script.call("release", "end")[0] == 1 and "new release end" in script.calls(), "it is told of the end")


def the_hook_starts_a_domain_without_a_hostd_or_refuses_as_told():
    with tempfile.TemporaryDirectory() as directory:
        nowhere = os.path.join(directory, "control.sock")
        code, said, _ = Hook(nowhere).call(domain(100))
        expect(code == 0 and "does not answer" in said, said)
        code, said, _ = Hook(nowhere, down="refuse").call(domain(100))
        expect(code == 1 and "on_controller_down" in said, said)
        code, said, _ = Hook(nowhere, down="refuse").call(domain(100), ("started", "begin"))
        expect(code == 0 and not said, "nothing else is its business")
        code, said, _ = Hook(nowhere, down="refuse").call(domain(100), ("release", "end"))
        expect(code == 0, said)


def the_hook_ends_by_its_limit_when_hostd_hangs():
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "control.sock")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as deaf:
            deaf.bind(path)
            deaf.listen(0)
            code, said, took = Hook(path).call(domain(100))
            expect(code == 0 and took < LIMIT_S + 10, (code, said, took))
            expect("answer" in said, said)
            code, said, _ = Hook(path, down="refuse").call(domain(100))
            expect(code == 1, said)
            full = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(2)]
            for one in full:  # nobody accepts, and nobody more is let in: connecting itself hangs
                one.setblocking(False)
                one.connect_ex(path)
            code, said, took = Hook(path).call(domain(100))
            expect(code == 0 and took < LIMIT_S + 10, (code, said, took))
            print(f"FIGURE hook_hung limit_s={LIMIT_S} took_s={took:.1f}", flush=True)
            for one in full:
                one.close()


def the_hook_takes_no_harm_from_what_is_no_domain():
    host = squeezed_host()
    try:
        hook = Hook(host.path("run", "control.sock"), down="refuse")
        for xml in (b"", b"\0\xff" * 100, b"<domain/>", b"<domain><memory>1</memory></domain>", b"x" * (3 << 20),
                    b"<domain>" * 50000, domain(100).replace("<uuid>", "<uuid>no").encode()):
            code, said, took = hook.call(xml)
            expect(code == 1 and "aerostat" in said and took < LIMIT_S + 10, (xml[:40], code, said, took))
        # A backend of processes has no domains: it says so, and it is as without a hostd.
        code, said, _ = hook.call(domain(100))
        expect(code == 1 and "can be none of this host" in said, said)
        expect("reserved_bytes" not in host.status(), host.status())
    finally:
        host.__exit__()


TESTS = [others_are_squeezed_until_it_fits_and_are_given_it_back_afterwards, what_cannot_fit_is_refused_at_once_and_says_why,
         nobody_is_squeezed_in_advise_mode, who_only_watches_keeps_no_domain_from_starting,
         a_hook_that_waits_is_let_go_when_hostd_is_paused, libvirts_script_refuses_by_the_programs_own_word_only,
         libvirts_script_calls_its_program_at_a_start_and_an_end_only,
         the_hook_starts_a_domain_without_a_hostd_or_refuses_as_told,
         the_hook_ends_by_its_limit_when_hostd_hangs, the_hook_takes_no_harm_from_what_is_no_domain]


if __name__ == "__main__":
    raise SystemExit(run_all([(test.__name__, test) for test in TESTS]))
