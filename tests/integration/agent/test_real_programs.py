"""H2, Lucene and Jetty under load give memory back and get it back again, and every answer stays right."""

import os
import shutil
import sys
import tempfile
import unittest

from agent_case import MIB, evidence, jdks, run_and_count

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "workloads", "programs"))

import trial  # noqa: E402


def skip(why):
    print(f"SKIP test_real_programs: {why}", file=sys.stderr)
    raise unittest.SkipTest(why)


class RealPrograms(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.mkdtemp(prefix="aerostat-programs-")
        cls.addClassCleanup(shutil.rmtree, directory, ignore_errors=True)
        try:
            cls.class_path = trial.compiled(jdks()[min(jdks())], directory)
        except trial.maven.Unreachable as why:
            skip(why)

    def run_program(self, name, major):
        """A squeezed program has given its memory, as seen from outside, and holds what it was told; it has lost nothing."""
        if major not in jdks():
            skip(f"no JDK {major} found")
        directory = tempfile.mkdtemp(prefix="aerostat-agent-")
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        one = trial.Trial(jdks()[major], self.class_path, name, ["-XX:+UseG1GC"], trial.QUICK, directory)
        self.addCleanup(one.close)
        self.assertEqual(one.why_left_alone(), "")
        got = one.run()
        held, target = got["squeezed"]["footprint_bytes"], got["target_bytes"]
        still_given = got["unsqueezed"]["memory_bytes"] - got["squeezed"]["memory_bytes"]
        evidence("agent.program", program=name, jdk=major, squeeze=got["squeeze"], squeeze_ms=got["squeeze_ms"],
                 live_mib=got["live_bytes"] // MIB, target_mib=target // MIB, held_mib=held // MIB,
                 obtained_mib=got["obtained_bytes"] // MIB, memory_fell_mib=got["memory_fell_bytes"] // MIB,
                 still_given_mib=still_given // MIB,
                 **{f"{phase}_{key}": got[phase][key] for phase in trial.PHASES for key in ("throughput", "p99_ms")},
                 checked=got["checked"], full_gcs=got["full_gcs"], oome=got["oome"], guard_releases=got["guard_releases"])
        self.assertEqual(got["squeeze"], "met", got["squeeze_detail"])
        self.assertGreater(got["obtained_bytes"], 32 * MIB)
        self.assertGreaterEqual(got["memory_fell_bytes"], 0.8 * got["obtained_bytes"] - 16 * MIB)
        # The program's code and JIT compilers grow beside the heap while it runs.
        self.assertGreaterEqual(still_given, got["obtained_bytes"] / 3)
        self.assertLessEqual(held, 1.25 * target)
        self.assertEqual((got["release"], got["balloon_left_bytes"]), ("met", 0))
        self.assertEqual((got["full_gcs"], got["oome"], got["wrong"]), (0, 0, 0))
        self.assertGreater(got["checked"], 10_000)
        for phase in trial.PHASES:
            self.assertGreater(got[phase]["requests"], 0)

    def test_an_h2_database_gives_memory_back_and_loses_no_row(self):
        self.run_program("h2", 17)

    def test_a_lucene_index_gives_memory_back_and_finds_the_same_documents(self):
        self.run_program("lucene", 25)

    def test_an_http_server_gives_memory_back_and_serves_the_right_pages(self):
        self.run_program("jetty", 17)


if __name__ == "__main__":
    run_and_count()
