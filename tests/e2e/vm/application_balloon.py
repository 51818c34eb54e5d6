"""Both ends of an application balloon, driven by a test: aerostat-balloon in a guest, aerostat-punch on the host."""

import dataclasses
import os
import re
import socket
import subprocess
import tempfile
import time

from cache import cached, hash_of, politely
from harness import MIB, Trouble, built, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
PIECE = 2 * MIB
# All that its unit leaves of root's rights.
RIGHTS = ["setpriv", "--bounding-set", "-all,+sys_ptrace,+dac_read_search", "--"]


def probe():
    """The test's own program for guests."""
    source = os.path.join(HERE, "guest", "balloon_probe.cpp")
    directory = cached("probe", hash_of(("file", source)), lambda made: politely(
        "g++", "-std=c++20", "-O2", "-Wall", "-Wextra", "-static", source, "-o", os.path.join(made, "balloon-probe")))
    return os.path.join(directory, "balloon-probe")


def put(vm, path, to):
    """Brings a program into the guest: into its memory, like all that it writes."""
    with tempfile.NamedTemporaryFile() as small:
        politely("strip", "--strip-debug", "-o", small.name, path)
        with open(small.name, "rb") as file:
            job = vm.shell.start(f"cat >{to} && chmod +x {to}")
            while data := file.read(256 << 10):
                job.write(data)
    job.close_stdin()
    code, _, errors = job.wait(60)
    if code != 0:
        raise Trouble(f"{path} did not come into the guest: {errors}")


def furnish(vm):
    """Brings balloon, probe and the library that the guest's image lacks."""
    vm.run("mkdir -p /run/balloon /run/huge && mount -t hugetlbfs huge /run/huge")
    put(vm, probe(), "/run/balloon/probe")
    put(vm, built("bin", "aerostat-balloon"), "/run/balloon/aerostat-balloon")
    for library in re.findall(r"=> (/\S+)", politely("ldd", built("bin", "aerostat-balloon"))):
        name = os.path.basename(library)
        if vm.try_run(f"find / -xdev -name '{name}' | grep -q .")[0] != 0:
            put(vm, os.path.realpath(library), f"/run/balloon/{name}")


class Kept:
    """Memory of the guest with known bytes."""

    def __init__(self, vm, mib):
        self.job = vm.shell.start(f"exec /run/balloon/probe keep {mib}")
        if self.job.next_line(120) != "ready":
            raise Trouble(f"the guest does not keep {mib} MiB: {self.job.errors}")

    def check(self):
        """(bytes looked at, bytes lost), every byte."""
        self.job.write(b"check\n")
        words = self.job.next_line(120).split()
        return int(words[1]), int(words[3])

    def end(self):
        self.job.signal(9)
        self.job.wait(30)


class Balloon:
    """aerostat-balloon in the guest and a connection to it."""

    def __init__(self, vm, huge_pages):
        self.vm = vm
        where = "/run/huge" if huge_pages else "none"
        vm.run("rm -rf /run/ab && mkdir -m 0755 /run/ab")
        self.job = vm.shell.start("LD_LIBRARY_PATH=/run/balloon exec /run/balloon/aerostat-balloon --runtime-dir /run/ab "
                                  f"--huge-pages {where} 2>>/run/log/balloon.log")
        wait_for(self._listens, 30, "aerostat-balloon to listen")
        self.line = vm.shell.start("exec /run/balloon/probe line /run/ab/balloon.sock")
        self._number = 0
        words = self.ask("state")
        self.method, self.secret = words[2], words[3]

    def _listens(self):
        if self.job.code is not None:
            raise Trouble(f"aerostat-balloon ended\n{self.log()}")
        return self.vm.try_run("test -S /run/ab/balloon.sock")[0] == 0

    def log(self):
        return self.vm.run("cat /run/log/balloon.log")

    def ask(self, verb, *words):
        self._number += 1
        self.line.write(" ".join([verb, str(self._number), *map(str, words)]).encode() + b"\n")
        answer = self.line.next_line(120)
        if answer is None:
            raise Trouble(f"aerostat-balloon is gone\n{self.log()}")
        if answer.startswith("refused"):
            raise Trouble(answer)
        return answer.split()

    def inflate(self, pieces):
        """The frames that it says it holds."""
        return [int(word) for word in self.ask("inflate", pieces)[2:]]

    def settle(self, frames):
        return int(self.ask("settle", *frames)[2])

    def deflate(self, pieces):
        return int(self.ask("deflate", pieces)[2])

    def held(self):
        """(settled, unsettled) pieces."""
        words = self.ask("state")
        return int(words[4]), int(words[5])

    def end(self, number=15):
        self.job.signal(number)
        self.job.wait(30)
        self.line.signal(9)
        self.line.wait(30)


@dataclasses.dataclass
class Result:
    freed: int
    checked: int
    wrong: int
    outside: int
    paused_us: int
    taken: list


class Punch:
    """aerostat-punch on the host and a connection to it. Adds up what it did."""

    def __init__(self, uri, directory):
        self.directory, self._uri = directory, uri
        os.makedirs(directory, mode=0o755, exist_ok=True)
        self.pieces = self.wrong = self.checked = self.longest_us = self._number = 0
        self.start()

    def start(self):
        log = open(os.path.join(self.directory, "punch.log"), "ab")
        with log:
            command = [*RIGHTS, built("bin", "aerostat-punch"), "--runtime-dir", self.directory, "--uri", self._uri]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._socket = wait_for(self._connect, 30, "aerostat-punch to listen", log.name)
        self._answers = self._socket.makefile("r", encoding="ascii")

    def _connect(self):
        if self.process.poll() is not None:
            raise Trouble("aerostat-punch ended\n" + self.log())
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(os.path.join(self.directory, "punch.sock"))
        except OSError:
            connection.close()
            return None
        return connection

    def log(self):
        with open(os.path.join(self.directory, "punch.log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def tell(self, line):
        self._socket.sendall(line.encode() + b"\n")

    def hear(self):
        """The next answer, to whatever was told."""
        return self._answers.readline().strip()

    def say(self, line):
        """The answer to a line."""
        self.tell(line)
        return self.hear()

    def order(self, uuid, secret, frames, within=60):
        """The line of an order that is good for so many seconds."""
        self._number += 1
        until = int((time.monotonic() + within) * 1000)
        return " ".join(["punch", str(self._number), str(until), uuid, secret, *map(str, frames)])

    def take(self, uuid, secret, frames):
        """A Result; the sentence of a refusal."""
        answer = self.say(self.order(uuid, secret, frames))
        words = answer.split()
        if words[0] != "punched":
            return answer
        done = Result(*map(int, words[2:7]), [int(word) for word in words[7:]])
        self.pieces += len(done.taken)
        self.wrong += done.wrong
        self.checked += done.checked
        self.longest_us = max(self.longest_us, done.paused_us)
        return done

    def end(self, number=15):
        self._socket.close()
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(30)


class Daemons:
    """Both ends as services, for hostd and guestd to drive: aerostat-balloon and guestd in the guest, aerostat-punch outside."""

    GUESTD = '[os]\\napplication_balloon = true\\napplication_balloon_dir = "/run/ab"\\n'
    GUEST_KEYS = "application_balloon = true\n"

    def __init__(self, bed, label):
        self.directory = os.path.join(bed.directory, f"punch-{label}")
        self.punch = Punch(bed.uri, self.directory)
        self.host_keys = f'punch_dir = "{self.directory}"\n'

    def start_in(self, vm, huge_pages="none"):
        """Brings aerostat-balloon into the guest and starts it, and a guestd that passes on what it is told."""
        furnish(vm)
        vm.run(f"printf '{self.GUESTD}' >/run/guestd.toml && mkdir -m 0755 /run/ab")
        self.start_balloon(vm, huge_pages)
        vm.start_guestd(options="--config /run/guestd.toml")

    def start_balloon(self, vm, huge_pages="none"):
        self.balloon = vm.shell.start("LD_LIBRARY_PATH=/run/balloon exec /run/balloon/aerostat-balloon --runtime-dir /run/ab "
                                      f"--huge-pages {huge_pages} 2>>/run/log/balloon.log")
        wait_for(lambda: vm.try_run("test -S /run/ab/balloon.sock")[0] == 0, 60, "aerostat-balloon to listen")

    def punched(self):
        """(frames taken, pages without the pattern, longest stop of the guest in ms), by aerostat-punch's log."""
        done = re.findall(r"punched uuid=\S+ pieces=(\d+) .*wrong_pages=(\d+) .*paused_us=(\d+)", self.punch.log())
        return (sum(int(one[0]) for one in done), sum(int(one[1]) for one in done),
                max((int(one[2]) for one in done), default=0) / 1000)

    def end(self):
        self.punch.end()


def held_by_host(vm):
    """Host memory behind the guest's RAM, huge pages included: the size of QEMU's memfd."""
    folder = f"/proc/{vm.qemu_pid}/fd"
    sizes = [os.stat(os.path.join(folder, name)).st_blocks * 512 for name in os.listdir(folder)
             if os.readlink(os.path.join(folder, name)).startswith("/memfd:")]
    if len(sizes) != 1:
        raise Trouble(f"QEMU {vm.qemu_pid} has {len(sizes)} memfds open, not one")
    return sizes[0]
