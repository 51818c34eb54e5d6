"""One real program in a JVM: put under steady load and checked all the while; with the agent in it squeezed and released."""

import os
import subprocess
import sys
import time
from collections import namedtuple

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(TESTS, *path) for path in (["support"], ["soak"], ["integration", "agent"])]

import maven  # noqa: E402
from fake_guestd import FakeGuestd  # noqa: E402
from heap_pages import HEAP_LOG, HeapPages, full_gcs, gc_stalls  # noqa: E402
from java_service import MIB, JavaService, agent_library  # noqa: E402

Program = namedtuple("Program", "main libraries")
PROGRAMS = {"h2": Program("H2Workload", maven.H2), "lucene": Program("LuceneWorkload", maven.LUCENE),
            "jetty": Program("JettyWorkload", maven.JETTY)}
PHASES = ("unsqueezed", "squeezed", "released")

# live_mib is about what the program holds, the heap may grow to heap_mib. Times are in seconds.
Plan = namedtuple("Plan", "live_mib heap_mib warm_up phase")
FULL = Plan(250, 1536, 12, 22)
QUICK = Plan(100, 640, 4, 5)

SQUEEZED_TO = 1.5  # × live
PROBE_RATE = 200
WARM_UP_STEPS = 5
FASTER_AT_MOST = 5
CPU_SHARE = 0.3  # of all processors: well below one half, so that collections of a squeezed heap fit in, too
LIFT = 1 << 40


def compiled(home, directory):
    """Compiles the programs with this JDK; returns the class path."""
    jars = maven.libraries([*maven.H2, *maven.LUCENE, *maven.JETTY, *maven.CAFFEINE, *maven.HISTOGRAM])
    sources = [os.path.join(HERE, name) for name in os.listdir(HERE) if name.endswith(".java")]
    subprocess.run([os.path.join(home, "bin", "javac"), "--release", "17", "-cp", ":".join(jars), "-d", directory, *sources],
                   check=True)
    return ":".join([directory, *jars])


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def distress(reports):
    """What the guard saw, each once."""
    return sorted({report["distress"] for report in reports if report.get("distress")})


class Wrong(Exception):
    """The program's answers or data are not what they have to be, or it ended."""


class Loaded:
    """A real program in a JVM, filled, to be put under steady load. To be closed."""

    def __init__(self, home, class_path, name, collector_flags, plan, directory, more_flags=()):
        self.plan = plan
        self.gc_log = os.path.join(directory, "gc.log")
        # Any OutOfMemoryError, in whatever thread, ends the JVM, and with it the trial. jcmd GC.run is to start a cycle. Without
        # an initial size the heap would be one thing on a large machine and another on a small one.
        self.service = JavaService(home, class_path, [
            *collector_flags, f"-Xmx{plan.heap_mib}m", f"-XX:InitialHeapSize={plan.heap_mib // 2}m",
            "-XX:+ExitOnOutOfMemoryError", "-XX:+ExplicitGCInvokesConcurrent",
            f"-Xlog:gc,{HEAP_LOG}:file={self.gc_log}", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", *more_flags,
        ], [f"{plan.live_mib}MiB"], PROGRAMS[name].main)
        try:
            self.ask(None)
            self.pages = HeapPages(self.service.pid, self.gc_log)
        except BaseException:
            Loaded.close(self)
            raise

    def close(self):
        self.service.stop()

    def ask(self, command):
        """Sends a command (None: waits for the program to be ready); an answer that is wrong ends the trial."""
        if command:
            self.service.start(command)
        try:
            answer = self.service.answer()
        except Exception as error:
            raise Wrong(f"no answer to {command}: exit code {self.service.process.poll()}, {self.service.errors[-5:]}") from error
        if answer.get("wrong", "0") != "0" or "error" in answer:
            raise Wrong(f"{command}: {answer}, {self.service.errors[-12:]}")
        return answer

    def memory(self):
        """Bytes by the kernel's books: the heap's, and all beside it."""
        return self.pages.held() + self.pages.beside()

    def load_for(self, seconds):
        """Figures of so many seconds of load from now. Full collections and stalls are the collector's log's."""
        cpu, began = cpu_seconds(self.service.pid), time.monotonic()
        full, stalls = full_gcs(self.gc_log), gc_stalls(self.gc_log)
        self.ask("begin")
        time.sleep(seconds)  # this long is what is asked for, there is nothing to wait for
        seen = self.ask("report")
        used = (cpu_seconds(self.service.pid) - cpu) / (time.monotonic() - began)
        return {"throughput": round(int(seen["ops"]) / float(seen["seconds"]), 1), "requests": int(seen["ops"]),
                "due": int(seen["due"]), "p50_ms": float(seen["p50_ms"]), "p99_ms": float(seen["p99_ms"]),
                "worst_ms": float(seen["worst_ms"]), "cpu_share": round(used / os.cpu_count(), 3), "memory_bytes": self.memory(),
                "full_gcs": full_gcs(self.gc_log) - full, "gc_stalls": gc_stalls(self.gc_log) - stalls}

    def warm_up(self):
        """Finds the rate that takes the wanted share of the processors, while compilers make requests cheaper and cheaper."""
        rate = PROBE_RATE
        for _ in range(WARM_UP_STEPS):
            self.ask(f"rate {rate}")
            seen = self.load_for(self.plan.warm_up / WARM_UP_STEPS)
            rate = int(max(PROBE_RATE, rate * min(FASTER_AT_MOST, CPU_SHARE / max(seen["cpu_share"], 0.01))))
        self.ask(f"rate {rate}")
        return rate


class Trial(Loaded):
    """The program with the agent in it, which is known when this is made: squeezed, released, and checked all the while."""

    def __init__(self, home, class_path, name, collector_flags, plan, directory):
        self.guestd = FakeGuestd(directory)
        try:
            agent = f"-agentpath:{agent_library()}=runtime-dir={directory},name={name}"
            super().__init__(home, class_path, name, collector_flags, plan, directory, [agent])
        except BaseException:
            self.guestd.close()
            raise
        try:
            self.guestd.wait_session()
        except BaseException:
            self.close()
            raise

    def close(self):
        super().close()
        self.guestd.close()

    def why_left_alone(self):
        """The agent's reason to hold no balloon here; nothing if it can."""
        facts = self.guestd.hello["jvm"]
        return "" if facts["can_balloon"] else facts.get("why_not") or "it does not say why"

    def load_for(self, seconds):
        first = len(self.guestd.reports)
        figures = super().load_for(seconds)
        reports = self.guestd.reports[first:]
        return {**figures, "footprint_bytes": sum(r["footprint_bytes"] for r in reports) // max(1, len(reports))}

    def learn_live(self):
        """The live set. The agent learns it from the collection that begins the next cycle, and that from one or two cycles
        before it: a report comes between them, so that it has seen each."""
        for _ in range(3):
            self.service.jcmd("GC.run")
            report = self.guestd.wait_report()
        if not report.get("live_bytes"):
            report = self.guestd.wait_report(lambda r: r.get("live_bytes"), 30, "the live set")
        return report["live_bytes"]

    def order(self, op, target, within_ms=10000):
        self.guestd.order(op, target, within_ms)
        return self.guestd.result(op, within_ms / 1000 + 20)

    def squeeze(self, target):
        """The squeeze's figures, those of its measured phase among them."""
        before, heap, first = self.memory(), self.pages.held(), len(self.guestd.reports)
        result = self.order("squeeze", target)
        reached, fell = self.pages.held(), before - self.memory()
        phase = self.load_for(self.plan.phase)
        return {"squeezed": phase, "squeeze": result["reason"], "squeeze_detail": result.get("detail", ""),
                "squeeze_ms": result["elapsed_ms"], "obtained_bytes": result["obtained_bytes"], "memory_fell_bytes": fell,
                "nothing_to_give": heap <= target, "reached_bytes": reached,
                "balloon_bytes": self.guestd.reports[-1]["balloon_bytes"], "distress": distress(self.guestd.reports[first:])}

    def run(self):
        """{"unsqueezed": {…}, "squeezed": {…}, "released": {…}, and what happened between them}."""
        figures = {"rate": self.warm_up()}
        live = self.learn_live()  # before the heap has filled itself again: its cycles have given some of it back
        figures["unsqueezed"] = self.load_for(self.plan.phase)
        full = full_gcs(self.gc_log)
        figures.update(self.squeeze(live * SQUEEZED_TO), live_bytes=live, target_bytes=int(live * SQUEEZED_TO))
        figures["release"] = self.order("release", LIFT)["reason"]
        figures["released"] = self.load_for(self.plan.phase)
        full = full_gcs(self.gc_log) - full
        last = self.guestd.wait_report()
        self.ask("rate 0")
        # Nobody survives an OutOfMemoryError or a wrong answer: to have come here means none.
        return {**figures, "checked": int(self.ask("check")["checked"]), "oome": 0, "wrong": 0,
                "full_gcs": full, "balloon_left_bytes": last["balloon_bytes"],
                "pressures": len(self.guestd.pressures), "guard_releases": last.get("guard_releases", 0)}
