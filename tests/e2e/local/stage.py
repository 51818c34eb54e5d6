"""One guest with one JVM, with or without a host: what the local end-to-end tests play on."""

import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

from harness import MIB, Trouble, World, compile_java, jdks, wait_for  # noqa: E402

HOST_CONFIG = """
[host]
backend = "local"
memory = "6GiB"
emergency_reserve = "256MiB"
runtime_dir = "{directory}"
mode = "act"

[guest."*"]
min = "64MiB"
"""


def pss(pid):
    """Memory of a process by the kernel's own books."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))


SURELY_ENOUGH = 450 * MIB  # 125 MiB of live data, the agent's margin, and regions that are only partly garbage


class Stage:
    """The guest "orders" with the JVM "app": 125 MiB of live data in a heap that is full of garbage."""

    def __init__(self, with_host, major=None):
        found = jdks()
        home = found[major or min(found)]
        self.directory = tempfile.TemporaryDirectory(prefix="aerostat-e2e-")
        self.world = World(self.directory.name)
        self.with_host = with_host
        try:
            self._start(home)
        except BaseException:
            self.close()
            raise

    def _start(self, home):
        classes = self.world.path("classes")
        compile_java(home, os.path.join(ROOT, "tests", "workloads", "Service.java"), classes)
        if self.with_host:
            self.host_directory = self.world.path("host")
            os.makedirs(self.host_directory, mode=0o755)
            self.host_session = None
            self.start_host()
        self.session = self.world.session()
        self.start_guestd()
        options = ["-Xmx3g", "-Xms64m", "-XX:+UseG1GC", self.world.agent_option("orders", "app")]
        self.jvm = self.world.service(self.session, home, options, "Service", classes, "service")
        self.jvm.next_answer()
        self.jvm.tell("live 125MiB")
        self.fill()
        self.wait_joined()
        self.warm_up()

    def warm_up(self):
        """A collector's first concurrent cycle fills its own books outside the heap, 1/64 of the heap twice: what is then
        obtained in the heap is not all seen from outside. It has that behind it."""
        self.tool.json("squeeze", self.target, "16MiB", "--deadline", "10s")
        self.tool.json("release", self.target)

    def fill(self):
        """Makes the heap large and mostly garbage."""
        self.jvm.tell("garbage 1000MiB", within=120)

    def room(self):
        """What can surely be taken: what is above the floor that the daemon believes in, and above what the JVM needs if cycles
        leave some garbage uncollected. 0 while the JVM is unknown, and while its floor still counts garbage of which no
        collection cycle has shown what it is: that changes within seconds."""
        view = self.jvm_view()
        if not view or view["report"]["floor_bytes"] > 400 * MIB:
            return 0
        return max(0, view["report"]["footprint_bytes"] - max(view["report"]["floor_bytes"], SURELY_ENOUGH))

    def worth_asking(self):
        """An amount that is there to be taken, in whole MiB. A collection that happens to come lets the collector itself
        shrink the heap: then it is filled again."""
        for _ in range(8):
            if self.has_room():
                break
            self.fill()
        wait_for(lambda: self.room() >= 200 * MIB, 10, "200 MiB above the JVM's floor", self.guestd.log)
        return min(400 * MIB, self.room() * 7 // 10) // MIB * MIB

    def has_room(self):
        """A program that is silent for some seconds is asked anew what it needs: waits for that."""
        try:
            return wait_for(lambda: self.room() >= 200 * MIB, 6, "200 MiB above the JVM's floor")
        except Trouble:
            return False

    def start_host(self):
        self.hostd, self.host, self.host_session = self.world.host(HOST_CONFIG.format(directory=self.host_directory), self.host_session)
        wait_for(self.host_answers, 10, "hostd to answer", self.hostd.log)

    def host_answers(self):
        return os.path.exists(self.host.socket) and self.host.run("status")[0] == 0

    def start_guestd(self):
        self.guestd, self.guest = self.world.guest_daemon(self.session, "orders", self.with_host)
        wait_for(lambda: os.path.exists(self.guest.socket) and self.guest.run("status")[0] == 0, 10, "guestd to answer", self.guestd.log)

    @property
    def tool(self):
        return self.host if self.with_host else self.guest

    @property
    def target(self):
        return "orders/app" if self.with_host else "app"

    def jvm_view(self):
        """The JVM as the daemon under test sees it; None while it is unknown."""
        code, status = self.tool.json("jvms")
        views = [jvm for guest in status.get("guests", []) for jvm in guest["jvms"]] if code == 0 else []
        return views[0] if views else None

    def footprint(self):
        view = self.jvm_view()
        return view["report"]["footprint_bytes"] if view else None

    def wait_joined(self):
        wait_for(self.jvm_view, 20, "the JVM to be known to the daemon", self.guestd.log)

    def close(self):
        self.world.close()
        self.directory.cleanup()
