"""What the hard tests share: any workload in a JVM of any collector, with the agent, whose end is told in full."""

import os
import sys
import unittest

from collectors import COLLECTORS, skip, why_left_alone, why_no_balloon

from agent_case import AgentCase
from java_service import JavaService, agent_library, jdks


class CountOfCombinations(unittest.TextTestResult):
    """Counts each JDK × collector of a test, and a test without such as one."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.passed, self._with_parts = 0, set()

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        self._with_parts.add(test.id())
        self.passed += err is None

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += test.id() not in self._with_parts


def run_and_count():
    """Runs the tests of the calling program; the last line is "N passed, M failed, K skipped"."""
    runner = unittest.TextTestRunner(verbosity=2, resultclass=CountOfCombinations, warnings="ignore")
    result = unittest.main(testRunner=runner, exit=False).result
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    print(f"{result.passed} passed, {failed} failed, {len(result.skipped)} skipped", flush=True)
    sys.exit(1 if failed else 0)


class HardCase(AgentCase):
    def jvm(self, major, collector, jvm_args, program_args, main, home=None):
        """A JVM without the agent. `home`: a JDK's folder instead of the one of that version."""
        self.crash = os.path.join(self.directory(), "hs_err.log")
        args = [*COLLECTORS[collector], *jvm_args, "-XX:-CreateCoredumpOnCrash", f"-XX:ErrorFile={self.crash}"]
        service = JavaService(home or jdks()[major], self.classes, args, program_args, main)
        self.addCleanup(service.stop)
        service.answer()
        return service

    def with_agent(self, major, collector, jvm_args, program_args, main, options="", home=None, levers_will_do=False):
        """(guestd, service); where the agent holds no balloon (nor has levers, if those will do) the test is skipped by name,
        with the agent's reason."""
        guestd = self.guestd()
        agent = f"-agentpath:{agent_library()}=runtime-dir={os.path.dirname(guestd.path)},name=svc{options}"
        service = self.jvm(major, collector, [*jvm_args, agent], program_args, main, home)
        guestd.wait_session()
        guestd.wait_report()
        why = why_left_alone(guestd) if levers_will_do else why_no_balloon(guestd)
        if why:
            skip(self, self._testMethodName, major, collector, why)
        return guestd, service

    def tell_of_the_end(self, service):
        """For a log, when something went wrong: what the program and the JVM said last."""
        for line in [line for line in service.lines if line.startswith("damaged")] + service.errors[-20:]:
            print("  " + line, flush=True)
        if os.path.exists(self.crash):
            with open(self.crash, encoding="utf-8", errors="replace") as file:
                print("the JVM crashed:\n" + "".join(file.readlines()[:60]), flush=True)
