"""A machine's /proc and /sys as files, which a test changes under a running guestd (--root)."""

import os

MIB = 1 << 20
CGROUP = "/sys/fs/cgroup/web"


class MachineFiles:
    def __init__(self, root, without=(), container=None, own_pressure=False):
        """`without`: names to leave out. `container`: (limit, holds, cache) in MiB makes it a container of version 2, with
        `own_pressure` one whose stalls the kernel counts."""
        self.root, self._without = root, set(without)
        self.available_mib(2048)
        self.stalled_ms(0)
        self.uptime(1000.0)
        self.write("/proc/vmstat", "workingset_refault_file 7\npgsteal_kswapd 1\nballoon_inflate 0\nballoon_deflate 0\n")
        self.write("/proc/self/cgroup", "0::/web\n")
        self.write("/proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
        self.write("/proc/self/oom_score_adj", "")
        if container:
            self._container(*container)
        if own_pressure:
            self.stalled_ms(0, CGROUP + "/memory.pressure")

    def _container(self, limit, holds, cache):
        self.write(CGROUP + "/memory.max", f"{limit * MIB}\n")
        self.write(CGROUP + "/memory.high", "max")
        self.write(CGROUP + "/memory.current", f"{holds * MIB}\n")
        self.write(CGROUP + "/memory.stat", f"anon {(holds - cache) * MIB}\nactive_file {cache * MIB}\ninactive_file 0\n")

    def path(self, name):
        return self.root + name

    def write(self, name, text):
        """In place: guestd keeps some of these open."""
        if name in self._without:
            return
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="ascii") as file:
            file.write(text)

    def read(self, name):
        with open(self.path(name), encoding="ascii") as file:
            return file.read()

    def available_mib(self, mib):
        self.write("/proc/meminfo", f"MemTotal: 4194304 kB\nMemFree: 524288 kB\nMemAvailable: {mib * 1024} kB\n"
                                    "Active(file): 524288 kB\nInactive(file): 524288 kB\nAnonPages: 1048576 kB\nSwapFree: 0 kB\n")

    def stalled_ms(self, ms, file="/proc/pressure/memory"):
        line = f"avg10=0.00 avg60=0.00 avg300=0.00 total={ms * 1000}\n"
        self.write(file, "some " + line + "full " + line)

    def uptime(self, seconds):
        self.write("/proc/uptime", f"{seconds:.2f} 0.00\n")
