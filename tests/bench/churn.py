"""The program Churn in a JVM, and one measured window of it."""

import os
import shutil
import tempfile

import process
from common import GIB, MIB, agent_library
from fake_guestd import FakeGuestd
from java_service import JavaService


class Churn:
    """A running Churn; with `agent`, the agent in it speaks to `guestd`, which is steered from here."""

    def __init__(self, layer, classes, heap, program, agent=False, flags=(), options="", gc_log=False):
        self.directory, self.guestd = tempfile.mkdtemp(prefix="aerostat-bench-"), None
        args = [*layer.flags, f"-Xmx{int(heap) // MIB}m", *flags]
        if gc_log:
            self.gc_log = os.path.join(self.directory, "gc.log")
            args.append(f"-Xlog:gc:file={self.gc_log}")
        if agent:
            self.guestd = FakeGuestd(self.directory)
            args.append(f"-agentpath:{agent_library()}=runtime-dir={self.directory},name=churn{options}")
        self.service = JavaService(layer.home, classes, args, program, "Churn")
        try:
            self.service.answer()
            if agent:
                self.guestd.wait_session()
        except BaseException:
            self.__exit__()
            raise
        self.pid = self.service.pid

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.service.stop()
        if self.guestd:
            self.guestd.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def warm_up(self, collections, at_most):
        """Until there have been so many collections; a heap too large for that is given up on after `at_most` seconds."""
        done = 0
        for _ in range(int(at_most)):
            done += sum(int(n) for key, n in self.service.tell("measure 1").items() if key.startswith("count."))
            if done >= collections:
                return

    def measure(self, seconds):
        """Rates per second over a window; CPU and counters are read from outside."""
        threads, counters = process.threads(self.pid), process.counters(self.pid)
        with process.OldWatch(self.pid) as old:
            answer = self.service.tell(f"measure {seconds}")
        after, counted = process.threads(self.pid), process.counters(self.pid)
        took = float(answer["seconds"])
        figures = {key: float(value) / took for key, value in answer.items() if key not in ("seconds", "worst_stall_ms")}
        figures["worst_stall_ms"] = int(answer["worst_stall_ms"])
        figures["gc_cpu"] = process.cpu_between(threads, after, process.GC_THREADS) / took
        figures["agent_cpu"] = process.cpu_between(threads, after, process.AGENT_THREADS) / took
        figures["old"] = old.figures(took)
        figures["process_cpu"] = process.cpu_between(threads, after) / took
        figures["cost"] = figures["gc_cpu"] + figures["stalled_seconds"]
        figures["cpu_by_thread"] = {name: cpu / took for name, cpu in process.cpu_by_name(threads, after).items()}
        figures["counters"] = {name: (value - counters.get(name, 0)) / took for name, value in counted.items()
                               if name.startswith(("sun.gc.collector", "sun.rt.safepoint")) and value != counters.get(name, 0)}
        figures["sizes"] = {name: value for name, value in counted.items()
                            if name.startswith("sun.gc.generation") and name.endswith((".used", ".capacity"))}
        return figures

    def rss(self):
        """Without shared memory: a ZGC heap is that, and counts once for each address that it was touched at."""
        with open(f"/proc/{self.pid}/status", encoding="ascii", errors="replace") as file:
            sizes = dict(line.split(":", 1) for line in file)
        return sum(int(sizes[key].split()[0]) * 1024 for key in ("RssAnon", "RssFile"))


def pieces(bytes_):
    return f"{bytes_ / GIB:.2f} GiB" if bytes_ >= GIB else f"{bytes_ / MIB:.0f} MiB"
