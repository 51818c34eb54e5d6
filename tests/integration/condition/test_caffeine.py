"""A Caffeine cache that was registered with one statement (examples/caffeine) shrinks when a real guestd says `tight`, and grows
back. The host is a fake: its word that it is critical makes the guest tight."""

import os
import re
import signal
import subprocess
import sys
import threading
import unittest

from condition_case import ConditionCase, evidence, for_each_jdk, jdks, run_and_count, until

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLE = os.path.join(HERE, "..", "..", "..", "examples", "caffeine", "CachedPages.java")
sys.path.insert(1, os.path.join(HERE, "..", "guestd"))

import maven  # noqa: E402
from bed import Bed  # noqa: E402

CACHE_MIB = 192
SETTLED = 4  # seconds of the example's figures that are averaged


class CachedPages:
    """The example, running; its lines are dictionaries."""

    def __init__(self, home, class_path, runtime):
        command = [os.path.join(home, "bin", "java"), "-Xmx512m", "-Daerostat.runtime-dir=" + runtime, "-cp", class_path]
        self.process = subprocess.Popen([*command, "CachedPages", str(CACHE_MIB)], stdout=subprocess.PIPE, text=True)
        self.seconds = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.seconds.append(dict(pair.split("=", 1) for pair in line.split()))

    def settled(self, matches, what, within=40):
        """(hit rate, MiB held) over the last seconds, once so many in a row match."""
        until(lambda: len(self.seconds) >= SETTLED and all(matches(second) for second in self.seconds[-SETTLED:]),
              f"{what}; last: {self.seconds[-3:]}", within)
        last = self.seconds[-SETTLED:]
        requests = sum(int(second["requests"]) for second in last)
        hits = sum(int(second["requests"]) * float(second["hit_rate"]) for second in last)
        return round(hits / requests, 4), float(last[-1]["held_mib"])

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        self.process.stdout.close()


class Caffeine(ConditionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:
            caffeine = maven.libraries(maven.CAFFEINE)[0]
        except maven.Unreachable as why:
            print(f"SKIP test_caffeine: {why}", file=sys.stderr)
            raise unittest.SkipTest(str(why)) from why
        cls.compile(EXAMPLE, extra=":" + caffeine)
        cls.class_path += ":" + caffeine

    def test_one_registration_is_all_the_code_there_is(self):
        with open(EXAMPLE, encoding="utf-8") as file:
            statements = re.sub(r"/\*.*?\*/|//[^\n]*|^import [^;]*;", "", file.read(), flags=re.S | re.M).split(";")
        uses = [statement for statement in statements if re.search(r"\bMemory(Conditions|Reclaimer)\b", statement)]
        asks = [statement for statement in uses if "MemoryConditions.current()" in statement]  # printed, not acted upon
        self.assertEqual((len(uses), len(asks)), (2, 1), uses)

    @for_each_jdk
    def test_the_cache_shrinks_on_tight_and_grows_back(self, major):
        with Bed(start=False) as bed:
            bed.options += ["--host", "unix:" + os.path.join(bed.directory, "host.sock")]
            host = bed.host()
            bed.start()
            host.accept()
            host.line.send("condition", level="ample")
            program = CachedPages(jdks()[major], self.class_path, bed.runtime)
            try:
                before, full = program.settled(
                    lambda s: s["level"] == "AMPLE" and float(s["held_mib"]) > 0.95 * CACHE_MIB, "a full cache")
                host.line.send("condition", level="critical")
                squeezed, left = program.settled(
                    lambda s: s["level"] == "TIGHT" and float(s["held_mib"]) < 0.5 * CACHE_MIB, "a small cache")
                host.line.send("condition", level="ample")
                after, again = program.settled(
                    lambda s: s["level"] == "AMPLE" and float(s["held_mib"]) > 0.95 * CACHE_MIB, "a full cache again")
            finally:
                program.close()
        evidence("condition.caffeine", jdk=major, released_mib=round(full - left, 1), held_mib=left, hit_rate_before=before,
                 hit_rate_tight=squeezed, hit_rate_after=after)
        self.assertGreater(full - left, 0.5 * CACHE_MIB)
        self.assertGreaterEqual(left, 0.1 * CACHE_MIB, "what was to be left was taken")
        self.assertLess(squeezed, before)
        self.assertGreater(squeezed, 0.5, "what is asked for most stays")
        self.assertGreater(after, squeezed)
        self.assertGreater(again, left)


if __name__ == "__main__":
    run_and_count()
