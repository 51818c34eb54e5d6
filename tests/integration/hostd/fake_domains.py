"""Many domains of libvirt's test driver, each with a process that stands in for its QEMU and a guest that reports once a second
through its channel: hostd with backend "libvirt" cannot tell them from real ones, except by what they hold."""

import json
import os
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)), "support"))

import aerowire  # noqa: E402
from checks import Skip, expect, wait_until  # noqa: E402
from harness import GIB, MIB, built  # noqa: E402

RAM = 1 * GIB
NODE = "<node>{domains}</node>\n"
DOMAIN = """<domain type='test'><name>{name}</name><uuid>{uuid}</uuid><memory unit='b'>{ram}</memory><currentMemory unit='b'>{ram}</currentMemory>
<vcpu>1</vcpu><os><type>hvm</type></os><devices>
<channel type='unix'><source mode='bind' path='{socket}'/><target type='virtio' name='org.aerostat.guest.0'/></channel>
<memballoon model='virtio' autodeflate='on' freePageReporting='on'/></devices></domain>
"""
CONFIG = """[host]
backend = "libvirt"
uri = "test://{node}"
memory = "{memory}MiB"
emergency_reserve = "256MiB"
runtime_dir = "{run}"
mode = "act"
{extra}
[guest."*"]
"""


def compile_c(source, target, *options):
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        raise Skip("no C compiler")
    subprocess.run([compiler, "-O1", *options, "-o", target, os.path.join(HERE, source)], check=True)
    return target


class FakeGuest:
    """One end of a channel: QEMU's socket, and the guestd behind it, whose heap obeys at once."""

    def __init__(self, name, path, heap):
        self.name, self.heap, self.ceiling, self.floor, self.target, self.session = name, heap, heap, heap // 8, None, ""
        self.door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.door.bind(path)
        self.door.listen(4)
        self.line, self.buffer, self.next_report, self.count = None, b"", 0.0, 0

    def send(self, kind, **fields):
        try:
            self.line.sendall(aerowire.encode(kind, **fields))
        except OSError:
            pass  # the host has gone; it is accepted again

    def greet(self):
        self.count += 1
        self.session, self.buffer = f"s{self.name}.{self.count}", b""
        self.send("hello", role="guest", name=self.name, session=self.session, software="test")

    def report(self):
        curve = [[self.floor, 0.5], [self.ceiling // 2, 0.05], [self.ceiling, 0.01]]
        jvm = {"name": "shop", "facts": {"java_version": "17", "collector": "G1", "max_heap_bytes": self.ceiling, "initial_heap_bytes": 0,
                                         "can_balloon": True},
               "footprint_bytes": self.heap, "committed_bytes": self.heap, "used_bytes": self.heap // 2, "floor_bytes": self.floor,
               "ceiling_bytes": self.ceiling, "non_heap_bytes": 0, "balloon_bytes": 0, "balloon_verified_bytes": 0, "releasable_bytes": 0,
               "live_bytes": self.floor // 2, "curve": curve}
        if self.target is not None and self.target < self.ceiling:
            jvm["target_bytes"] = self.target
        self.send("report", of="guest", jvms=[jvm], memory_total_bytes=RAM, memory_available_bytes=RAM // 2)

    def obey(self, order):
        if order.get("session") != self.session:
            return
        asked, jvms = 0, []
        for one in order["jvms"]:
            before, self.target = self.heap, one["target_bytes"]
            self.heap = min(self.ceiling, max(self.floor, self.target))
            asked += abs(before - self.heap)
            jvms.append({"jvm": "shop", "before_bytes": before, "after_bytes": self.heap, "asked_bytes": abs(before - self.heap),
                         "obtained_bytes": abs(before - self.heap), "shortfall_bytes": 0, "reason": "met"})
        self.send("result", session=self.session, op=order["op"], asked_bytes=asked, obtained_bytes=asked, shortfall_bytes=0,
                  reason="met", elapsed_ms=1, jvms=jvms)
        self.report()

    def hear(self, data):
        self.buffer += data
        while b"\n" in self.buffer:
            line, self.buffer = self.buffer.split(b"\n", 1)
            message = json.loads(line) if line.strip() else {"type": ""}
            if message["type"] == "apply":
                self.obey(message)


class Domains:
    """Use as a context. Each domain really holds its heap and a quarter more, and holds it whatever it says. `hang`: names of
    domains about which no call of libvirt returns begin with this. `plays`: play() works. `without_process`: names of domains whose
    QEMU cannot be found. `node`: another description of the hypervisor, or one that is not there."""

    def __init__(self, names, heap=64 * MIB, memory=None, extra="", hang=None, plays=False, without_process=(), node=None):
        self.directory = tempfile.mkdtemp(prefix="domains-")
        self.names, self.hang, self.heap = list(names), hang, heap
        self.memory = memory or len(self.names) * (RAM // MIB) * 3 // 4
        self.plays, self.without_process, self.node = plays, without_process, node
        self.extra, self.processes, self.guests, self.daemon = extra, [], [], None
        self._stop = threading.Event()

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.daemon and self.daemon.poll() is None:
            self.daemon.kill()  # calls that hang are left behind as they are
            self.daemon.wait()
        self._stop.set()
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()
        for guest in self.guests:
            guest.door.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _start(self):
        stand_in = compile_c("stand_in.c", self.path("qemu-stand-in"))
        described = []
        for number, name in enumerate(self.names):
            identity, channel = str(uuid.uuid4()), self.path(f"c{number}")
            described.append(DOMAIN.format(name=name, uuid=identity, ram=RAM, socket=channel))
            self.guests.append(FakeGuest(name, channel, self.heap))
            if name in self.without_process:
                continue
            self.processes.append(subprocess.Popen([stand_in, "-uuid", identity, str(RAM), str(self.heap * 5 // 4)], close_fds=False))
        with open(self.path("node.xml"), "w", encoding="utf-8") as file:
            file.write(NODE.format(domains="".join(described)))
        with open(self.path("hostd.toml"), "w", encoding="utf-8") as file:
            file.write(CONFIG.format(node=self.node or self.path("node.xml"), memory=self.memory, run=self.path("run"), extra=self.extra))
        threading.Thread(target=self._play, daemon=True).start()
        environment = dict(os.environ)
        if self.hang:
            preload = compile_c("hang_domain.c", self.path("hang.so"), "-shared", "-fPIC", "-ldl")
            environment.update(LD_PRELOAD=preload, AEROSTAT_TEST_HANG=self.hang)
        if self.plays:
            os.mkfifo(self.path("events"))
            preload = compile_c("play_events.c", self.path("play.so"), "-shared", "-fPIC", "-ldl", "-lpthread")
            environment.update(LD_PRELOAD=preload, AEROSTAT_TEST_EVENTS=self.path("events"))
        with open(self.path("log"), "w", encoding="utf-8") as log:
            self.daemon = subprocess.Popen([built("bin", "aerostat-hostd"), "--config", self.path("hostd.toml")], stderr=log,
                                           env=environment)
        wait_until(self._answers, 60, "hostd to answer")

    def play(self, what, name, mib=0):
        """See play_events.c."""
        with open(self.path("events"), "w", encoding="ascii") as fifo:
            fifo.write(f"{what} {name} {mib}\n")

    def view(self, name):
        return next((guest for guest in self.ask("status")["status"]["guests"] if guest["name"] == name), None)

    def _play(self):
        """All guests, in one thread: hellos, reports, obedience."""
        selector = selectors.DefaultSelector()
        for guest in self.guests:
            selector.register(guest.door, selectors.EVENT_READ, (guest, True))
        while not self._stop.is_set():
            for key, _ in selector.select(0.05):
                guest, is_door = key.data
                if is_door:
                    if guest.line:
                        selector.unregister(guest.line)
                        guest.line.close()
                    guest.line = guest.door.accept()[0]
                    selector.register(guest.line, selectors.EVENT_READ, (guest, False))
                    guest.greet()
                    continue
                try:
                    data = guest.line.recv(65536)
                except OSError:
                    data = b""
                if data:
                    guest.hear(data)
                else:
                    selector.unregister(guest.line)
                    guest.line.close()
                    guest.line = None
            now = time.monotonic()
            for number, guest in enumerate(self.guests):
                if guest.line and now >= guest.next_report:
                    # Spread over the second, as guests are that were not started together.
                    guest.next_report = now + (1.0 if guest.next_report else number / len(self.guests))
                    guest.report()

    def _answers(self):
        expect(self.daemon.poll() is None, "hostd ended: " + self.log())
        try:
            return bool(self.ask("status"))
        except (OSError, aerowire.WireError):
            return False

    def log(self):
        with open(self.path("log"), encoding="utf-8") as file:
            return file.read()

    def ask(self, command, within=60.0, **fields):
        """An answer may come in parts; they are joined."""
        with aerowire.Connection.to(self.path("run", "control.sock")) as connection:
            connection.send("request", message_id="ask", command=command, **fields)
            answer = connection.receive(within)
            while answer.get("more"):
                part = connection.receive(within)
                answer["status"]["guests"] += part["status"]["guests"]
                answer["more"] = part.get("more")
            return answer

    def connected(self):
        return [guest for guest in self.ask("status")["status"]["guests"] if guest["state"] != "silent" and guest.get("jvms")]

    def wait_all_here(self, within):
        wait_until(lambda: len(self.connected()) == len(self.names), within,
                   f"{len(self.names)} guests; {len(self.connected())} are there; the log's last words: {self.log()[-600:]}")
