"""Each collector that is not G1, in its own way: what comes back, verified from outside; and the program keeps all it has."""

import glob
import os
import sys

from agent_case import MIB, AgentCase, evidence, for_each_jdk, jdks, process_memory, run_and_count

LOAD = ["--rate", "200", "--threads", "2"]
ASKED = 800 * MIB


def memory_of(pid):
    """Bytes by the kernel's books: the blocks of ZGC's memory file, which PSS shows only where touched; else PSS."""
    for link in glob.glob(f"/proc/{pid}/fd/*"):
        try:
            if "memfd:java_heap" in os.readlink(link):
                return os.stat(link).st_blocks * 512
        except FileNotFoundError:
            continue
    return process_memory(pid)


class Collectors(AgentCase):
    def squeezed(self, major, jvm_args, options="", within_ms=8000):
        """A service with much garbage in its heap, after an order to give ASKED: (guestd, service, figures)."""
        guestd, service = self.ballooned(major, ["-Xmx2g", *jvm_args], LOAD, options)
        service.tell("live 100MiB")
        report = self.with_garbage(guestd, service)
        service.tell("report")
        before = memory_of(service.pid)
        guestd.order("squeeze", report["footprint_bytes"] - ASKED, within_ms)
        result = guestd.result("squeeze")
        fell = before - memory_of(service.pid)
        seen = service.tell("report")
        evidence("agent.collector", jdk=major, jvm=" ".join(jvm_args), reason=result["reason"],
                 obtained_mib=result["obtained_bytes"] // MIB, fell_mib=fell // MIB, elapsed_ms=result["elapsed_ms"],
                 worst_stall_ms=seen["worst_stall_ms"], full_gcs=seen["full_gcs"], oome=seen["oome"])
        return guestd, service, result, fell, seen

    @staticmethod
    def with_garbage(guestd, service):
        """A report of a heap full of it. A collection of the program's own may come first: then there is more garbage."""
        for _ in range(9):
            service.tell("garbage 1.2GiB")
            try:
                return guestd.wait_report(lambda r: r["footprint_bytes"] > ASKED + 200 * MIB)
            except TimeoutError:
                continue
        raise AssertionError(f"the heap never filled: {guestd.reports[-1]}")

    def check_given(self, service, result, fell, seen):
        self.assertEqual(result["reason"], "met")
        self.assertGreaterEqual(result["obtained_bytes"], ASKED - 8 * MIB)  # a target counts from what the heap holds then
        self.assertGreaterEqual(fell, ASKED - 50 * MIB)
        self.assertEqual(seen["oome"], "0")
        self.check_heap(service)

    def check_put_back(self, guestd, service):
        """The soft maximum while a target is in force, and after it has been lifted."""
        self.assertIn("SoftMaxHeapSize", " ".join(guestd.wait_report(lambda r: r.get("levers"))["levers"]))
        guestd.order("lift", 4 << 30)
        guestd.result("lift")
        report = guestd.wait_report(lambda r: r["balloon_bytes"] == 0)
        self.assertEqual(report.get("levers", []), [])
        self.assertRegex(service.jcmd("VM.flags", "-all"), rf"SoftMaxHeapSize +:?= *{2 << 30}\b")

    def has(self, major, *options):
        if self.starts(major, *options):
            return True
        print(f"SKIPPED {' '.join(options)} on JDK {major}: this JDK does not have it", file=sys.stderr)
        return False

    @for_each_jdk
    def test_zgc_gives_pages_of_its_memory_file_back_puts_its_setting_back_and_grows_again(self, major):
        if not self.has(major, "-XX:+UseZGC"):
            return
        for size in ([], ["-Xms2g"]):
            guestd, service, result, fell, seen = self.squeezed(major, ["-XX:+UseZGC", *size])
            self.check_given(service, result, fell, seen)
            report = guestd.wait_report(lambda r: r["balloon_bytes"] > 0)
            self.assertEqual(report["balloon_verified_bytes"], report["balloon_bytes"])
            self.assertLess(report["non_heap_bytes"], 400 * MIB, "the heap's memory file is not counted twice")
            if size:  # the other one has to let go without being told
                self.check_put_back(guestd, service)
            answer = service.tell("grow 1.3GiB")
            self.assertNotIn("error", answer)
            self.assertEqual(service.tell("report")["oome"], "0")
            self.check_heap(service)
            service.stop()

    @for_each_jdk
    def test_shenandoah_gives_memory_back_puts_its_setting_back_and_grows_again(self, major):
        if not self.has(major, "-XX:+UseShenandoahGC"):
            return
        guestd, service, result, fell, seen = self.squeezed(major, ["-XX:+UseShenandoahGC"])
        self.check_given(service, result, fell, seen)
        if major == 25:  # the other one has to let go without being told
            self.check_put_back(guestd, service)
        answer = service.tell("grow 1.3GiB")
        self.assertNotIn("error", answer)
        self.assertEqual(service.tell("report")["oome"], "0")
        self.check_heap(service)

    @for_each_jdk
    def test_shenandoah_that_no_setting_moves_is_asked_for_a_concurrent_cycle_where_that_is_allowed(self, major):
        for jvm_args in (["-Xms2g"], ["-XX:ShenandoahGCMode=generational"]):
            if not self.has(major, "-XX:+UseShenandoahGC", *jvm_args):
                continue
            log = os.path.join(self.directory(), "gc.log")
            logged = ["-XX:+UseShenandoahGC", *jvm_args, f"-Xlog:gc*:file={log}"]
            _, service, result, fell, seen = self.squeezed(major, logged, ",full-gcs=1")
            self.check_given(service, result, fell, seen)
            with open(log, encoding="utf-8") as file:
                text = file.read()
            asked = text.count("request (System.gc())")
            evidence("agent.asked_cycles", jdk=major, jvm=" ".join(jvm_args), asked=asked)
            self.assertLessEqual(asked, 1, "none, if cycles of the program's own have found enough")
            self.assertNotIn("Pause Full", text)
            self.assertNotIn("Pause Degenerated", text)
            service.stop()

    def test_shenandoah_that_no_setting_moves_is_asked_for_nothing_by_default_and_says_what_would_help(self):
        major = min(jdks())
        if not self.has(major, "-XX:+UseShenandoahGC"):
            return
        log = os.path.join(self.directory(), "gc.log")
        logged = ["-XX:+UseShenandoahGC", "-Xms2g", f"-Xlog:gc*:file={log}"]
        _, service, result, _, seen = self.squeezed(major, logged, within_ms=2500)
        if result["obtained_bytes"] < 64 * MIB:  # else a cycle of the program's own has found it
            self.assertIn("full-gcs=N", result["detail"])
        with open(log, encoding="utf-8") as file:
            self.assertNotIn("System.gc()", file.read())
        self.assertEqual(seen["oome"], "0")
        self.check_heap(service)

    @for_each_jdk
    def test_serial_shrinks_in_as_many_full_collections_as_are_allowed(self, major):
        _, service, result, fell, seen = self.squeezed(major, ["-XX:+UseSerialGC"], ",full-gcs=8")
        self.check_given(service, result, fell, seen)
        self.assertGreater(int(seen["full_gcs"]), 0)

    @for_each_jdk
    def test_serial_ends_with_its_budget_and_says_so(self, major):
        _, service, result, _, _ = self.squeezed(major, ["-XX:+UseSerialGC"], ",full-gcs=1")
        self.assertEqual(result["reason"], "not-reclaimable")
        self.assertIn("full-gcs", result["detail"])
        self.check_heap(service)

    @for_each_jdk
    def test_tiny_heaps_keep_all_that_is_alive(self, major):
        """Of 64 MiB there is little to give, and what is asked for here is more than that: the program must not notice."""
        for option in ("-XX:+UseG1GC", "-XX:+UseZGC", "-XX:+UseShenandoahGC"):
            if not self.has(major, option):
                continue
            guestd, service = self.ballooned(major, ["-Xmx64m", option], LOAD)
            service.tell("live 8MiB")
            service.tell("garbage 16MiB")
            guestd.order("squeeze", 16 * MIB, 3000)
            result = guestd.result("squeeze")
            answer = service.tell("grow 24MiB")
            self.assertNotIn("error", answer)
            seen = service.tell("report")
            evidence("agent.tiny", jdk=major, jvm=option, reason=result["reason"], obtained_mib=result["obtained_bytes"] // MIB,
                     worst_stall_ms=seen["worst_stall_ms"], full_gcs=seen["full_gcs"], oome=seen["oome"])
            self.assertEqual(seen["oome"], "0")
            self.check_heap(service)
            service.stop()

    def test_transparent_huge_pages_are_given_back_too(self):
        major = min(jdks())  # the kernel's part is the same with any
        for option in ("-XX:+UseZGC", "-XX:+UseShenandoahGC"):
            if not self.has(major, option):
                continue
            _, service, result, fell, seen = self.squeezed(major, [option, "-XX:+UseTransparentHugePages"])
            self.check_given(service, result, fell, seen)
            service.stop()


if __name__ == "__main__":
    run_and_count()
