"""The memory condition in Java, told by a real guestd: the same values, changes at once, and its end, orderly or not."""

import os
import signal
import sys

from condition_case import ConditionCase, evidence, for_each_jdk, run_and_count, time, until
from condition_page import UNKNOWN, read_page

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "guestd"))

from bed import Bed  # noqa: E402

SIZES = {"available": "available_bytes", "release": "suggested_release_bytes", "java": "java_ballooned_bytes",
         "guest": "guest_ballooned_bytes", "target": "guest_target_bytes", "total": "guest_total_bytes"}


class RealDaemon(ConditionCase):
    def hosted(self):
        """A guestd with a host that is well."""
        bed = Bed(start=False)
        self.addCleanup(bed.__exit__)
        bed.options += ["--host", "unix:" + os.path.join(bed.directory, "host.sock")]
        host = bed.host()
        bed.start()
        host.accept()
        host.line.send("condition", level="ample", price=0.25, guest_target_bytes=1 << 30)
        return bed, host

    @for_each_jdk
    def test_values_are_those_that_guestd_has_written(self, major):
        bed, _ = self.hosted()
        client = self.client(major, bed.runtime)

        def same():
            page, seen = read_page(os.path.join(bed.runtime, "condition")), client.read()
            return (page, seen) if page and seen["updates"] == str(page["updates"]) else None

        until(lambda: client.read()["host"] == "AMPLE", "the host's word")
        page, seen = until(same, "the same write read twice")
        self.assertEqual(seen["target"], str(1 << 30))
        for name, key in SIZES.items():
            self.assertEqual(seen[name], "?" if page[key] == UNKNOWN else str(page[key]), name)
        self.assertEqual((seen["validity"], seen["session"]), ("VALID", str(page["session"])))
        for name, key in (("some", "psi_some_avg10"), ("full", "psi_full_avg10"), ("price", "host_price")):
            self.assertEqual(seen[name], "?" if page[key] < 0 else str(page[key]), name)
        shown = ("level", "host", "available", "total", "age_ms")
        evidence("condition.java_guestd", jdk=major, **{key: seen[key] for key in shown})

    @for_each_jdk
    def test_what_the_host_says_reaches_a_listener_at_once(self, major):
        bed, host = self.hosted()
        client = self.client(major, bed.runtime)
        client.tell("listen a 1 level ok")
        client.event("told", level="AMPLE", validity="VALID")
        took = []
        for word, level in (("tight", "ADVISORY"), ("critical", "TIGHT")):
            began = time.monotonic_ns()
            host.line.send("condition", level=word)
            took.append(round((int(client.event("told", level=level)["at"]) - began) / 1e6, 2))
        evidence("condition.java_host_to_listener_ms", jdk=major, **dict(zip(("advisory", "tight"), took)))
        self.assertLess(min(took), 200)

    @for_each_jdk
    def test_a_guestd_that_is_killed_leaves_a_stale_condition_and_its_successor_is_found(self, major):
        bed, host = self.hosted()
        client = self.client(major, bed.runtime)
        client.tell("listen a 1 level ok")
        first = client.event("told", validity="VALID")
        bed.end(signal.SIGKILL)
        killed = time.monotonic()
        stale = client.event("told", validity="STALE")
        self.assertEqual(stale["session"], first["session"])
        marked = time.monotonic() - killed
        bed.start()
        host.accept()
        host.line.send("condition", level="ample")
        until(lambda: any(event["session"] not in ("?", first["session"]) for event in client.events("told", validity="VALID")),
              "the successor's session")
        evidence("condition.java_killed_s", jdk=major, until_marked_stale=round(marked, 2))
        self.assertLess(marked, 10)

    @for_each_jdk
    def test_a_guestd_that_ends_in_good_order_says_so(self, major):
        bed, _ = self.hosted()
        client = self.client(major, bed.runtime)
        client.tell("listen a 1 level ok")
        client.event("told", validity="VALID")
        bed.end()
        seen = client.event("told", validity="NO_DAEMON")
        self.assertEqual((seen["level"], seen["reason"]), ("?", "the_daemon_has_ended"))


if __name__ == "__main__":
    run_and_count()
