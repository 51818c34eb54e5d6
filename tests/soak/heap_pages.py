"""A JVM's heap and what it holds beside it, measured from outside the process."""

import os
import re

MAPPING = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \d+ *(.*)$")
HEAP_LOG = "gc+heap+coops=debug"  # tells where the heap is reserved; ZGC's is a file in memory
PAGE = os.sysconf("SC_PAGESIZE")


def heap_range(gc_log):
    """Where the collector's log says the heap is; nothing for ZGC."""
    with open(gc_log, encoding="utf-8") as file:
        found = re.search(r"Heap address: 0x([0-9a-f]+), size: (\d+) MB", file.read())
    begin = int(found.group(1), 16) if found else 0
    return range(begin, begin + (int(found.group(2)) << 20 if found else 0))


def heap_file(pid):
    """The open file that is a ZGC heap: /proc/PID/fd/N; None if there is none."""
    for name in os.listdir(f"/proc/{pid}/fd"):
        path = f"/proc/{pid}/fd/{name}"
        try:
            if "java_heap" in os.readlink(path):
                return path
        except FileNotFoundError:  # closed meanwhile
            continue
    return None


def full_gcs(gc_log):
    """Full collections by the log (-Xlog:gc), without those that a test asked for. ZGC has none."""
    with open(gc_log, encoding="utf-8") as file:
        return sum("Pause Full" in line and "Diagnostic Command" not in line and "ms" in line.split()[-1] for line in file)


def gc_stalls(gc_log):
    """Concurrent collections that the program had to wait for: ZGC's allocation stalls, Shenandoah's degenerated cycles."""
    with open(gc_log, encoding="utf-8") as file:
        return sum(bool(re.search(r"Collection \(Allocation Stall\).*s$|Pause Degenerated.*ms$", line)) for line in file)


class HeapPages:
    def __init__(self, pid, gc_log):
        self.pid, self.range, self.file = pid, heap_range(gc_log), heap_file(pid)
        if not self.range and not self.file:
            raise ValueError(f"neither a heap address in {gc_log} nor a heap file in /proc/{pid}/fd")

    def held(self):
        """Bytes of memory the heap has: allocated blocks of its file, else the PSS of its range."""
        return self._blocks() if self.file else sum(size for inside, size in self._mappings() if inside)

    def beside(self):
        """PSS of all that is not heap."""
        return sum(size for inside, size in self._mappings() if not inside)

    def own_beside(self):
        """Anonymous memory that is not heap. A file's share in the PSS rises when another JVM ends that had it mapped too."""
        return sum(size for inside, size in self._mappings("Anonymous:") if not inside)

    def quick_look(self):
        """For frequent looks: allocated blocks, else the resident size of the process."""
        if self.file:
            return self._blocks()
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * PAGE

    def _blocks(self):
        return os.stat(self.file).st_blocks * 512

    def _mappings(self, what="Pss:"):
        inside = False
        with open(f"/proc/{self.pid}/smaps", encoding="utf-8", errors="replace") as file:
            for line in file:
                mapping = MAPPING.match(line)
                if mapping:
                    inside = int(mapping.group(1), 16) in self.range or "java_heap" in mapping.group(3)
                elif line.startswith(what):
                    yield inside, int(line.split()[1]) * 1024
