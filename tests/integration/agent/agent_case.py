"""What the agent's integration tests share: a JVM with the agent, a fake guestd, and printed evidence."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from fake_guestd import FakeGuestd
from java_service import GIB, MIB, JavaService, agent_library, compile_workloads, jdks, process_memory

__all__ = ["GIB", "MIB", "AgentCase", "process_memory", "agent_library", "jdks", "time", "evidence", "for_each_jdk", "run_and_count"]

WANTED_JDKS = (17,) if os.environ.get("AEROSTAT_QUICK") else (17, 25)


def evidence(name, **figures):
    """One line for people and for scripts, on a line of its own: unittest has begun one with the test's name."""
    print("\nFIGURE " + name + " " + " ".join(f"{key}={value}" for key, value in figures.items()), file=sys.stderr, flush=True)


def run_and_count():
    """Runs the tests of the calling program; the last line is "N passed, M failed, K skipped"."""
    result = unittest.main(verbosity=2, exit=False, warnings="ignore").result
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    passed = max(0, result.testsRun - failed - len(result.skipped))
    print(f"{passed} passed, {failed} failed, {len(result.skipped)} skipped", flush=True)
    sys.exit(1 if failed else 0)


def for_each_jdk(test):
    """Runs a test on each JDK wanted; one that is missing is a skip that is printed and counted."""

    def wrapper(self):
        found = jdks()
        for major in WANTED_JDKS:
            with self.subTest(jdk=major):
                if major not in found:
                    print(f"SKIP {test.__name__}: no JDK {major} found", file=sys.stderr)
                    self.skipTest(f"no JDK {major}")
                test(self, major)

    wrapper.__name__ = test.__name__
    wrapper.__doc__ = test.__doc__
    return wrapper


class AgentCase(unittest.TestCase):
    classes = None

    @classmethod
    def setUpClass(cls):
        cls.class_dir = tempfile.mkdtemp(prefix="aerostat-classes-")
        cls.classes = compile_workloads(cls.class_dir)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.class_dir, ignore_errors=True)

    def directory(self):
        path = tempfile.mkdtemp(prefix="aerostat-agent-")
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path

    def guestd(self):
        guestd = FakeGuestd(self.directory())
        self.addCleanup(guestd.close)
        return guestd

    def service(self, major, jvm_args, program_args=(), agent=None, main="Service"):
        """A JVM running the workload; `agent` is the option text, None: without the agent."""
        args = list(jvm_args)
        if agent is not None:
            args.append(f"-agentpath:{agent_library()}={agent}")
        service = JavaService(jdks()[major], self.classes, args, program_args, main)
        self.addCleanup(service.stop)
        service.answer()
        return service

    @staticmethod
    def starts(major, *options):
        """Whether this JDK knows the options."""
        java = os.path.join(jdks()[major], "bin", "java")
        return subprocess.run([java, *options, "-version"], capture_output=True, check=False).returncode == 0

    def ballooned(self, major, jvm_args, program_args=(), options="", main="Service"):
        guestd = self.guestd()
        agent = f"runtime-dir={os.path.dirname(guestd.path)},name=svc{options}"
        service = self.service(major, jvm_args, program_args, agent, main)
        guestd.wait_session()
        return guestd, service

    def check_own_settings(self, service, **others):
        """The agent has changed none of the collector's settings, or has put them back."""
        flags = service.jcmd("VM.flags", "-all")
        for name, value in {"MaxHeapFreeRatio": 70, "MinHeapFreeRatio": 40, "G1PeriodicGCInterval": 0, **others}.items():
            self.assertRegex(flags, rf"\b{name}\s+= {value}\b")

    def check_heap(self, service):
        answer = service.tell("check")
        self.assertEqual(answer["corrupt"], "0", "live data was destroyed")
        return int(answer["records"])
