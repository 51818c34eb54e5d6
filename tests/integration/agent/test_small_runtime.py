"""A runtime image with java.base only: the agent loads, takes what chunks can take, and says what it lacks."""

import os
import subprocess

from agent_case import MIB, evidence, jdks, process_memory, run_and_count
from edge_case import OPTIONS, EdgeCase, on_collectors
from fake_guestd import FakeGuestd
from java_service import JavaService, agent_library


class SmallRuntime(EdgeCase):
    images = {}

    @classmethod
    def image(cls, major, directory):
        """Made once a JDK; needs its jmods, or a JDK that can link itself."""
        if major not in cls.images:
            home = os.path.join(directory, f"java.base-{major}")
            command = [os.path.join(jdks()[major], "bin", "jlink"), "--add-modules", "java.base", "--output", home]
            made = subprocess.run(command, capture_output=True, text=True, check=False)
            cls.images[major] = (home, "") if made.returncode == 0 else ("", made.stdout + made.stderr)
        return cls.images[major]

    @on_collectors((17, "G1"))
    def test_it_shrinks_by_chunks_and_says_what_is_missing(self, major, collector):
        home, why = self.image(major, self.class_dir)
        if not home:
            self.skipTest("no image could be made: " + why)
        guestd = FakeGuestd(self.directory())
        self.addCleanup(guestd.close)
        agent = f"-agentpath:{agent_library()}=runtime-dir={os.path.dirname(guestd.path)},name=svc,log=verbose"
        args = [OPTIONS[collector], "-Xmx1g", *self.crash_option(), agent]
        service = JavaService(home, self.classes, args, ["--rate", "100"])
        self.addCleanup(service.stop)
        service.answer()
        guestd.wait_session()
        service.tell("live 50MiB")
        service.tell("garbage 400MiB")
        guestd.wait_report(lambda r: r["footprint_bytes"] > 300 * MIB)
        before = process_memory(service.pid)
        guestd.order("a", 64 * MIB, 3000)
        result = guestd.result("a")
        fell = before - process_memory(service.pid)
        evidence("agent.java_base", jdk=major, collector=collector, reason=result["reason"], detail=result["detail"],
                 obtained_mib=result["obtained_bytes"] // MIB, fell_mib=fell // MIB,
                 balloon_mib=guestd.wait_report()["balloon_bytes"] // MIB)
        self.assertIn("jdk.management", result["detail"])
        self.assertEqual(guestd.wait_report().get("levers", []), [])
        self.check_heap(service)
        self.check_no_crash()
        self.assertEqual(service.process.poll(), None)


if __name__ == "__main__":
    run_and_count()
