"""What operators see of the guest's memory in a JVM with the agent: the MXBean GuestMemory, and its changes in recordings. The
program itself needs no aerostat.jar for that."""

import json
import os
import subprocess

from condition_case import CRITICAL, TIGHT, ConditionCase, evidence, for_each_jdk, run_and_count, until
from fake_guestd import FakeGuestd
from java_service import agent_library

GIB = 1 << 30


class WithAgent(ConditionCase):
    def program(self, major, directory, options="", jvm_args=()):
        guestd = FakeGuestd(directory)  # an agent that is alone looks every five seconds only
        self.addCleanup(guestd.close)
        agent = f"-agentpath:{agent_library()}=runtime-dir={directory},name=shop{options}"
        return self.client(major, directory, [*jvm_args, agent])

    @for_each_jdk
    def test_the_bean_says_what_the_page_says(self, major):
        directory = self.directory()
        client = self.program(major, directory, ",mxbean=on")
        nothing = until(lambda: "Validity" in client.tell("bean") and client.tell("bean"), "the bean")
        self.assertEqual((nothing["Validity"], nothing["Level"], nothing["AvailableBytes"], nothing["AgeMillis"]),
                         ("NO_DAEMON", "", "-1", "-1"))
        page = self.page(directory)
        page.publish(level=TIGHT, trend=2, host_level=CRITICAL, available_bytes=5 * GIB, suggested_release_bytes=GIB,
                     java_ballooned_bytes=1, guest_total_bytes=4, stale_after_ns=60_000_000_000)
        until(lambda: client.tell("bean")["Validity"] == "VALID", "the page to be found")
        seen = client.tell("bean")
        self.assertLess(0, int(seen.pop("AgeMillis")))
        self.assertEqual(seen, {"Validity": "VALID", "Level": "TIGHT", "Trend": "FALLING", "HostLevel": "CRITICAL",
                                "AvailableBytes": str(5 * GIB), "SuggestedReleaseBytes": str(GIB), "JavaBalloonedBytes": "1",
                                "GuestBalloonedBytes": "-1", "GuestTargetBytes": "-1", "GuestTotalBytes": "4"})
        page.publish(stale_after_ns=200_000_000)
        until(lambda: client.tell("bean")["Validity"] == "STALE", "the mark")
        page.publish(validity=1)
        until(lambda: client.tell("bean")["Validity"] == "NO_DAEMON", "the daemon's end")
        page.publish(stale_after_ns=60_000_000_000)
        until(lambda: client.tell("bean")["Validity"] == "VALID", "another daemon")
        os.truncate(page.path, 0)  # no daemon of ours does: it must not kill the program
        until(lambda: client.tell("bean")["Validity"] == "NO_DAEMON", "no page")

    @for_each_jdk
    def test_a_recording_shows_its_changes(self, major):
        directory = self.directory()
        page = self.page(directory)
        page.publish(stale_after_ns=60_000_000_000)
        client = self.program(major, directory, ",mxbean=off")
        file = os.path.join(directory, "guest.jfr")
        client.jcmd("JFR.start", "name=guest")
        page.publish(level=TIGHT, available_bytes=GIB, suggested_release_bytes=7, stale_after_ns=60_000_000_000)

        def events():
            client.jcmd("JFR.dump", "name=guest", f"filename={file}")
            run = subprocess.run([os.path.join(client.home, "bin", "jfr"), "print", "--json", "--events",
                                  "org.aerostat.GuestMemory", file], capture_output=True, text=True, check=False)
            return [event["values"] for event in json.loads(run.stdout)["recording"]["events"]] if run.returncode == 0 else []

        last = until(lambda: [event for event in events() if event["level"] == "TIGHT"], "the event")[0]
        self.assertEqual((last["validity"], last["availableBytes"], last["suggestedReleaseBytes"]), ("VALID", GIB, 7))
        page.publish(level=CRITICAL, stale_after_ns=60_000_000_000)
        until(lambda: [event for event in events() if event["level"] == "CRITICAL"], "the next one")
        evidence("condition.java_jfr", jdk=major, levels="|".join(event["level"] for event in events()))

    @for_each_jdk
    def test_without_the_modules_the_program_and_its_api_work_on(self, major):
        directory = self.directory()
        self.page(directory).publish(level=TIGHT)
        client = self.program(major, directory, ",mxbean=on", ["--limit-modules", "java.base"])
        client.tell("listen a 1 level ok")
        client.event("told", level="TIGHT")
        self.assertEqual(client.errors, [])


if __name__ == "__main__":
    run_and_count()
