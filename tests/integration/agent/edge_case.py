"""What the tests of edges share: a few JDK × collector in the default run, all with AEROSTAT_THOROUGH=1 (tests/soak), and JVMs
whose crash would be noticed."""

import functools
import os
import re
import sys

from agent_case import WANTED_JDKS, AgentCase, jdks

OPTIONS = {"G1": "-XX:+UseG1GC", "ZGC": "-XX:+UseZGC", "Shenandoah": "-XX:+UseShenandoahGC"}
THOROUGH = bool(os.environ.get("AEROSTAT_THOROUGH"))


def on_collectors(*few, only=tuple(OPTIONS)):
    """Runs a test on each (JDK, collector) of `few`, or on all of `only`; one that cannot run is a skip that is printed and
    counted."""

    def decorated(test):
        @functools.wraps(test)
        def wrapper(self):
            for major, collector in [(m, c) for m in WANTED_JDKS for c in only] if THOROUGH else few:
                with self.subTest(jdk=major, collector=collector):
                    why = missing(major, collector)
                    if why:
                        print(f"SKIP {test.__name__}: {collector} on JDK {major}: {why}", file=sys.stderr)
                        self.skipTest(why)
                    try:
                        test(self, major, collector)
                    finally:
                        self.doCleanups()  # one JVM at a time

        return wrapper

    return decorated


@functools.lru_cache(maxsize=None)
def missing(major, collector):
    """Why this combination cannot run here; empty if it can."""
    if major not in jdks():
        return f"no JDK {major} found"
    return "" if AgentCase.starts(major, OPTIONS[collector]) else f"this JDK {major} does not have it"


class EdgeCase(AgentCase):
    def crash_option(self):
        self.crash = os.path.join(self.directory(), "hs_err.log")
        return [f"-XX:ErrorFile={self.crash}", "-XX:-CreateCoredumpOnCrash"]

    def edge(self, major, collector, jvm_args, program_args=(), options=""):
        return self.ballooned(major, [OPTIONS[collector], *self.crash_option(), *jvm_args], program_args, options)

    def check_no_crash(self):
        if os.path.exists(self.crash):
            with open(self.crash, encoding="utf-8", errors="replace") as file:
                self.fail("the JVM crashed:\n" + "".join(file.readlines()[:60]))

    @staticmethod
    def flag(service, name):
        return int(re.search(rf"\b{name}\s+:?= *(\d+)", service.jcmd("VM.flags", "-all")).group(1))
