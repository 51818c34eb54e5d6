"""A container that programs share: a memory cgroup, and the kernel's word of how much they stall for want of memory."""

import os
import signal
import subprocess
import sys
import time

UNIFIED = "/sys/fs/cgroup/unified"  # where a machine of version 1 mounts version 2: no memory controller, but pressure files
ACTOR = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "workloads", "container_actor.py")


class ContainerGuest:
    """`cgroup`: a tests/soak MemoryCgroup, which goes with it."""

    def __init__(self, cgroup, size):
        self.cgroup, self.programs = cgroup, []
        cgroup.limit(size)
        self._places, self._own_pressure = [cgroup.path], None
        self.pressure = os.path.join(cgroup.path, "memory.pressure")
        if not os.path.exists(self.pressure):
            self._own_pressure = os.path.join(UNIFIED, os.path.basename(cgroup.path))
            self.pressure = os.path.join(self._own_pressure, "memory.pressure")
            os.mkdir(self._own_pressure)
            self._places.append(self._own_pressure)

    @staticmethod
    def why_not(cgroup):
        """Absent where stalls of one container can be seen."""
        in_own = os.path.exists(os.path.join(cgroup.path, "memory.pressure"))
        return None if in_own or os.path.exists(os.path.join(UNIFIED, "cgroup.procs")) else "needs pressure by cgroup (version 2)"

    def start(self, argv):
        """A program that begins its life in the container, steered by lines."""
        enter = " && ".join(f'echo $$ >"{place}/cgroup.procs"' for place in self._places)
        self.programs.append(subprocess.Popen(["sh", "-c", enter + ' && exec "$@"', "sh", *argv], stdin=subprocess.PIPE,
                                              stdout=subprocess.PIPE, text=True))
        return self.programs[-1]

    def actor(self, *words):
        """One of container_actor.py's; ready when this returns."""
        program = self.start([sys.executable, "-I", "-S", ACTOR, *map(str, words)])
        if program.stdout.readline().strip() != "ready":
            raise SystemExit(f"the program {words} did not begin")
        return program

    def stat(self, name):
        with open(os.path.join(self.cgroup.path, "memory.stat"), encoding="ascii") as file:
            return int(dict(line.split() for line in file)[name])

    def stalled(self):
        """Seconds in which some task stalled, since the container began."""
        with open(self.pressure, encoding="ascii") as file:
            return int(file.readline().split("total=")[1]) / 1e6

    def stall_rate(self, seconds, settle=0.0):
        time.sleep(settle)
        before, began = self.stalled(), time.monotonic()
        time.sleep(seconds)
        return (self.stalled() - before) / (time.monotonic() - began)

    def close(self):
        for program in self.programs:
            program.send_signal(signal.SIGKILL)
            program.communicate()
        if self._own_pressure:
            os.rmdir(self._own_pressure)
        self.cgroup.remove()
