"""Evidence that a heap gives gigabytes back within a deadline, and gets them back when it needs them."""


from agent_case import GIB, MIB, AgentCase, evidence, for_each_jdk, process_memory, run_and_count, time

HEAP = ["-XX:+UseG1GC", "-Xmx4g"]
LOAD = ["--rate", "200", "--threads", "2"]


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


class ShrinkAndGrow(AgentCase):
    def prepare(self, service):
        service.tell("live 125MiB")
        service.tell("garbage 2.5GiB")
        service.tell("report")

    def grow(self, service):
        """Grows the live set to 3.5 GiB; returns wall and CPU seconds and the report."""
        cpu, began = cpu_seconds(service.pid), time.monotonic()
        answer = service.tell("grow 3.5GiB")
        self.assertNotIn("error", answer)
        figures = {"wall": time.monotonic() - began, "cpu": cpu_seconds(service.pid) - cpu}
        return figures, service.tell("report")

    def without_agent(self, major, garbage):
        service = self.service(major, HEAP, LOAD)
        service.tell("live 125MiB")
        if garbage:
            service.tell("garbage 2.5GiB")
        service.tell("report")
        figures, _ = self.grow(service)
        service.stop()
        return figures

    @for_each_jdk
    def test_two_gib_come_back_and_the_live_set_may_grow_again(self, major):
        guestd, service = self.ballooned(major, HEAP, LOAD)
        self.prepare(service)
        report = guestd.wait_report()
        pss = process_memory(service.pid)
        target = report["footprint_bytes"] - 2 * GIB
        guestd.order("shrink", target, 5000)
        result = guestd.result("shrink")
        fell = pss - process_memory(service.pid)
        stall = service.tell("report")
        evidence("agent.shrink", jdk=major, obtained_mib=result["obtained_bytes"] // MIB, pss_fell_mib=fell // MIB,
                 reason=result["reason"], elapsed_ms=result["elapsed_ms"], worst_stall_ms=stall["worst_stall_ms"],
                 full_gcs=stall["full_gcs"], oome=stall["oome"])
        self.assertEqual(result["reason"], "met")
        self.assertGreaterEqual(result["obtained_bytes"], 2 * GIB)
        self.assertLessEqual(result["elapsed_ms"], 5000)
        self.assertGreaterEqual(fell, 2 * GIB - 64 * MIB)
        self.assertEqual((stall["full_gcs"], stall["oome"]), ("0", "0"))
        self.check_heap(service)

        guestd.wait_report(lambda r: r["committed_bytes"] - r["balloon_bytes"] <= target + 64 * MIB, 90,
                           "a heap that has no more room than its target, the balloon left out")
        guestd.order("all", target, 30000, cap="hard")
        held = guestd.wait_report(lambda r: r["balloon_bytes"] > GIB, 90, "a balloon of all of the maximum")
        self.assertLessEqual(process_memory(service.pid, "Rss") - held["non_heap_bytes"], target + 256 * MIB)
        figures, after = self.grow(service)
        report = guestd.wait_report()
        resident = self.without_agent(major, garbage=True)
        fresh = self.without_agent(major, garbage=False)
        evidence("agent.grow", jdk=major, balloon_before_mib=held["balloon_bytes"] // MIB,
                 balloon_after_mib=report["balloon_bytes"] // MIB, oome=after["oome"], full_gcs=after["full_gcs"],
                 worst_stall_ms=after["worst_stall_ms"], wall_s=round(figures["wall"], 2), cpu_s=round(figures["cpu"], 2),
                 wall_ratio_resident_heap=round(figures["wall"] / resident["wall"], 2),
                 wall_ratio_fresh_heap=round(figures["wall"] / fresh["wall"], 2),
                 cpu_ratio_resident_heap=round(figures["cpu"] / resident["cpu"], 2),
                 cpu_ratio_fresh_heap=round(figures["cpu"] / fresh["cpu"], 2), pressures=len(guestd.pressures))
        self.assertEqual(after["oome"], "0")
        self.assertLess(report["balloon_bytes"], 256 * MIB)
        self.assertTrue(guestd.pressures, "the superior must hear of it")
        self.assertGreater(self.check_heap(service), 900_000)

    @for_each_jdk
    def test_zgc_that_gives_back_soon_is_held_without_a_balloon(self, major):
        delay = 2
        options = ["-XX:+UseZGC", "-Xms16m", "-Xmx1g", f"-XX:ZUncommitDelay={delay}"]
        guestd, service = self.ballooned(major, options, ["--rate", "100", "--threads", "2"])
        service.tell("live 60MiB")
        service.tell("garbage 500MiB")
        report = guestd.wait_report(lambda r: r["footprint_bytes"] > 480 * MIB)
        target = 320 * MIB
        guestd.order("shrink", target, 20000)
        result = guestd.result("shrink", 30)
        self.assertEqual(result["reason"], "met", result)
        self.assertGreaterEqual(result["elapsed_ms"], 1000 * (delay - 1), "what is unused goes after the delay")
        seen = len(guestd.reports)
        held = guestd.wait_for(lambda: guestd.reports[seen:] if len(guestd.reports) >= seen + 8 else None, 60, "eight reports")
        stall = service.tell("report")
        most = max(one["footprint_bytes"] for one in held)
        evidence("agent.soft_maximum", jdk=major, before_mib=report["footprint_bytes"] // MIB, elapsed_ms=result["elapsed_ms"],
                 most_mib=most // MIB, full_gcs=stall["full_gcs"], oome=stall["oome"])
        self.assertEqual({one["balloon_bytes"] for one in held}, {0})
        self.assertLessEqual(most, 1.25 * target, "a soft maximum may be passed for a moment")
        self.assertEqual(stall["oome"], "0")
        service.tell("grow 500MiB")
        after = service.tell("report")
        self.assertEqual(after["oome"], "0")
        self.assertGreater(self.check_heap(service), 100_000)

    @for_each_jdk
    def test_a_heap_of_fixed_size_gives_by_chunks_alone(self, major):
        guestd, service = self.ballooned(major, ["-XX:+UseG1GC", "-Xms3g", "-Xmx3g"], ["--rate", "2000", "--threads", "2"])
        service.tell("live 125MiB")
        service.tell("garbage 1.8GiB")
        # What is left then is more than a heap of 3 GiB needs so as not to collect back to back.
        report = guestd.wait_report(lambda r: r["footprint_bytes"] > 7 * GIB // 4)
        pss = process_memory(service.pid)
        service.tell("report")
        guestd.order("chunks", report["footprint_bytes"] - GIB, 8000)
        result = guestd.result("chunks")
        fell = pss - process_memory(service.pid)
        stall = service.tell("report")
        report = guestd.wait_report()
        evidence("agent.fixed_size", jdk=major, obtained_mib=result["obtained_bytes"] // MIB, pss_fell_mib=fell // MIB,
                 reason=result["reason"], elapsed_ms=result["elapsed_ms"], balloon_mib=report["balloon_bytes"] // MIB,
                 worst_stall_ms=stall["worst_stall_ms"], full_gcs=stall["full_gcs"], oome=stall["oome"])
        self.assertEqual(result["reason"], "met")
        self.assertGreaterEqual(result["obtained_bytes"], GIB)
        self.assertEqual(report.get("levers", []), [])
        self.assertGreaterEqual(report["balloon_bytes"], GIB // 2)
        self.assertEqual((stall["full_gcs"], stall["oome"]), ("0", "0"))
        self.check_heap(service)

    @for_each_jdk
    def test_orders_are_answered_by_the_rules(self, major):
        """Floor, repetition, another session, lifting, and settings put back."""
        guestd, service = self.ballooned(major, ["-XX:+UseG1GC", "-Xmx1g"], ["--rate", "100"])
        service.tell("live 300MiB")
        guestd.order("stranger", 64 * MIB, session="someone-else")
        guestd.order("floor", 32 * MIB, 6000)
        result = guestd.result("floor")
        evidence("agent.floor", jdk=major, reason=result["reason"], elapsed_ms=result["elapsed_ms"], detail=result.get("detail"))
        self.assertIn(result["reason"], ("floor", "met"))
        self.assertEqual(result["reason"], "floor")
        self.assertNotIn("stranger", guestd.results)
        first = guestd.results.pop("floor")
        guestd.order("floor", 32 * MIB, 6000)
        self.assertEqual(guestd.result("floor")["obtained_bytes"], first["obtained_bytes"])
        # What is alive is an estimate, less garbage that is expected.
        guestd.wait_report(lambda r: r.get("live_bytes", 0) > 250 * MIB, 30, "a live set")
        guestd.wait_report(lambda r: "MaxHeapFreeRatio" in " ".join(r.get("levers", [])), 30, "levers")
        guestd.order("lift", 1 << 40)
        self.assertEqual(guestd.result("lift")["reason"], "met")
        report = guestd.wait_report(lambda r: r["balloon_bytes"] == 0)
        self.assertNotIn("target_bytes", report)
        self.check_own_settings(service)
        self.check_heap(service)


if __name__ == "__main__":
    run_and_count()
