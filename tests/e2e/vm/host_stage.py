"""A hostd on the bed's libvirtd: what the tests that fly through libvirt play on."""

import os
import signal

from harness import MIB, Trouble, World, wait_for

CONFIG = """
[host]
backend = "libvirt"
uri = "{uri}"
memory = "{memory}"
emergency_reserve = "256MiB"
runtime_dir = "{directory}"
mode = "act"
policy = "{policy}"
{more_of_host}
[guest."vm*"]
min = "{minimum}"
{more_of_guests}"""


class HostStage:
    """hostd manages the domains whose names begin with "vm"; others it observes."""

    def __init__(self, bed, label, uri=None, memory="3GiB", policy="price", minimum="256MiB", more_of_host="", more_of_guests=""):
        """`label` names its directory, which ends with the bed. `more_of_…`: further lines of its configuration."""
        self._policy, self._minimum = policy, minimum
        self.world = World(os.path.join(bed.directory, label))
        self._directory = self.world.path("host")
        os.makedirs(self._directory, mode=0o755)
        self._uri = uri or bed.uri
        self._more = {"more_of_host": more_of_host, "more_of_guests": more_of_guests}
        self.set_memory(memory)
        self._session = None
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self):
        """Starts it, again after a kill(), and waits until it answers operators."""
        self.daemon, self.tool, self._session = self.world.host(self._config, self._session)
        wait_for(self._answers, 30, "hostd to answer", self.daemon.log)

    def set_memory(self, memory):
        """The budget from the next start() or reload() on."""
        self._config = CONFIG.format(uri=self._uri, directory=self._directory, memory=memory, policy=self._policy,
                                     minimum=self._minimum, **self._more)

    def reload(self):
        """Has it read its configuration again, as SIGHUP does."""
        self.world.write_host_config(self._config)
        since = len(self.log())
        self.daemon.kill(signal.SIGHUP)
        self.wait_logged("reloaded", since, 30)

    def _answers(self):
        if not self.daemon.is_alive():
            raise Trouble(f"hostd ended\n{self.log()}")
        return os.path.exists(self.tool.socket) and self.tool.run("status")[0] == 0

    def kill(self):
        self.daemon.kill()
        wait_for(lambda: not self.daemon.is_alive(), 10, "hostd to die", self.daemon.log)

    def close(self):
        self.world.close()

    def log(self):
        with open(self.daemon.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def wait_logged(self, text, since, within):
        """Waits until the log says so after its first `since` characters."""
        wait_for(lambda: text in self.log()[since:], within, f"\"{text}\" in hostd's log", self.daemon.log)

    # What it knows.

    def guest(self, name):
        """The guest as hostd sees it; None while it does not know the domain."""
        return next((guest for guest in self.tool.status()["guests"] if guest["name"] == name), None)

    def report(self, name):
        """What the guest's first JVM reports; None unless it is connected and has reported."""
        guest = self.guest(name)
        return guest["jvms"][0]["report"] if guest and guest["state"] == "connected" and guest["jvms"] else None

    def wait_state(self, name, state, within=60):
        """Waits until hostd sees the guest in this state, and returns what it sees."""
        def seen():
            guest = self.guest(name)
            return guest if guest and guest["state"] == state else None
        return wait_for(seen, within, f"{name} to be {state}", self.daemon.log)

    def wait_joined(self, name, within=120):
        return wait_for(lambda: self.report(name), within, f"{name} and its JVM to be known to hostd", self.daemon.log)

    def room(self, name):
        """What can be asked for by hostd's books: what is above the floor. 0 while the JVM is unknown."""
        report = self.report(name)
        return max(0, report["footprint_bytes"] - report["floor_bytes"]) if report else 0

    def wait_room(self, name, mib, within=180):
        """The agent counts much for live until a collection cycle has shown otherwise, or long after the last one."""
        wait_for(lambda: self.room(name) >= mib * MIB, within, f"{mib} MiB above the floor of {name}", self.daemon.log)

    def footprint(self, name):
        """Of the guest's first JVM; without bounds while it is unknown."""
        report = self.report(name)
        return report["footprint_bytes"] if report else float("inf")

    def operations(self):
        code, said = self.tool.json("ops")
        if code != 0:
            raise Trouble(f"ops: {said}")
        return said["operations"]

    def wait_ended(self, op, within):
        """Waits until the operation has ended, and returns it."""
        return wait_for(lambda: next((one for one in self.operations() if one["op"] == op and not one["running"]), None), within,
                        "the operation to end", self.daemon.log)

    def wait_quiet(self, within=180):
        """Waits until the policy has done what it does when a guest joins: its orders would take the place of the test's."""
        wait_for(lambda: not any(one["running"] for one in self.operations()), within, "no operation to run", self.daemon.log)
