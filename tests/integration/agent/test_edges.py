"""Loading late and often, leaving in the middle, and JVMs whose options leave little room: with each collector."""

import os
import shutil
import signal

from agent_case import GIB, MIB, agent_library, evidence, process_memory, run_and_count, time
from edge_case import OPTIONS, EdgeCase, on_collectors

BUSY = ["--rate", "-1", "--threads", "4"]
# Compared with the same JVM without the agent, run just before: a loaded machine may delay either.
END_LATER_S = 2.0


class Edges(EdgeCase):
    @on_collectors((17, "ZGC"))
    def test_it_loads_while_the_program_allocates_and_only_once(self, major, collector):
        guestd = self.guestd()
        service = self.service(major, [OPTIONS[collector], "-Xmx512m", *self.crash_option()], BUSY)
        service.tell("live 100MiB")
        options = f'"runtime-dir={os.path.dirname(guestd.path)},name=late"'
        self.assertIn("return code: 0", service.jcmd("JVMTI.agent_load", agent_library(), options))
        guestd.wait_session()
        self.assertTrue(guestd.hello["jvm"]["can_balloon"], guestd.hello)
        copy = os.path.join(self.directory(), "copy-of-the-agent.so")
        shutil.copy(agent_library(), copy)
        for again in (agent_library(), copy, copy):
            self.assertNotIn("return code: 0", service.jcmd("JVMTI.agent_load", again, options))
        self.assertEqual(sum("loaded in this JVM already" in line for line in service.errors), 3, service.errors)
        guestd.order("a", 250 * MIB, 3000)
        result = guestd.result("a")
        evidence("agent.attach", jdk=major, collector=collector, reason=result["reason"],
                 obtained_mib=result["obtained_bytes"] // MIB, again="refused")
        self.assertIn(result["reason"], ("met", "floor", "deadline", "gc-distress"))
        self.check_heap(service)
        self.check_no_crash()

    @on_collectors((17, "G1"), only=("G1",))
    def test_two_agents_on_the_command_line_are_one(self, major, collector):
        guestd = self.guestd()
        copy = os.path.join(self.directory(), "copy-of-the-agent.so")
        shutil.copy(agent_library(), copy)
        options = f"runtime-dir={os.path.dirname(guestd.path)},name=svc"
        args = [OPTIONS[collector], "-Xmx256m", f"-agentpath:{agent_library()}={options}", f"-agentpath:{copy}={options}"]
        service = self.service(major, args)
        guestd.wait_session()
        self.assertEqual(sum("loaded in this JVM already" in line for line in service.errors), 1, service.errors)
        self.check_heap(service)

    @on_collectors((17, "ZGC"))
    def test_a_jvm_that_ends_in_the_middle_ends_as_usual(self, major, collector):
        for how, wanted in (("exit 7", 7), ("SIGTERM", 128 + signal.SIGTERM)):
            args = ["-Xmx1g", *self.crash_option()]
            plain = self.service(major, [OPTIONS[collector], *args], BUSY)
            plain.tell("garbage 400MiB")
            code, usual = self.end(plain, how)
            self.assertEqual(code, wanted)
            guestd, service = self.ballooned(major, [OPTIONS[collector], *args], BUSY)
            service.tell("garbage 400MiB")
            guestd.order("a", 100 * MIB, 20000, cap="hard")
            guestd.wait_report(lambda r: r.get("running_op") == "a" or "a" in guestd.results)
            code, took = self.end(service, how)
            evidence("agent.end", jdk=major, collector=collector, how=how.replace(" ", "-"), code=code, ms=round(took * 1000),
                     usual_ms=round(usual * 1000), running="a" not in guestd.results)
            self.assertEqual(code, wanted, service.errors)
            self.assertLess(took, usual + END_LATER_S)
            self.check_no_crash()

    @staticmethod
    def end(service, how):
        """(exit status, seconds it took)."""
        began = time.monotonic()
        if how == "SIGTERM":
            os.kill(service.pid, signal.SIGTERM)
        else:
            service.start(how)
        return service.finish(), time.monotonic() - began

    @on_collectors((17, "ZGC"))
    def test_flags_of_the_command_line_are_left_alone_and_it_is_said(self, major, collector):
        flags = {"MinHeapFreeRatio": 30, "MaxHeapFreeRatio": 60, "G1PeriodicGCInterval": 4000} if collector == "G1" else {
            "SoftMaxHeapSize": 900 * MIB}
        guestd, service = self.edge(major, collector, ["-Xmx1g", *(f"-XX:{name}={value}" for name, value in flags.items())])
        service.tell("live 50MiB")
        service.tell("garbage 300MiB")
        report = guestd.wait_report(lambda r: r["footprint_bytes"] > 300 * MIB)
        guestd.order("a", report["footprint_bytes"] - 150 * MIB, 3000)
        result = guestd.result("a")
        evidence("agent.operators_flags", jdk=major, collector=collector, reason=result["reason"],
                 obtained_mib=result["obtained_bytes"] // MIB, detail=result.get("detail"))
        for name, value in flags.items():
            self.assertEqual(self.flag(service, name), value)
            self.assertIn(name, result["detail"])
        self.assertEqual(guestd.wait_report().get("levers", []), [])
        self.check_heap(service)

    @on_collectors((17, "ZGC"))
    def test_heaps_that_must_stay_resident_get_no_balloon(self, major, collector):
        guestd, service = self.edge(major, collector, ["-Xmx128m", "-XX:+AlwaysPreTouch"])
        guestd.order("a", 32 * MIB)
        result = guestd.result("a")
        self.assertEqual((result["reason"], result["obtained_bytes"]), ("unsupported", 0))
        self.assertIn("AlwaysPreTouch", result["detail"])
        self.check_heap(service)

    @on_collectors((17, "Shenandoah"))
    def test_where_soft_references_are_cleared_at_once_no_chunk_is_held(self, major, collector):
        guestd, service = self.edge(major, collector, ["-Xmx512m", "-XX:SoftRefLRUPolicyMSPerMB=0"])
        service.tell("garbage 300MiB")
        guestd.order("a", 100 * MIB, 2000)
        result = guestd.result("a")
        evidence("agent.no_soft_references", jdk=major, collector=collector, reason=result["reason"],
                 obtained_mib=result["obtained_bytes"] // MIB, detail=result.get("detail"))
        self.assertIn("SoftRefLRUPolicyMSPerMB", guestd.hello["jvm"]["why_not"])
        self.assertEqual(guestd.wait_report()["balloon_bytes"], 0)
        self.check_heap(service)

    @on_collectors((17, "G1"))
    def test_a_large_heap_that_is_mostly_untouched_gives_what_it_holds_and_no_more(self, major, collector):
        guestd, service = self.edge(major, collector, ["-Xms64m", "-Xmx16g"], ["--rate", "200"])
        service.tell("live 100MiB")
        service.tell("garbage 1GiB")
        report = guestd.wait_report(lambda r: r["footprint_bytes"] > 900 * MIB)
        before = process_memory(service.pid, "Rss")
        guestd.order("a", report["footprint_bytes"] - 500 * MIB, 6000)
        result = guestd.result("a")
        seen = service.tell("report")
        after = process_memory(service.pid, "Rss")
        evidence("agent.large_heap", jdk=major, collector=collector, reason=result["reason"],
                 obtained_mib=result["obtained_bytes"] // MIB, rss_mib=f"{before // MIB}..{after // MIB}",
                 elapsed_ms=result["elapsed_ms"], worst_stall_ms=seen["worst_stall_ms"], full_gcs=seen["full_gcs"])
        self.assertLessEqual(result["obtained_bytes"], report["footprint_bytes"])
        self.assertGreaterEqual(before - after, result["obtained_bytes"] - 100 * MIB)
        self.assertLess(after, 3 * GIB)
        self.check_heap(service)


if __name__ == "__main__":
    run_and_count()
