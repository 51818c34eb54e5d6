"""JDK × collector: what the hard tests and the matrix run over, and why a combination is left out."""

import functools
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "integration", "agent"))

from agent_case import WANTED_JDKS  # noqa: E402
from java_service import jdks  # noqa: E402

COLLECTORS = {"G1": ["-XX:+UseG1GC"], "ZGC": ["-XX:+UseZGC"], "Shenandoah": ["-XX:+UseShenandoahGC"],
              "GenerationalShenandoah": ["-XX:+UseShenandoahGC", "-XX:ShenandoahGCMode=generational"],
              "Parallel": ["-XX:+UseParallelGC"], "Serial": ["-XX:+UseSerialGC"]}

SHORT = bool(os.environ.get("AEROSTAT_OOM_SHORT"))


def wanted():
    """(major, collector), of AEROSTAT_COLLECTORS ("G1:ZGC") or of all."""
    named = os.environ.get("AEROSTAT_COLLECTORS", "G1" if SHORT else ":".join(COLLECTORS)).split(":")
    unknown = set(named) - set(COLLECTORS)
    if unknown:
        raise SystemExit(f"AEROSTAT_COLLECTORS: no such collector: {', '.join(unknown)}; there are {', '.join(COLLECTORS)}")
    return [(major, name) for major in WANTED_JDKS[:1 if SHORT else None] for name in COLLECTORS if name in named]


@functools.lru_cache(maxsize=None)
def has(major, collector):
    java = os.path.join(jdks()[major], "bin", "java")
    return subprocess.run([java, *COLLECTORS[collector], "-version"], capture_output=True, check=False).returncode == 0


def missing(major, collector):
    """Why this combination cannot run here; empty if it can."""
    if major not in jdks():
        return f"no JDK {major} found"
    return "" if has(major, collector) else f"this JDK {major} does not have it"


def for_each_combination(test):
    """Runs a test on each JDK × collector; one that cannot run is a skip that is printed and counted."""

    @functools.wraps(test)
    def wrapper(self):
        for major, collector in wanted():
            with self.subTest(jdk=major, collector=collector):
                why = missing(major, collector)
                if why:
                    skip(self, test.__name__, major, collector, why)
                try:
                    test(self, major, collector)
                finally:
                    self.doCleanups()  # one JVM at a time

    return wrapper


def skip(case, test, major, collector, why):
    print(f"\nSKIP {test}: {collector} on JDK {major}: {why}", file=sys.stderr, flush=True)
    case.skipTest(f"{collector} on JDK {major}: {why}")


def why_left_alone(guestd):
    """The agent's own words if it takes nothing from this JVM; empty if it does."""
    jvm = guestd.hello["jvm"]
    return "" if jvm["can_balloon"] else "left alone: " + (jvm.get("why_not") or "no reason given")


def why_no_balloon(guestd):
    """The agent's own words if it holds no balloon in this JVM; empty if it does."""
    jvm = guestd.hello["jvm"]
    return why_left_alone(guestd) or ("" if jvm.get("can_hold", True) else "levers only: " + jvm.get("why_not", ""))
