"""What the program and its operators see of the balloon: the MXBean, its switch, and events in flight recordings."""

import json
import os
import re
import subprocess

from agent_case import MIB, AgentCase, evidence, for_each_jdk, jdks, run_and_count, time

G1 = ["-XX:+UseG1GC", "-Xmx512m"]
WHY_OFF = "switched off by the program (org.aerostat:type=HeapBalloon)"


def until(condition, what, within=20):
    """Waits for something outside, which tells only when asked."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        got = condition()
        if got:
            return got
    raise TimeoutError(f"waited {within} s for {what}")


def beside_the_heap(service):
    """Resident bytes of the process without its heap."""
    heap = re.search(r"\[0x([0-9a-f]+), 0x([0-9a-f]+)\)", service.jcmd("GC.heap_info"))
    begin, end = (int(edge, 16) for edge in heap.groups())
    total, counts = 0, False
    with open(f"/proc/{service.pid}/smaps", encoding="utf-8") as file:
        for line in file:
            edges = re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line)
            if edges:
                counts = not begin <= int(edges.group(1), 16) < end
            elif counts and line.startswith("Rss:"):
                total += int(line.split()[1]) * 1024
    return total


def own_classes(service):
    return sorted(set(re.findall(r"org\.aerostat\.agent\.[\w$]+", service.jcmd("VM.class_hierarchy", "-i"))))


class JavaSide(AgentCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "BalloonClient.java")
        javac = os.path.join(jdks()[min(jdks())], "bin", "javac")
        subprocess.run([javac, "--release", "17", "-d", cls.class_dir, source], check=True)

    def bean(self, service, enabled=None):
        """The bean's attributes, as an operator's tool reads them; empty if there is none."""
        command = [os.path.join(service.home, "bin", "java"), "-Xmx32m", "-cp", self.classes, "BalloonClient", str(service.pid)]
        if enabled is not None:
            command.append(str(enabled).lower())
        run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        return dict(line.split("=", 1) for line in run.stdout.splitlines())

    def squeezed(self, major, options="", jvm_args=()):
        """A service whose heap of 512 MiB is held at 200 MiB, and the result of the order for it."""
        guestd, service = self.ballooned(major, [*G1, *jvm_args], options=options)
        self.squeeze(guestd, service, "a")
        return guestd, service

    def squeeze(self, guestd, service, op):
        service.tell("live 50MiB")
        service.tell("garbage 250MiB")
        for attempt in range(5):  # on a busy machine the agent may see distress first, and is asked again
            self.op = f"{op}{attempt or ''}"
            guestd.order(self.op, 200 * MIB, cap="hard")
            if guestd.result(self.op)["reason"] != "gc-distress":
                break
            guestd.wait_report(lambda r: not r.get("distress"), 60, "the distress to end")
        self.assertEqual(guestd.result(self.op)["reason"], "met")
        return guestd.wait_report(lambda r: r["balloon_bytes"] > 200 * MIB, 90, "a balloon of most of 312 MiB")

    @for_each_jdk
    def test_its_classes_come_after_the_first_order_only(self, major):
        guestd, service = self.ballooned(major, G1)
        guestd.wait_report()
        self.assertEqual(own_classes(service), [])
        self.squeeze(guestd, service, "a")
        until(lambda: "org.aerostat.agent.HeapBalloon" in own_classes(service), "the bean's class")
        self.assertEqual(self.bean(service)["Enabled"], "true")
        self.assertFalse([name for name in own_classes(service) if "Flight" in name], "nobody records")
        evidence("java_side.classes", jdk=major, loaded=",".join(name.rsplit(".", 1)[1] for name in own_classes(service)))

    def without_bean_yet(self, major):
        """A squeezed service, and what it holds beside its heap before the bean comes, two seconds later."""
        for _ in range(4):
            guestd, service = self.ballooned(major, G1)
            own_classes(service)  # answering this costs a JVM memory the first time
            self.squeeze(guestd, service, "a")
            before = beside_the_heap(service)
            if "org.aerostat.agent.HeapBalloon" not in own_classes(service):
                return guestd, service, before
            service.stop()  # a busy machine: too late
        raise TimeoutError("the bean was always there before anything could be measured")

    @for_each_jdk
    def test_the_bean_costs_little_and_is_never_there_when_off(self, major):
        guestd, service, before = self.without_bean_yet(major)
        until(lambda: "org.aerostat.agent.HeapBalloon" in own_classes(service), "the bean's class")
        guestd.wait_report()
        after = beside_the_heap(service)
        self.bean(service)
        connected = beside_the_heap(service)
        evidence("java_side.mxbean_rss", jdk=major, before_mib=round(before / MIB, 1), after_mib=round(after / MIB, 1),
                 cost_mib=round((after - before) / MIB, 1), with_a_jmx_client_mib=round(connected / MIB, 1))
        self.assertLess(after - before, 27 * MIB)
        service.stop()
        guestd, service = self.squeezed(major, ",mxbean=off")
        first = guestd.wait_report()
        guestd.wait_report(lambda r: r["at"] - first["at"] > 5)
        self.assertEqual(own_classes(service), ["org.aerostat.agent.Flags"])
        self.assertEqual(self.bean(service), {})

    @for_each_jdk
    def test_the_bean_tells_what_the_reports_tell(self, major):
        guestd, service = self.squeezed(major, ",mxbean=on")
        result = guestd.result(self.op)

        def agree():
            seen, report = self.bean(service), guestd.reports[-1]
            pairs = {"GrantedBytes": "balloon_bytes", "VerifiedBytes": "balloon_verified_bytes", "TargetBytes": "target_bytes",
                     "FloorBytes": "floor_bytes", "FootprintBytes": "footprint_bytes", "Refills": "refills",
                     "ClearedChunks": "cleared_chunks"}
            return seen if all(int(seen[name]) == report[key] for name, key in pairs.items()) else None

        seen = until(agree, "the bean and the latest report to say the same")
        evidence("java_side.attributes", jdk=major, **seen)
        self.assertEqual(int(seen["ResidentBytes"]), int(seen["GrantedBytes"]) - int(seen["VerifiedBytes"]))
        self.assertEqual((seen["LastOperationId"], seen["LastOperationReason"]), (self.op, "met"))
        self.assertEqual(int(seen["LastOperationAskedBytes"]), result["asked_bytes"])
        self.assertEqual(int(seen["LastOperationObtainedBytes"]), result["obtained_bytes"])
        self.assertEqual(int(seen["LastOperationElapsedMillis"]), result["elapsed_ms"])
        self.assertEqual((seen["Collector"], seen["Distress"], seen["Enabled"]), ("G1", "", "true"))

    @for_each_jdk
    def test_with_mxbean_on_it_is_there_from_the_start_and_says_that_there_is_no_target(self, major):
        _, service = self.ballooned(major, G1, options=",mxbean=on")
        seen = until(lambda: self.bean(service), "the bean")
        self.assertEqual((seen["TargetBytes"], seen["GrantedBytes"], seen["LastOperationId"]), ("-1", "0", ""))

    @for_each_jdk
    def test_the_switch_gives_everything_back_and_refuses_until_it_is_on_again(self, major):
        guestd, service = self.squeezed(major, ",mxbean=on")
        held = guestd.wait_report()["balloon_bytes"]
        began = time.monotonic()
        self.bean(service, enabled=False)
        report = guestd.wait_for(lambda: next((r for r in guestd.reports if not r["facts"]["can_balloon"]), None), 10,
                                 "a report that says so")
        self.assertEqual((report["balloon_bytes"], report.get("levers"), report.get("target_bytes")), (0, None, None))
        self.assertEqual(report["facts"]["why_not"], WHY_OFF)
        guestd.order("b", 200 * MIB)
        refused = guestd.result("b")
        evidence("java_side.switch_off", jdk=major, held_mib=held // MIB, left_mib=report["balloon_bytes"] // MIB,
                 within_ms=round((report["at"] - began) * 1000), then=refused["reason"])
        self.assertEqual((refused["reason"], refused["obtained_bytes"]), ("unsupported", 0))
        self.assertIn(WHY_OFF, refused["detail"])

        self.assertNotIn("error", service.tell("grow 400MiB"))  # needs the room that the balloon had
        self.check_heap(service)
        session = guestd.session
        guestd.drop()
        guestd.wait_for(lambda: guestd.session not in (None, session), 20, "another session")
        self.assertFalse(guestd.hello["jvm"]["can_balloon"])

        self.bean(service, enabled=True)
        guestd.wait_report(lambda r: r["facts"]["can_balloon"])
        self.squeeze(guestd, service, "c")

    @for_each_jdk
    def test_a_recording_shows_what_the_balloon_did(self, major):
        guestd, service = self.squeezed(major)
        self.assertFalse([name for name in own_classes(service) if "Flight" in name], "nobody records yet")
        guestd.order("lift", 1 << 40)
        guestd.result("lift")
        file = os.path.join(self.directory(), "balloon.jfr")
        service.jcmd("JFR.start", "name=balloon")
        before = beside_the_heap(service)
        self.squeeze(guestd, service, "again")
        after = beside_the_heap(service)
        self.assertNotIn("error", service.tell("grow 420MiB"))
        guestd.wait_for(lambda: guestd.pressures, 10, "the guard")
        guestd.order("lift-again", 1 << 40)
        guestd.result("lift-again")
        report = guestd.wait_report()
        service.jcmd("JFR.dump", "name=balloon", f"filename={file}")
        events = self.events(service, file)
        moved = {kind: sum(e["bytes"] for e in events if e["kind"] == kind) for kind in ("Inflate", "Deflate", "Guard", "Refill")}
        causes = sorted({e["cause"] for e in events})
        evidence("java_side.jfr", jdk=major, events=len(events), inflated_mib=moved["Inflate"] // MIB,
                 deflated_mib=moved["Deflate"] // MIB, causes="|".join(causes).replace(" ", "_"),
                 rss_before_mib=round(before / MIB, 1), rss_after_mib=round(after / MIB, 1),
                 cost_mib=round((after - before) / MIB, 1))
        self.assertGreater(moved["Inflate"], 200 * MIB)
        self.assertEqual(moved["Inflate"], moved["Deflate"], "the balloon was empty before and is again")
        self.assertEqual((report["balloon_bytes"], events[-1]["balloonBytes"]), (0, 0))
        self.assertTrue([e for e in events if e["kind"] == "Guard"], causes)
        self.assertIn("order again", causes)

    @staticmethod
    def events(service, file):
        tool = os.path.join(service.home, "bin", "jfr")
        run = subprocess.run([tool, "print", "--json", "--events", "org.aerostat.*", file], capture_output=True, text=True,
                             check=True)
        found = json.loads(run.stdout)["recording"]["events"]
        return sorted(({**e["values"], "kind": e["type"].rsplit(".", 1)[1]} for e in found), key=lambda e: e["startTime"])

    @for_each_jdk
    def test_with_jfr_off_a_recording_shows_nothing(self, major):
        guestd, service = self.ballooned(major, G1, options=",jfr=off")
        service.jcmd("JFR.start", "name=balloon")
        self.squeeze(guestd, service, "a")
        self.assertFalse([name for name in own_classes(service) if "Flight" in name])

    @for_each_jdk
    def test_without_the_modules_it_works_on_and_says_so_only_when_verbose(self, major):
        for modules, missing in (("java.base", True), ("java.base,java.management", False)):
            for log in ("quiet", "verbose"):
                guestd, service = self.ballooned(major, [*G1, "--limit-modules", modules], options=f",log={log}")
                service.tell("live 50MiB")
                guestd.order("a", 200 * MIB, cap="hard")  # by chunks alone: the levers need jdk.management
                guestd.wait_report(lambda r: r["balloon_bytes"] > 100 * MIB, 90, "a balloon")
                until(lambda s=service: "org.aerostat.agent.HeapBalloon" in own_classes(s), "the bean's class")
                guestd.order("b", 220 * MIB, cap="hard")
                guestd.result("b")
                first = guestd.wait_report()
                guestd.wait_report(lambda r, since=first["at"]: r["at"] - since > 1.5)
                said = [line for line in service.errors if "no MXBean" in line]
                evidence("java_side.modules", jdk=major, modules=modules, log=log, said="|".join(said).replace(" ", "_"))
                self.assertEqual(len(said), 1 if missing and log == "verbose" else 0, service.errors)
                self.assertEqual([line for line in service.errors if log == "quiet" and line.startswith("aerostat")], [])
                self.check_heap(service)
                service.stop()


if __name__ == "__main__":
    run_and_count()
