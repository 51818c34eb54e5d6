#!/usr/bin/env python3
"""aerostatctl against a fake daemon: answers, errors, exit codes, the live screen. Needs no JVM and no rights."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

from checks import Skip, expect, run_all  # noqa: E402
from fake_daemon import MIB, FakeDaemon, error, operation, status  # noqa: E402

TOOL = os.path.join(ROOT, os.environ.get("AEROSTAT_BUILD", "build/release"), "bin", "aerostatctl")
DIRECTORY = tempfile.TemporaryDirectory(prefix="aerostat-cli-")


def run(answers, *arguments, **environment):
    """Runs the tool once against a fake daemon; returns (exit code, stdout, stderr, the requests it sent)."""
    daemon = FakeDaemon(DIRECTORY.name, answers)
    try:
        done = subprocess.run([TOOL, "--socket", daemon.path, *arguments], capture_output=True, text=True, timeout=30, check=False,
                              env={**os.environ, **environment})
        return done.returncode, done.stdout, done.stderr, daemon.requests
    finally:
        daemon.close()


def status_is_a_table_and_joins_long_replies():
    parts = [status("orders"), status("batch"), status("web")]
    code, out, err, requests = run({"status": parts}, "status")
    expect(code == 0 and not err, err)
    expect([r["command"] for r in requests] == ["status"], requests)
    rows = [line.split()[0] for line in out.splitlines() if line.split()[1:2] == ["connected"]]
    expect(rows == ["orders", "batch", "web"], out)
    code, out, _, _ = run({"status": parts}, "status", "--json")
    expect([g["name"] for g in json.loads(out)["guests"]] == ["orders", "batch", "web"], out)


def squeeze_sends_what_was_asked_and_prints_one_object():
    code, out, err, requests = run({"squeeze": [operation()]}, "squeeze", "orders/api", "512MiB", "--deadline", "3s", "--hold", "10m",
                                   "--on-shortfall", "rollback", "--json")
    expect(code == 0 and not err, err)
    sent = requests[0]
    expect((sent["target"], sent["bytes"], sent["deadline_ms"], sent["hold_ms"], sent["on_shortfall"], sent["wait"])
           == ("orders/api", 512 * MIB, 3000, 600000, "rollback", True), sent)
    said = json.loads(out)
    expect((said["asked"], said["obtained"], said["verified"], said["shortfall"], said["reason"], said["elapsed_ms"])
           == (512 * MIB, 512 * MIB, 509 * MIB, 0, "met", 840), said)


def a_shortfall_is_exit_3_and_says_what_is_missing():
    body = operation(obtained=300 * MIB, shortfall=212 * MIB, reason="floor")
    code, out, _, _ = run({"squeeze": [body]}, "squeeze", "orders/api", "512MiB")
    expect(code == 3, code)
    expect("floor: 300 MiB of 512 MiB obtained, 509 MiB verified" in out and "212 MiB missing" in out, out)


def an_operation_that_was_only_started_is_exit_0():
    code, out, _, requests = run({"squeeze": [operation(running=True)]}, "squeeze", "orders", "1GiB", "--no-wait")
    expect(code == 0 and "started as op-17" in out, out)
    expect(requests[0]["wait"] is False, requests)


def errors_are_sentences_and_json():
    refusal = error("refused", "orders/api would fall below its floor of 400 MiB")
    code, out, err, _ = run({"squeeze": [refusal]}, "squeeze", "orders/api", "2GiB")
    expect(code == 1 and out == "" and err == "aerostatctl: orders/api would fall below its floor of 400 MiB\n", (code, out, err))
    code, out, err, _ = run({"squeeze": [refusal]}, "squeeze", "orders/api", "2GiB", "--json")
    expect(json.loads(out) == {"error": {"code": "refused", "message": refusal["error"]["message"]}} and err, (out, err))


def an_unknown_target_is_an_error_and_a_missing_right_exit_5():
    expect(run({"pause": [error("not-found", "no guest \"x\"")]}, "pause", "x")[0] == 1, "not-found")
    expect(run({"pause": [error("denied", "you may only read")]}, "pause", "x")[0] == 5, "denied")


def no_daemon_is_exit_4():
    missing = os.path.join(DIRECTORY.name, "nobody.sock")
    done = subprocess.run([TOOL, "--socket", missing, "status", "--json"], capture_output=True, text=True, timeout=10, check=False)
    expect(done.returncode == 4, done.returncode)
    expect(json.loads(done.stdout)["error"]["code"] == "not-found" and "is the daemon running" in done.stderr, done)


def a_socket_without_rights_is_exit_5():
    if os.geteuid() == 0 and not os.path.exists("/usr/bin/setpriv"):
        raise Skip("as root the socket's mode means nothing, and there is no setpriv")
    with tempfile.TemporaryDirectory(prefix="aerostat-cli-") as directory:
        os.chmod(directory, 0o755)
        daemon = FakeDaemon(directory, {"status": [status()]})
        os.chmod(daemon.path, 0)
        drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
        done = subprocess.run([*drop, TOOL, "--socket", daemon.path, "status"], capture_output=True, text=True, timeout=10, check=False)
        daemon.close()
        if done.returncode == 126 or "setpriv:" in done.stderr:
            raise Skip(done.stderr.strip())
        expect(done.returncode == 5, done)


def the_socket_comes_from_the_environment_too():
    daemon = FakeDaemon(DIRECTORY.name, {"pause": [{}]})
    done = subprocess.run([TOOL, "pause"], capture_output=True, text=True, timeout=10, check=False,
                          env={**os.environ, "AEROSTAT_SOCKET": daemon.path})
    daemon.close()
    expect(done.returncode == 0 and done.stdout == "pause: done\n", done)


def wrong_command_lines_are_exit_2_and_reach_nobody():
    for words in (["squeeze", "orders", "512"], ["squeeze", "orders", "512MB"], ["frob"], ["status", "--frob"], [],
                  ["squeeze", "orders", "1GiB", "--deadline", "5"]):
        code, out, err, requests = run({}, *words, "--json")
        expect(code == 2 and json.loads(out)["error"]["code"] == "bad-value" and err, (words, code, out, err))
        expect(not requests, requests)


def nonsense_from_a_daemon_is_an_error():
    for answer in (b"\n\nhello\n", b'{"v":2,"type":"reply","id":"x"}\n', b'{"v":1,"type":"reply","id":"x","status":7}\n', b"\xff\xfe\n", b""):
        code, _, err, _ = run({"status": answer}, "status")
        expect(code == 1 and err.startswith("aerostatctl: "), (answer, code, err))


def a_daemon_that_stops_in_mid_answer_is_an_error():
    def half(request):
        return json.dumps({"v": 1, "type": "reply", "id": request["id"], "more": True, **status("orders")}).encode() + b"\n"
    daemon = FakeDaemon(DIRECTORY.name, {"status": half})
    tool = subprocess.Popen([TOOL, "--socket", daemon.path, "status"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, err = tool.communicate(timeout=30)  # the daemon never goes on: the tool gives up by itself
    daemon.close()
    expect(tool.returncode == 1 and "no answer from the daemon within" in err and out == "", (tool.returncode, out, err))


def interrupting_a_squeeze_says_that_it_goes_on():
    answered = threading.Event()
    daemon = FakeDaemon(DIRECTORY.name, {"squeeze": lambda request: answered.wait(20) and [operation()] or [operation()]})
    tool = subprocess.Popen([TOOL, "--socket", daemon.path, "squeeze", "orders", "1GiB"], stderr=subprocess.PIPE, text=True)
    with daemon.changed:
        daemon.changed.wait_for(lambda: daemon.requests, 10)
    tool.send_signal(signal.SIGINT)
    _, err = tool.communicate(timeout=10)
    answered.set()
    daemon.close()
    expect(tool.returncode == 130 and "the operation goes on" in err, (tool.returncode, err))


def top_once_shows_layers_and_work():
    work = os.path.join(DIRECTORY.name, "work")
    with open(work, "w", encoding="ascii") as file:
        file.write("orders/api 12400 requests/s\n")
    code, out, err, _ = run({"status": [status("orders")]}, "top", "--once", "--work", work)
    expect(code == 0, err)
    expect("LIVE" in out and "12400 requests/s" in out and "250 ms/s" in out and "\x1b" not in out, out)
    code, out, _, _ = run({"status": [status("orders")]}, "top", "--once", "--work", "/nonexistent")
    expect(code == 0 and "orders" in out, out)


def hostile_words_do_not_reach_the_terminal():
    body = status("orders", warnings=["\x1b[2Jgone"])
    for words in (["status"], ["top", "--once"]):
        _, out, _, _ = run({"status": [body]}, *words)
        expect("\x1b" not in out and "?[2Jgone" in out, out)


class Screen:
    """The tool on a pseudo-terminal of 24 lines by 100 columns."""

    def __init__(self, *arguments):
        pid, self.master = pty.fork()
        if pid == 0:
            os.environ.update(TERM="xterm", LINES="24", COLUMNS="100")
            os.execv(TOOL, [TOOL, *arguments])
        self.pid, self.shown = pid, b""

    def wait_for(self, text, within=10):
        until = time.monotonic() + within
        while text not in self.shown:
            ready, _, _ = select.select([self.master], [], [], max(0.0, until - time.monotonic()))
            expect(ready, f"no {text!r} within {within} s in {self.shown[-500:]!r}")
            try:
                self.shown += os.read(self.master, 65536)
            except OSError:
                break
        expect(text in self.shown, f"no {text!r} in {self.shown[-500:]!r}")

    def press(self, keys):
        os.write(self.master, keys)

    def exit_code(self):
        _, state = os.waitpid(self.pid, 0)
        os.close(self.master)
        return os.waitstatus_to_exitcode(state)


def the_live_screen_ends_with_q_and_restores_the_terminal():
    for key in (b"q", b"\x03"):
        daemon = FakeDaemon(DIRECTORY.name, {"status": [status("orders")]})
        screen = Screen("--socket", daemon.path, "top", "--interval", "100ms")
        screen.wait_for(b"\x1b[?1049h")
        screen.wait_for(b"FOOTPRINT")
        with daemon.changed:
            expect(daemon.changed.wait_for(lambda d=daemon: len(d.requests) > 2, 10), "it asks again and again")
        screen.press(key)
        screen.wait_for(b"\x1b[?25h\x1b[?1049l")
        expect(screen.exit_code() == 0, "exit code")
        daemon.close()


def the_live_screen_waits_for_a_daemon_that_went_away():
    daemon = FakeDaemon(DIRECTORY.name, {"status": b""})
    screen = Screen("--socket", daemon.path, "top", "--interval", "100ms")
    screen.wait_for(b"asking again")
    daemon.answers = {"status": [status("orders")]}
    screen.wait_for(b"FOOTPRINT")
    daemon.close()
    screen.press(b"q")
    expect(screen.exit_code() == 0, "exit code")


def the_live_screen_shows_operations_and_keeps_its_place_through_a_restart():
    guests = [f"guest{number}" for number in range(100, 130)]
    running = operation(running=True, obtained=300 * MIB, target="guest120")["operation"]
    several = {"status": [status(*guests)], "ops": [{"operations": {"operations": [running]}}]}
    daemon = FakeDaemon(DIRECTORY.name, several)
    screen = Screen("--socket", daemon.path, "top", "--interval", "100ms")
    screen.wait_for(b"squeeze guest120: 300 MiB of")
    screen.press(b"\x1b[6~")
    screen.wait_for(b"lines 17-33 of 60")
    daemon.close()
    daemon.answers = {"status": b"", "ops": b""}  # connections that are open end
    screen.wait_for(b"what stands here is of")
    screen.shown = b""
    daemon = FakeDaemon(DIRECTORY.name, several)
    screen.wait_for(b"lines 17-33 of 60")
    screen.shown = b""
    fcntl.ioctl(screen.master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    screen.wait_for(b"lines 17-49 of 60")
    screen.press(b"q")
    expect(screen.exit_code() == 0, "exit code")
    daemon.close()


def a_long_squeeze_shows_its_progress_on_a_terminal():
    go_on = threading.Event()
    running = operation(running=True, obtained=300 * MIB, target="orders")["operation"]
    daemon = FakeDaemon(DIRECTORY.name, {"squeeze": lambda request: go_on.wait(20) and [operation()] or [operation()],
                                         "ops": [{"operations": {"operations": [running]}}]})
    screen = Screen("--socket", daemon.path, "squeeze", "orders", "512MiB")
    screen.wait_for(b"squeeze orders: 300 MiB of 512 MiB, ")
    go_on.set()
    screen.wait_for(b"512 MiB of 512 MiB obtained")
    expect(screen.exit_code() == 0, "exit code")
    daemon.close()


def no_color_is_respected():
    daemon = FakeDaemon(DIRECTORY.name, {"status": [status("orders")]})
    os.environ["NO_COLOR"] = "1"
    plain = Screen("--socket", daemon.path, "status")
    del os.environ["NO_COLOR"]
    plain.wait_for(b"connected")
    expect(plain.exit_code() == 0 and b"\x1b" not in plain.shown, plain.shown)
    coloured = Screen("--socket", daemon.path, "status")
    coloured.wait_for(b"\x1b[32mconnected\x1b[0m")
    coloured.exit_code()
    daemon.close()


TESTS = [status_is_a_table_and_joins_long_replies, squeeze_sends_what_was_asked_and_prints_one_object,
         a_shortfall_is_exit_3_and_says_what_is_missing, an_operation_that_was_only_started_is_exit_0,
         errors_are_sentences_and_json, an_unknown_target_is_an_error_and_a_missing_right_exit_5, no_daemon_is_exit_4,
         a_socket_without_rights_is_exit_5, the_socket_comes_from_the_environment_too,
         wrong_command_lines_are_exit_2_and_reach_nobody, nonsense_from_a_daemon_is_an_error,
         a_daemon_that_stops_in_mid_answer_is_an_error, interrupting_a_squeeze_says_that_it_goes_on,
         top_once_shows_layers_and_work, hostile_words_do_not_reach_the_terminal,
         the_live_screen_ends_with_q_and_restores_the_terminal, the_live_screen_waits_for_a_daemon_that_went_away,
         the_live_screen_shows_operations_and_keeps_its_place_through_a_restart,
         a_long_squeeze_shows_its_progress_on_a_terminal, no_color_is_respected]

if __name__ == "__main__":
    if not os.path.exists(TOOL):
        raise SystemExit(f"{TOOL} is not built")
    code = run_all([(test.__name__, test) for test in TESTS])
    DIRECTORY.cleanup()
    sys.exit(code)
