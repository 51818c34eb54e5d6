"""The harness's end of the test channel: commands in the guest, a Service JVM there. The other end: guest/control_agent.cpp."""

import itertools
import queue
import socket
import struct
import threading
import time

from harness import Tool, Trouble

HEADER = struct.Struct("<IcI")


class Job:
    """A command in the guest: what it says, and how it ended. It may have been started before the guest was saved."""

    def __init__(self, shell, number):
        self.number = number
        self._shell = shell
        self._out, self._err = bytearray(), bytearray()
        self._code = None
        self._changed = threading.Condition()
        self._taken = 0  # bytes of lines already given out

    def heard(self, kind, body):
        with self._changed:
            if kind == b"O":
                self._out += body
            elif kind == b"E":
                self._err += body
            else:
                self._code = struct.unpack("<i", body)[0]
            self._changed.notify_all()

    def write(self, data):
        self._shell.send(self.number, b"I", data)

    def close_stdin(self):
        self._shell.send(self.number, b"I", b"")

    def signal(self, number):
        """Sends a signal to the command's session, i.e. to it and to all it has started."""
        self._shell.send(self.number, b"K", bytes([number]))

    @property
    def code(self):
        """The exit code (128 + signal for a violent end); None while it runs."""
        return self._code

    def lost(self):
        """Whether nothing more can be heard of it."""
        return self._shell.lost

    @property
    def errors(self):
        return self._err.decode(errors="replace")

    def _wait(self, condition, within, what):
        until = time.monotonic() + within
        with self._changed:
            while not condition():
                if self._shell.lost:
                    raise Trouble(f"{what}: the connection to the guest ended\n{self._shell.evidence()}")
                if not self._changed.wait(min(1.0, until - time.monotonic())) and time.monotonic() > until:
                    raise Trouble(f"waited {within} s for {what}\n{self.errors[-2000:]}{self._shell.evidence()}")

    def wait(self, within):
        """(exit code, stdout, stderr), as soon as it has ended."""
        self._wait(lambda: self._code is not None, within, "a command in the guest to end")
        return self._code, self._out.decode(errors="replace"), self.errors

    def next_line(self, within):
        """The next line of its stdout; None when it has ended and there is none."""
        def at_hand():
            return self._code is not None or self._out.find(b"\n", self._taken) >= 0
        self._wait(at_hand, within, "an answer of a command in the guest")
        end = self._out.find(b"\n", self._taken)
        if end < 0:
            return None
        line = self._out[self._taken:end].decode(errors="replace")
        self._taken = end + 1
        return line


class GuestShell:
    """One connection to a guest's test channel. Any thread; commands run side by side."""

    def __init__(self, path, evidence=lambda: "", first_job=1):
        self.evidence = evidence  # a text for error messages: the console's last words
        self.lost = False
        self._path = path
        self._jobs = {}
        self._numbers = itertools.count(first_job)
        self._lock = threading.Lock()
        self._hello = queue.Queue()
        self._socket = None

    def connect(self, within=60):
        """Connects and waits for the guest's answer."""
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(self._path)  # QEMU listens from its start on
        threading.Thread(target=self._read, daemon=True).start()
        until = time.monotonic() + within
        for token in itertools.count():
            # Said before the guest listens it is kept for it, but a guest that is just being restored may lose it.
            self.send(0, b"H", b"%d" % token)
            try:
                self._hello.get(timeout=1)
                return
            except queue.Empty:
                pass
            if self.lost or time.monotonic() > until:
                raise Trouble(f"the guest did not answer within {within} s\n{self.evidence()}")

    def close(self):
        if self._socket:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self._socket.close()
        self.lost = True

    def send(self, number, kind, body):
        try:
            with self._lock:
                self._socket.sendall(HEADER.pack(number, kind, len(body)) + body)
        except OSError as error:
            self.lost = True
            raise Trouble(f"the connection to the guest ended ({error})\n{self.evidence()}") from error

    def _read(self):
        received = bytearray()
        while True:
            try:
                data = self._socket.recv(1 << 16)
            except OSError:
                data = b""
            if not data:
                self.lost = True
                return
            received += data
            while len(received) >= HEADER.size:
                number, kind, length = HEADER.unpack_from(received)
                if len(received) < HEADER.size + length:
                    break
                body = bytes(received[HEADER.size:HEADER.size + length])
                del received[:HEADER.size + length]
                if kind == b"H":
                    self._hello.put(body)
                elif number in self._jobs:
                    self._jobs[number].heard(kind, body)

    def start(self, line):
        """Starts a shell line; returns its Job."""
        with self._lock:
            number = next(self._numbers)
            job = self._jobs[number] = Job(self, number)
        self.send(number, b"S", line.encode())
        return job

    def known_job(self, number):
        """The Job of a command that was running when the guest was saved."""
        return self._jobs.setdefault(number, Job(self, number))

    def next_number(self):
        return next(self._numbers)

    def try_run(self, line, within=60):
        """(exit code, stdout, stderr) of a shell line."""
        job = self.start(line)
        job.close_stdin()
        done = job.wait(within)
        del self._jobs[job.number]
        return done

    def run(self, line, within=60):
        """The output of a shell line that must succeed."""
        code, out, err = self.try_run(line, within)
        if code != 0:
            raise Trouble(f"in the guest, {line}: exit {code}\n{out}{err}")
        return out


class GuestTool(Tool):
    """aerostatctl inside a guest."""

    def __init__(self, shell, path="/run/aerostat/control.sock"):
        super().__init__(path)
        self._shell = shell

    def run(self, *words, within=60):
        quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
        return self._shell.try_run(f"aerostatctl --socket {self.socket} {quoted}", within)


class GuestService:
    """The Service workload in a guest; the same to its user as harness.Service."""

    def __init__(self, job, name, pid=None):
        self.job, self.name, self.pid = job, name, pid  # the pid is the guest's

    def order(self, command):
        """Sends a command without waiting for its answer, which next_answer() gives."""
        self.job.write(command.encode() + b"\n")

    def next_answer(self, within=60):
        while True:
            line = self.job.next_line(within)
            if line is None:
                raise Trouble(f"the service {self.name} ended with {self.job.code}\n{self.job.errors[-2000:]}")
            words = line.split()
            if words and words[0] in ("ready", "done"):
                return dict(word.split("=", 1) for word in words if "=" in word)

    def tell(self, command, within=60):
        self.order(command)
        return self.next_answer(within)

    def is_alive(self):
        return self.job.code is None

    def kill(self, number=9):
        self.job.signal(number)
