"""A host with fake guests: aerostat-hostd over a directory of its own, guests that really hold memory, an operator."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)), "support"))

import aerowire  # noqa: E402
from checks import expect, wait_until  # noqa: E402
from harness import MIB, built  # noqa: E402

CONFIG = """[host]
backend = "local"
memory = "{memory}MiB"
emergency_reserve = "{reserve}MiB"
runtime_dir = "{run}"
mode = "{mode}"
{host_extra}
[policy]
{policy}
{guests}
"""


class Guest:
    """fake_guest.py in a session of its own."""

    def __init__(self, host, name, behaviour="honest", own_session=True, **heaps):
        self.name, self.messages, self._lock = name, [], threading.Lock()
        specs = [f"{jvm}={':'.join(str(int(n)) for n in numbers)}" for jvm, numbers in heaps.items()]
        self.process = subprocess.Popen(
            [sys.executable, "-S", os.path.join(HERE, "fake_guest.py"), host.path("run", "guest.sock"), name, behaviour, *specs],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=own_session)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            with self._lock:
                self.messages.append(json.loads(line))

    def heard(self, kind):
        with self._lock:
            return [message for message in self.messages if message["type"] == kind]

    def tell(self, command):
        """Gives an order and waits until it has been carried out."""
        before = len(self.heard("done"))
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        wait_until(lambda: len(self.heard("done")) > before, 10, f"{self.name} to do: {command}")

    def end(self, number=signal.SIGKILL):
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait()
        self.process.stdin.close()


class Host:
    """Use as a context: everything started is ended, by its own pid."""

    def __init__(self, memory=600, reserve=64, mode="act", guests='[guest."*"]\n', policy="", host_extra=""):
        self.directory = tempfile.mkdtemp(prefix="hostd-test-")
        self.values = dict(memory=memory, reserve=reserve, mode=mode, guests=guests, policy=policy, host_extra=host_extra)
        self.daemon, self.guests = None, []
        self.configure()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        for guest in self.guests:
            guest.end()
        if self.daemon and self.daemon.poll() is None:
            self.daemon.terminate()
            self.daemon.wait(10)
        shutil.rmtree(self.directory, ignore_errors=True)

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def configure(self, **changes):
        self.values.update(changes)
        with open(self.path("hostd.toml"), "w", encoding="utf-8") as file:
            file.write(CONFIG.format(run=self.path("run"), **self.values))

    def start(self):
        with open(self.path("log"), "a", encoding="utf-8") as log:
            self.daemon = subprocess.Popen([built("bin", "aerostat-hostd"), "--config", self.path("hostd.toml")], stderr=log)
        wait_until(self._answers, 10, "hostd to answer\n" + self.log())

    def _answers(self):
        expect(self.daemon.poll() is None, "hostd ended: " + self.log())
        try:
            self.status()
            return True
        except (OSError, aerowire.WireError):
            return False

    def kill(self):
        self.daemon.kill()
        self.daemon.wait()

    def log(self):
        with open(self.path("log"), encoding="utf-8") as file:
            return file.read()

    def guest(self, name, behaviour="honest", own_session=True, **heaps):
        """heaps: JVM=(footprint MiB, floor MiB, ceiling MiB, K)."""
        bytes_of = {jvm: (f * MIB, low * MIB, high * MIB, k) for jvm, (f, low, high, k) in heaps.items()}
        self.guests.append(Guest(self, name, behaviour, own_session, **bytes_of))
        return self.guests[-1]

    def ask(self, command, within=30.0, **fields):
        with aerowire.Connection.to(self.path("run", "control.sock")) as connection:
            return connection.ask(command, within=within, **fields)

    def status(self):
        return self.ask("status")["status"]

    def view(self, name):
        """The guest's row in status; None if it is not there."""
        return next((guest for guest in self.status()["guests"] if guest["name"] == name), None)

    def jvm(self, guest, jvm):
        view = self.view(guest)
        return next((one for one in view["jvms"] if one["report"]["name"] == jvm), None) if view else None

    def wait_joined(self, *names):
        wait_until(lambda: all((self.view(name) or {}).get("jvms") for name in names), 10, f"{names} to join")

    def wait_shared_out(self, capacity):
        """Guests come with what they hold; one that was alone may still be entitled to what they brought. Waits until all
        targets in force fit, with what the guests hold outside their heaps."""
        def fits():
            guests = self.status()["guests"]
            heaps = [(jvm.get("target_bytes", jvm["report"]["ceiling_bytes"])) for guest in guests for jvm in guest["jvms"]]
            return sum(heaps) + sum(guest["fixed_bytes"] for guest in guests) <= capacity
        wait_until(fits, 20, f"targets that fit into {capacity}; now {self.status()}")

    def wait_target(self, guest, jvm, condition, what, within=20):
        def met():
            row = self.jvm(guest, jvm)
            return row and condition(row.get("target_bytes", row["report"]["ceiling_bytes"]), row["report"]["footprint_bytes"])
        wait_until(met, within, f"{guest}/{jvm}: {what}; now {self.jvm(guest, jvm)}")

    def wait_log(self, text, within=10):
        wait_until(lambda: text in self.log(), within, f"\"{text}\" in the log:\n{self.log()}")


def pss_of_session(session):
    """What all processes of a session hold, by the kernel's books."""
    total = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
                if int(file.read().rsplit(")", 1)[1].split()[3]) != session:
                    continue
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                total += sum(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))
        except (OSError, ValueError):
            continue
    return total
