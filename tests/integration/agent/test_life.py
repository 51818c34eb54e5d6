"""Loading, leaving, and everything that is not as it should be: the JVM must run on in every case."""

import os
import shutil
import sys

from agent_case import MIB, AgentCase, agent_library, evidence, for_each_jdk, jdks, process_memory, run_and_count, time

G1 = ["-XX:+UseG1GC", "-Xmx512m"]


class Life(AgentCase):
    @for_each_jdk
    def test_it_loads_into_a_running_busy_jvm_and_only_once(self, major):
        guestd = self.guestd()
        service = self.service(major, G1, ["--rate", "-1", "--threads", "4"])
        service.tell("live 100MiB")
        options = f"runtime-dir={os.path.dirname(guestd.path)},name=late"
        said = service.jcmd("JVMTI.agent_load", agent_library(), f'"{options}"')
        self.assertIn("return code: 0", said)
        guestd.wait_session()
        self.assertTrue(guestd.hello["jvm"]["can_balloon"], guestd.hello)

        copy = os.path.join(self.directory(), "copy-of-the-agent.so")
        shutil.copy(agent_library(), copy)
        said = service.jcmd("JVMTI.agent_load", copy, f'"{options}"')
        self.assertNotIn("return code: 0", said)
        self.assertIn("loaded in this JVM already", "\n".join(service.errors))
        guestd.order("a", 200 * MIB)
        result = guestd.result("a")
        evidence("agent.attach", jdk=major, reason=result["reason"], second_copy="refused")
        self.assertIn(result["reason"], ("met", "floor", "deadline"))
        self.check_heap(service)

    @for_each_jdk
    def test_a_jvm_that_exits_during_an_operation_exits_as_usual(self, major):
        guestd, service = self.ballooned(major, ["-XX:+UseG1GC", "-Xmx2g"], ["--rate", "-1", "--threads", "4"])
        service.tell("live 100MiB")
        service.tell("garbage 1GiB")
        guestd.order("a", 150 * MIB)
        guestd.wait_report(lambda r: r.get("running_op") == "a" or "a" in guestd.results)
        began = time.monotonic()
        service.start("quit")
        code = service.finish()
        evidence("agent.exit", jdk=major, code=code, ms=round((time.monotonic() - began) * 1000))
        self.assertEqual(code, 0, service.errors)

    @for_each_jdk
    def test_bad_options_never_keep_a_jvm_from_starting(self, major):
        for options in ("nonsense", "name=a b", "cpu-budget=5", "runtime-dir=relative", "unknown=1"):
            service = self.service(major, G1, agent=options)
            service.tell("live 10MiB")
            service.stop()
            said = [line for line in service.errors if line.startswith("aerostat:")]
            self.assertEqual(len(said), 1, service.errors)
            self.assertIn("runs without the agent", said[0])

    @for_each_jdk
    def test_without_a_guestd_nothing_happens_and_little_is_used(self, major):
        plain = self.service(major, G1)
        lonely = self.service(major, G1, agent=f"runtime-dir={self.directory()}")
        for service in (plain, lonely):
            service.tell("live 50MiB")
            service.tell("report")
        extra = process_memory(lonely.pid) - process_memory(plain.pid)
        evidence("agent.alone", jdk=major, extra_pss_kib=extra // 1024, said=len(lonely.errors))
        self.assertEqual(lonely.errors, [])
        self.assertNotIn("org.aerostat", lonely.jcmd("VM.class_hierarchy"))
        self.assertLess(extra, 24 * MIB, "far beyond the noise between two equal JVMs")

    @for_each_jdk
    def test_the_agent_itself_is_small_and_idle(self, major):
        guestd, service = self.ballooned(major, G1, ["--rate", "500"])
        service.tell("live 100MiB")
        shares = []
        while len(shares) < 3 and (not shares or shares[-1] >= 0.001):  # a loaded machine makes every thread dearer: look again
            first, before = guestd.wait_report(), thread_cpu(service.pid, "Aerostat")
            last = guestd.wait_report(lambda r, since=first["at"]: r["at"] - since > 15, 40)
            shares.append((thread_cpu(service.pid, "Aerostat") - before) / (last["at"] - first["at"]))
        mapped = sum(rss_of_library(service.pid))
        evidence("agent.idle_cost", jdk=major, cpu_share_of_core=",".join(f"{share:.5f}" for share in shares),
                 library_rss_kib=mapped // 1024)
        self.assertLess(shares[-1], 0.001)
        self.assertLess(mapped, 8 * MIB)

    @for_each_jdk
    def test_jvms_that_must_not_be_ballooned_say_why(self, major):
        cases = {"Parallel collector": ["-XX:+UseParallelGC"], "full-gcs=0": ["-XX:+UseSerialGC"],
                 "AlwaysPreTouch": ["-XX:+UseG1GC", "-XX:+AlwaysPreTouch"], "UsePerfData": ["-XX:+UseG1GC", "-XX:-UsePerfData"]}
        for why, args in cases.items():
            guestd, service = self.ballooned(major, [*args, "-Xmx256m"])
            guestd.order("a", 32 * MIB)
            result = guestd.result("a")
            self.assertEqual(result["reason"], "unsupported")
            self.assertEqual(result["obtained_bytes"], 0)
            self.assertIn(why, result["detail"])
            self.assertFalse(guestd.hello["jvm"]["can_balloon"])
            service.stop()

    @for_each_jdk
    def test_what_a_heap_without_a_balloon_holds_is_measured_too(self, major):
        for collector in ("Parallel", "Serial", "Shenandoah"):
            option = f"-XX:+Use{collector}GC"
            if not self.starts(major, option):
                print(f"SKIPPED {collector} on JDK {major}: this JDK does not have it", file=sys.stderr)
                continue
            guestd, service = self.ballooned(major, [option, "-Xms1g", "-Xmx1g"])
            service.tell("live 100MiB")
            report = guestd.wait_report(lambda r: r["footprint_bytes"] < r["committed_bytes"] // 2, 40)
            rss = process_memory(service.pid, "Rss")
            evidence("agent.measured", jdk=major, collector=collector, committed_mib=report["committed_bytes"] // MIB,
                     footprint_mib=report["footprint_bytes"] // MIB, process_rss_mib=rss // MIB)
            self.assertGreater(report["footprint_bytes"], 100 * MIB)
            self.assertLess(report["footprint_bytes"], rss)
            service.stop()

    @for_each_jdk
    def test_where_chunks_would_be_cleared_the_levers_alone_give_memory_back(self, major):
        guestd, service = self.ballooned(major, ["-XX:+UseG1GC", "-Xmx1g", "-XX:SoftRefLRUPolicyMSPerMB=0"], ["--rate", "200"])
        service.tell("live 64MiB")
        service.tell("garbage 500MiB")
        report = guestd.wait_report(lambda r: r["footprint_bytes"] > 500 * MIB)
        pss = process_memory(service.pid)
        guestd.order("a", report["footprint_bytes"] - 200 * MIB, 8000)
        result = guestd.result("a")
        fell = pss - process_memory(service.pid)
        evidence("agent.levers_only", jdk=major, reason=result["reason"], obtained_mib=result["obtained_bytes"] // MIB,
                 pss_fell_mib=fell // MIB, elapsed_ms=result["elapsed_ms"])
        self.assertEqual(result["reason"], "met")
        self.assertGreater(fell, 150 * MIB)
        report = guestd.wait_report()
        self.assertEqual(report["balloon_bytes"], 0)
        guestd.order("b", 8 * MIB, 8000)
        more = guestd.result("b")
        self.assertIn(more["reason"], ("not-reclaimable", "floor", "deadline"))
        if more["reason"] == "not-reclaimable":
            self.assertIn("SoftRefLRUPolicyMSPerMB", more["detail"])
        self.check_heap(service)

    @for_each_jdk
    def test_copies_of_arrays_are_never_taken_for_arrays(self, major):
        """Under -Xcheck:jni the JVM hands out copies: the fixed-size heap leaves only chunks, and those must be given up."""
        guestd, service = self.ballooned(major, ["-XX:+UseG1GC", "-Xms512m", "-Xmx512m", "-Xcheck:jni"])
        service.tell("live 50MiB")
        service.tell("garbage 200MiB")
        guestd.order("a", 100 * MIB)
        result = guestd.result("a")
        evidence("agent.check_jni", jdk=major, reason=result["reason"], detail=result["detail"])
        self.assertEqual(result["reason"], "not_reclaimable".replace("_", "-"))
        self.check_heap(service)

    @for_each_jdk
    def test_it_obeys_only_root_or_its_own_user(self, major):
        if os.geteuid() != 0:
            print("SKIPPED test_it_obeys_only_root_or_its_own_user: needs root to play another user", file=sys.stderr)
            self.skipTest("needs root")
        os.seteuid(65534)
        try:
            guestd = self.guestd()
        finally:
            os.seteuid(0)
        service = self.service(major, G1, agent=f"runtime-dir={os.path.dirname(guestd.path)}")
        until = time.monotonic() + 20
        while not service.errors and time.monotonic() < until:
            service.tell("check")
        self.assertIn("neither root nor our own user", "\n".join(service.errors))
        self.assertIsNone(guestd.hello)

    @for_each_jdk
    def test_target_and_results_outlive_the_connection(self, major):
        guestd, service = self.ballooned(major, ["-XX:+UseG1GC", "-Xmx1g"], ["--rate", "100"])
        service.tell("live 50MiB")
        service.tell("garbage 500MiB")
        guestd.order("a", 300 * MIB)
        first = guestd.result("a")
        session = guestd.session
        guestd.drop()
        guestd.wait_for(lambda: guestd.session not in (None, session), 20, "another session")
        report = guestd.wait_report()
        self.assertIn("target_bytes", report)
        guestd.results.clear()
        guestd.order("a", 300 * MIB)
        again = guestd.result("a")
        self.assertEqual(again["obtained_bytes"], first["obtained_bytes"])
        self.assertEqual(again["session"], guestd.session)

    @for_each_jdk
    def test_holding_a_balloon_without_a_guestd_takes_no_rush(self, major):
        guestd, service = self.ballooned(major, ["-XX:+UseG1GC", "-Xmx512m"], ["--rate", "100"], ",cap=elastic")
        service.tell("live 50MiB")
        guestd.order("a", 200 * MIB)
        guestd.result("a")
        os.unlink(guestd.path)  # nobody to come back to
        guestd.drop()
        guestd.wait_for(lambda: guestd.session is None, 10, "the end of the session")
        began, before = time.monotonic(), thread_cpu(service.pid, "Aerostat")
        while time.monotonic() - began < 5:
            service.tell("report")
        share = (thread_cpu(service.pid, "Aerostat") - before) / (time.monotonic() - began)
        evidence("agent.held_alone", jdk=major, cpu_share_of_core=f"{share:.4f}")
        self.assertLess(share, 0.1, "the agent does not rest between its looks")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


def thread_cpu(pid, name):
    """CPU seconds of the thread of that name."""
    for tid in os.listdir(f"/proc/{pid}/task"):
        if read(f"/proc/{pid}/task/{tid}/comm") == name:
            return int(read(f"/proc/{pid}/task/{tid}/schedstat").split()[0]) / 1e9
    raise LookupError(name)


def rss_of_library(pid):
    """Resident bytes of the mappings of the agent's library."""
    inside = False
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as file:
        for line in file:
            if "-" in line.split(" ")[0]:
                inside = "libaerostat-jvm.so" in line
            elif inside and line.startswith("Rss:"):
                yield int(line.split()[1]) * 1024


if __name__ == "__main__":
    run_and_count()
