"""A memory limit for one process, where somebody has set a place for it aside.

Tests move no process out of the cgroup they find it in unless told so: AEROSTAT_MEMORY_CGROUP names a directory of the memory
controller (v1) or of the unified hierarchy (v2, with `memory` in its cgroup.subtree_control) that is theirs to use."""

import os
import time

ADVICE = ("needs a memory cgroup of its own: name one that is set aside for it in AEROSTAT_MEMORY_CGROUP, or run it as root in "
          "a virtual machine")


class MemoryCgroup:
    def __init__(self, path, limit_file, peak_file):
        self.path, self.limited = path, 0
        self._limit_file, self._peak_file = limit_file, peak_file

    @classmethod
    def make(cls):
        """(cgroup, "") or (None, why not)."""
        parent = os.environ.get("AEROSTAT_MEMORY_CGROUP")
        if not parent:
            return None, ADVICE
        path = os.path.join(parent, f"aerostat-test-{os.getpid()}-{time.monotonic_ns()}")
        try:
            os.mkdir(path)
        except OSError as error:
            return None, f"{error}: {ADVICE}"
        for limit_file, peak_file in (("memory.max", "memory.peak"), ("memory.limit_in_bytes", "memory.max_usage_in_bytes")):
            if os.path.exists(os.path.join(path, limit_file)):
                return cls(path, limit_file, peak_file), ""
        os.rmdir(path)
        return None, f"{parent} does not limit memory: {ADVICE}"

    def _write(self, name, value):
        with open(os.path.join(self.path, name), "w", encoding="ascii") as file:
            file.write(str(value))

    def home_inside(self, jdk, directory):
        """A JDK whose java begins its life in this cgroup: what a process held before it moved is not charged here."""
        os.mkdir(os.path.join(directory, "bin"))
        java = os.path.join(directory, "bin", "java")
        with open(java, "w", encoding="ascii") as file:
            file.write(f'#!/bin/sh\necho $$ >"{self.path}/cgroup.procs" && exec "{jdk}/bin/java" "$@"\n')
        os.chmod(java, 0o755)
        os.symlink(os.path.join(jdk, "bin", "jcmd"), os.path.join(directory, "bin", "jcmd"))
        return directory

    def limit(self, size):
        self.limited = size
        self._write(self._limit_file, size)

    def usage(self):
        """What is charged here; pages of files that somebody outside touched first are not."""
        name = self._peak_file.replace("max_usage", "usage").replace("peak", "current")
        with open(os.path.join(self.path, name), encoding="ascii") as file:
            return int(file.read())

    def peak(self):
        with open(os.path.join(self.path, self._peak_file), encoding="ascii") as file:
            return int(file.read())

    def remove(self):
        os.rmdir(self.path)
