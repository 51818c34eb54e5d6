"""What a JVM's process shows from outside: CPU of its threads and HotSpot's performance counters."""

import glob
import os
import struct
import threading

GC_THREADS = ("GC Thread", "G1 ", "ZWorker", "ZDriver", "ZDirector", "ZUnc", "ZUnm", "ZStat", "RuntimeWorker", "Shen",
              "VM Thread")
AGENT_THREADS = ("Aerostat",)


def threads(pid):
    """{thread id: (name, CPU seconds)}; by the scheduler's own clock, in nanoseconds."""
    found = {}
    for path in glob.glob(f"/proc/{pid}/task/*"):
        try:
            with open(path + "/comm", encoding="utf-8") as file:
                name = file.read().strip()
            with open(path + "/schedstat", encoding="ascii") as file:
                found[int(os.path.basename(path))] = (name, int(file.read().split()[0]) / 1e9)
        except (FileNotFoundError, ProcessLookupError):
            continue  # the thread has ended
    return found


def cpu_between(before, after, prefixes=None):
    """CPU seconds of the threads with these names (None: of all) between two looks."""
    return sum(cpu - before.get(tid, ("", 0))[1] for tid, (name, cpu) in after.items()
               if prefixes is None or name.startswith(prefixes))


def cpu_by_name(before, after):
    """{thread name without its number: CPU seconds}, without those that did nothing."""
    sums = {}
    for tid, (name, cpu) in after.items():
        kind = name.split("#")[0]
        sums[kind] = sums.get(kind, 0) + cpu - before.get(tid, ("", 0))[1]
    return {name: round(cpu, 4) for name, cpu in sums.items() if cpu > 0.0005}


def counters(pid):
    """HotSpot's whole-number performance counters (jvmstat format 2.0), read from their file without disturbing the JVM."""
    with open(glob.glob(f"/tmp/hsperfdata_*/{pid}")[0], "rb") as file:
        data = file.read()
    order = "<" if data[4] == 1 else ">"
    at, entries = struct.unpack_from(order + "ii", data, 24)
    found = {}
    for _ in range(entries):
        length, name, vector, kind, _flags, _units, _variability, where = struct.unpack_from(order + "iiiBBBBi", data, at)
        if kind == ord("J") and vector == 0:
            text = data[at + name:data.index(0, at + name)].decode()
            found[text] = struct.unpack_from(order + "q", data, at + where)[0]
        at += length
    return found


class Sampler:
    """Calls look() at once and then every so often, on a thread of its own, while a with statement lasts."""

    def __init__(self, every_seconds, look):
        self._every, self._look, self._end = every_seconds, look, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        while True:
            self._look()
            if self._end.wait(self._every):
                return

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *failure):
        self._end.set()
        self._thread.join()


class OldWatch(Sampler):
    """Watches how full the old generation (the whole heap, where there are no generations) is, ten times a second."""

    USED = "sun.gc.generation.1.space.0.used"

    def __init__(self, pid):
        self._seen = []
        super().__init__(0.1, lambda: self._seen.append(counters(pid)[self.USED]))

    def figures(self, seconds):
        grown = sum(max(0, after - before) for before, after in zip(self._seen, self._seen[1:]))
        return {"grown_per_s": grown / seconds, "least": min(self._seen), "most": max(self._seen)}
