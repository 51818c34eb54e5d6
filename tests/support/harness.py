"""Starts what end-to-end tests and the demo need: JDKs, guests in sessions of their own, daemons, services; and ends it all."""

import glob
import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MIB = 1 << 20
GIB = 1 << 30


class Trouble(Exception):
    """Something did not start, answer or end as it should; the message is for people."""


def build_directory():
    return os.path.join(ROOT, os.environ.get("AEROSTAT_BUILD", os.path.join("build", "release")))


def built(*parts):
    """The path of something the build makes, e.g. built("bin", "aerostatctl")."""
    path = os.path.join(build_directory(), *parts)
    if not os.path.exists(path):
        raise Trouble(f"{path} is not built (scripts/setup builds it; AEROSTAT_BUILD names another build directory)")
    return path


def jdks():
    """{major version: home}, from AEROSTAT_JDKS ("path:path") or /usr/lib/jvm."""
    named = os.environ.get("AEROSTAT_JDKS")
    homes = named.split(":") if named else sorted(glob.glob("/usr/lib/jvm/*"))
    found = {}
    for home in homes:
        java = os.path.join(home, "bin", "java")
        if os.path.exists(java):
            text = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
            version = re.search(r'version "(\d+)', text)
            if version:
                found.setdefault(int(version.group(1)), os.path.realpath(home))
    if not found:
        raise Trouble("no JDK found: install one (openjdk-17-jdk-headless), or name them in AEROSTAT_JDKS")
    return found


def compile_java(home, source, directory):
    done = subprocess.run([os.path.join(home, "bin", "javac"), "-d", directory, source], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Trouble(f"compiling {source}:\n{done.stdout}{done.stderr}")


def is_alive(pid):
    """Whether the process runs; one that has ended but was not waited for does not. A leader that is a zombie already may
    have threads that are still dying, with all files open: that counts as running."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            ended = file.read().rsplit(")", 1)[1].split()[0] in "ZX"
        return not ended or len(os.listdir(f"/proc/{pid}/task")) > 1
    except OSError:
        return False


def resident_bytes(pid):
    """Rss of a process by the kernel's own books; 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def tail(path, lines=15):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-lines:])
    except OSError:
        return ""


class GuestSession:
    """A guest of the local backend: one session, its members started by tests/support/guest_session.py."""

    def __init__(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "guest_session.py")
        self._leader = subprocess.Popen([sys.executable, "-I", "-S", program, str(theirs.fileno())], pass_fds=[theirs.fileno()],
                                        start_new_session=True, stdin=subprocess.DEVNULL)
        theirs.close()
        self._door = ours
        self._lock = threading.Lock()

    @property
    def session(self):
        return self._leader.pid

    def _ask(self, message, descriptors=()):
        with self._lock:
            socket.send_fds(self._door, [json.dumps(message).encode()], descriptors)
            data = self._door.recv(65536)
        if not data:
            raise Trouble("the guest's session has ended")
        return json.loads(data)

    def start(self, argv, stdin, stdout, stderr, env=None):
        answer = self._ask({"argv": argv, "env": env or {}}, [stdin.fileno(), stdout.fileno(), stderr.fileno()])
        if "error" in answer:
            raise Trouble(f"starting {argv[0]}: {answer['error']}")
        return answer["pid"]

    def exit_codes(self):
        """{pid: exit code, None while it runs} of everything started here."""
        return {int(pid): code for pid, code in self._ask({})["codes"].items()}

    def close(self):
        self._door.close()
        try:
            self._leader.wait(10)
        except subprocess.TimeoutExpired:
            self._leader.kill()  # its children die with it
            self._leader.wait()


class Daemon:
    """aerostat-guestd or aerostat-hostd, in a guest's session or in one of its own."""

    def __init__(self, session, argv, log):
        self.log = log
        with open(os.devnull, encoding="ascii") as nothing, open(log, "a", encoding="utf-8") as out:
            self.pid = session.start(argv, nothing, out, out)

    def kill(self, number=signal.SIGKILL):
        os.kill(self.pid, number)

    def is_alive(self):
        return is_alive(self.pid)


class Service:
    """A JVM that is steered by lines on its stdin and answers with "WORD key=value…" lines on its stdout."""

    def __init__(self, session, argv, log):
        self.log = log
        read_end, write_end = os.pipe()
        out_read, out_write = os.pipe()
        with open(read_end, "rb") as theirs, open(out_write, "wb") as their_out, open(log, "ab") as errors:
            self.pid = session.start(argv, theirs, their_out, errors)
        self._stdin = open(write_end, "w", encoding="utf-8", buffering=1)
        self._stdout = open(out_read, encoding="utf-8", errors="replace")
        self._answers = queue.Queue()
        self.latest = {}  # the last line of each kind
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._stdout:
            words = line.split()
            if not words:
                continue
            values = dict(pair.split("=", 1) for pair in words if "=" in pair)
            self.latest[words[0]] = values
            if words[0] in ("ready", "done"):
                self._answers.put((line.strip(), values))
        self._answers.put(None)

    def order(self, command):
        """Sends a command without waiting for its answer, which next_answer() gives."""
        try:
            self._stdin.write(command + "\n")
        except (BrokenPipeError, ValueError) as error:
            raise Trouble(f"the service ended:\n{tail(self.log)}") from error

    def next_answer(self, within=30):
        try:
            answer = self._answers.get(timeout=within)
        except queue.Empty as error:
            raise Trouble(f"the service did not answer within {within} s\n{tail(self.log)}") from error
        if answer is None:
            raise Trouble(f"the service ended:\n{tail(self.log)}")
        return answer[1]

    def tell(self, command, within=30):
        self.order(command)
        return self.next_answer(within)

    def is_alive(self):
        return is_alive(self.pid)

    def close(self):
        try:
            self._stdin.close()
        except OSError:
            pass


class Tool:
    """aerostatctl at one socket."""

    def __init__(self, path):
        self.socket = path

    def run(self, *words, within=60):
        """(exit code, stdout, stderr)."""
        done = subprocess.run([built("bin", "aerostatctl"), "--socket", self.socket, *words], capture_output=True, text=True,
                              timeout=within, check=False, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout, done.stderr

    def json(self, *words, within=60):
        """(exit code, the document)."""
        code, out, err = self.run(*words, "--json", within=within)
        try:
            return code, json.loads(out)
        except ValueError as error:
            raise Trouble(f"aerostatctl {' '.join(words)}: exit {code}: {out}{err}") from error

    def status(self):
        code, document = self.json("status")
        if code != 0:
            raise Trouble(f"status: {document}")
        return document


def wait_for(condition, within, what, log=None):
    """Waits until condition() gives something true and returns it."""
    until = time.monotonic() + within
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > until:
            raise Trouble(f"waited {within} s for {what}" + (f"\n{tail(log)}" if log else ""))
        time.sleep(0.02)


class World:
    """Everything started for one test or demo, in one directory; close() ends it all in good order."""

    def __init__(self, directory):
        self.directory = directory
        self.sessions, self.services, self.logs = [], [], []

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def log(self, name):
        self.logs.append(self.path(name + ".log"))
        return self.logs[-1]

    def session(self):
        self.sessions.append(GuestSession())
        return self.sessions[-1]

    def host(self, config, session=None):
        """Starts a hostd with this configuration text; returns (daemon, tool, its session)."""
        session = session or self.session()
        file = self.write_host_config(config)
        daemon = Daemon(session, [built("bin", "aerostat-hostd"), "--config", file], self.log("hostd"))
        return daemon, Tool(self.path("host", "control.sock")), session

    def write_host_config(self, config):
        """Writes what hostd reads at its start, and when it is told to reload; returns the file's path."""
        file = self.path("hostd.toml")
        with open(file, "w", encoding="utf-8") as out:
            out.write(config)
        return file

    def guest_daemon(self, session, name, host=True):
        """Starts a guestd in the session; returns (daemon, tool)."""
        runtime = self.path(name)
        os.makedirs(runtime, mode=0o755, exist_ok=True)
        argv = [built("bin", "aerostat-guestd"), "--runtime-dir", runtime, "--name", name]
        if host:
            argv += ["--host", "unix:" + self.path("host", "guest.sock")]
        return Daemon(session, argv, self.log("guestd-" + name)), Tool(os.path.join(runtime, "control.sock"))

    def service(self, session, home, jvm_options, main, classes, log, arguments=()):
        argv = [os.path.join(home, "bin", "java"), *jvm_options, "-cp", classes, main, *arguments]
        self.services.append(Service(session, argv, self.log(log)))
        return self.services[-1]

    def agent_option(self, guest, name):
        return f"-agentpath:{built('lib', 'libaerostat-jvm.so')}=runtime-dir={self.path(guest)},name={name}"

    def close(self):
        for service in self.services:
            service.close()
        for session in reversed(self.sessions):
            session.close()
        self.services, self.sessions = [], []
