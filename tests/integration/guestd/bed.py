"""A guestd with fake agents, a fake host and an operator, in a directory of its own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

from aerowire import Connection, WireError, encode  # noqa: E402,F401
from checks import Skip, expect, run_all, wait_until  # noqa: E402,F401
from harness import tail  # noqa: E402

MIB = 1 << 20
# For a daemon to come up or to end. That takes it 6 ms of a processor, and where 64 threads want the same two it waits for
# seconds between one millisecond and the next.
PATIENCE = 60.0
GUESTD = os.path.join(ROOT, os.environ.get("AEROSTAT_BUILD", "build/release"), "bin", "aerostat-guestd")


def facts(**changes):
    return {"java_version": "17.0.21", "collector": "G1", "max_heap_bytes": 4096 * MIB, "initial_heap_bytes": 64 * MIB,
            "can_balloon": True, **changes}


class FakeJvm:
    """A process with an agent's connection, spoken for by the test."""

    def __init__(self, name, hold_mib=0):
        self.name, self.line, self.session, self.welcome = name, None, None, None
        self.footprint, self.target = hold_mib * MIB, None
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen([sys.executable, "-I", "-S", os.path.join(HERE, "jvm_process.py"), str(theirs.fileno())],
                                         pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        theirs.close()
        self._door = ours
        self.pid = self._process.pid
        if hold_mib:
            self.tell(hold_mib=hold_mib)

    def tell(self, **message):
        self._door.send(json.dumps(message).encode())
        data, descriptors, _, _ = socket.recv_fds(self._door, 65536, 1)
        answer = json.loads(data)
        if "error" in answer:
            raise OSError(answer["error"])
        return socket.socket(fileno=descriptors[0]) if descriptors else None

    def dial(self, path):
        """Connects without a word."""
        self.line = Connection(self.tell(connect=path))
        return self.line

    def connect(self, path, session=None, report=True, **changed_facts):
        """Connects and says hello; the welcome is kept."""
        self.session = session or f"s{time.monotonic_ns()}"
        self.facts = facts(**changed_facts)
        self.dial(path)
        self.line.send("hello", role="agent", name=self.name, session=self.session, software="0.1.0", jvm=self.facts)
        self.welcome = self.line.receive()
        if report and self.welcome["type"] == "welcome":
            self.report()
        return self

    def report(self, **changes):
        fields = {"of": "jvm", "facts": self.facts, "footprint_bytes": self.footprint, "committed_bytes": self.footprint,
                  "used_bytes": self.footprint // 2, "live_bytes": 10 * MIB, "floor_bytes": 20 * MIB, "ceiling_bytes": 4096 * MIB,
                  "non_heap_bytes": 5 * MIB, "balloon_bytes": 0, "balloon_verified_bytes": 0, "releasable_bytes": self.footprint // 2,
                  "curve": [[20 * MIB, 0.5], [4096 * MIB, 0.0]]}
        if self.target is not None:
            fields["target_bytes"] = self.target
        self.line.send("report", **{**fields, **changes})

    def expect(self, kind, within=5.0):
        """The next message of this kind; lease renewals are passed over."""
        while True:
            message = self.line.receive(within)
            if message["type"] == kind:
                return message
            expect(message["type"] == "lease", f"{kind} was expected, not {message}")

    def carry_out(self, order, mib=None):
        """Gives memory back for real, all that was asked or so many MiB, and answers."""
        asked = max(0, self.footprint - order["target_bytes"])
        given = asked if mib is None else mib * MIB
        self.tell(free_mib=given // MIB)
        self.footprint -= given
        self.target = order["target_bytes"] if order["target_bytes"] < 4096 * MIB else None
        self.answer(order, asked, given, "met" if given >= asked else "deadline")
        self.report()

    def answer(self, order, asked, obtained, reason, rest="kept"):
        self.line.send("result", session=self.session, op=order["op"], asked_bytes=asked, obtained_bytes=obtained,
                       shortfall_bytes=max(0, asked - obtained), reason=reason, rest=rest, elapsed_ms=10)

    def close(self):
        if self.line:
            self.line.close()
        self._door.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kill(self):
        """The process dies at once; its connection is held open by the test until dropped, as if its end were not noticed."""
        self._process.kill()
        self._process.wait()


class FakeHost:
    """hostd's end of the guest link. `last_words` tells what the other end was doing, should it not come."""

    def __init__(self, path, last_words=lambda: ""):
        self.path, self.line, self.session, self._last_words = path, None, None, last_words
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._door.bind(path)
        self._door.listen(8)
        self._door.settimeout(PATIENCE)

    def accept(self, lease_ms=30_000):
        try:
            accepted, _ = self._door.accept()
        except TimeoutError:
            raise AssertionError(f"no guestd came within {PATIENCE:.0f} s; {self._last_words()}") from None
        self.line = Connection(accepted)
        self.hello = self.line.receive(PATIENCE)
        self.session = self.hello["session"]
        self.line.send("welcome", self.hello["id"], session=self.session, name=self.hello["name"], lease_ms=lease_ms)
        return self

    def apply(self, op, targets, session=None, deadline_ms=3000, **fields):
        self.line.send("apply", session=session or self.session, op=op, deadline_ms=deadline_ms,
                       jvms=[{"jvm": name, "target_bytes": target} for name, target in targets.items()], **fields)

    def expect(self, kind, within=5.0, matching=lambda message: True):
        until = time.monotonic() + within
        while True:
            message = self.line.receive(max(0.01, until - time.monotonic()))
            if message["type"] == kind and matching(message):
                return message

    def hang_up(self):
        self.line.close()

    def close(self):
        if self.line:
            self.line.close()
        self._door.close()
        if os.path.exists(self.path):
            os.unlink(self.path)


def doing(process):
    """What each thread of a process does, in the kernel's words: its state, and what it waits in (0: nothing)."""
    if process.poll() is not None:
        return f"has ended (exit code {process.returncode})"
    threads = []
    for task in os.listdir(f"/proc/{process.pid}/task"):
        try:
            with open(f"/proc/{process.pid}/task/{task}/status", encoding="ascii", errors="replace") as status, \
                    open(f"/proc/{process.pid}/task/{task}/wchan", encoding="ascii") as wchan:
                state = next(line.split(maxsplit=1)[1].strip() for line in status if line.startswith("State:"))
                threads.append(f"{state} {wchan.read()}")
        except OSError:  # it has just ended
            continue
    return "runs: " + ", ".join(threads)


class Bed:
    """The daemon and everything around it; ends it all when left."""

    def __init__(self, *options, config=None, start=True):
        self.directory = tempfile.mkdtemp(prefix="aerostat-guestd-")
        os.chmod(self.directory, 0o755)
        self.runtime = os.path.join(self.directory, "run")
        self.options, self.daemon, self._closing = list(options), None, []
        if config is not None:
            file = os.path.join(self.directory, "guestd.toml")
            with open(file, "w", encoding="utf-8") as out:
                out.write(config)
            self.options += ["--config", file]
        if start:
            self.start()

    @property
    def agent_socket(self):
        return os.path.join(self.runtime, "agent.sock")

    @property
    def control_socket(self):
        return os.path.join(self.runtime, "control.sock")

    def arguments(self):
        return [GUESTD, "--runtime-dir", self.runtime, "--name", "guest", *self.options]

    def launch(self):
        """Starts the daemon and does not wait for it."""
        with open(self.log_file, "ab") as log:
            self.daemon = subprocess.Popen(self.arguments(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def start(self):
        self.launch()
        wait_until(lambda: self.answers() or self.daemon.poll() is not None, PATIENCE, "the daemon to serve")
        expect(self.daemon.poll() is None, "the daemon ended:\n" + self.log())

    def answers(self):
        try:
            with Connection.to(self.agent_socket), Connection.to(self.control_socket):
                return True
        except OSError:
            return False

    def end(self, number=signal.SIGTERM):
        self.daemon.send_signal(number)
        return self.daemon.wait(PATIENCE)

    @property
    def log_file(self):
        return os.path.join(self.directory, "log")

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as file:
            return file.read()

    def last_words(self):
        """Whether the daemon runs, what it waits for in the kernel, and the end of its log."""
        return f"it {doing(self.daemon)}, and its log ends:\n{tail(self.log_file)}"

    def host(self):
        return self.keep(FakeHost(os.path.join(self.directory, "host.sock"), self.last_words))

    def jvm(self, name, hold_mib=0, **options):
        return self.keep(FakeJvm(name, hold_mib)).connect(self.agent_socket, **options)

    def operator(self):
        return self.keep(Connection.to(self.control_socket))

    def ask(self, command, **fields):
        with Connection.to(self.control_socket) as operator:
            return operator.ask(command, **fields)

    def status(self):
        return self.ask("status")["status"]

    def jvms(self):
        return {jvm["report"]["name"]: jvm for jvm in self.status()["guests"][0]["jvms"]}

    def wait_for_report(self, jvm):
        """Until the daemon has this JVM's last report."""
        name = jvm.welcome["name"]
        wait_until(lambda: self.jvms().get(name, {}).get("report", {}).get("footprint_bytes") == jvm.footprint, 5, f"a report of {name}")

    def keep(self, thing):
        self._closing.append(thing)
        return thing

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for thing in reversed(self._closing):
            thing.close()
        if self.daemon and self.daemon.poll() is None:
            self.daemon.kill()
            self.daemon.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def main(tests):
    if not os.path.exists(GUESTD):
        raise SystemExit(f"{GUESTD} is not built (AEROSTAT_BUILD names the build directory)")
    sys.exit(run_all([(test.__name__, test) for test in tests]))
