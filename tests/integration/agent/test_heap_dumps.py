"""A heap dump reads the balloon: on ZGC, whose heap is shared memory, each page that is read comes into being. The agent finds
what came back and releases it again."""

import os

from agent_case import MIB, evidence, run_and_count, time
from edge_case import EdgeCase, on_collectors
from test_collectors import memory_of


class HeapDumps(EdgeCase):
    @on_collectors((17, "ZGC"), only=("ZGC",))
    def test_what_a_heap_dump_brings_back_goes_again(self, major, collector):
        guestd, service = self.edge(major, collector, ["-Xmx1g"], ["--rate", "20"])
        service.tell("live 50MiB")
        guestd.order("a", 128 * MIB, 5000, cap="hard")
        guestd.result("a")
        held = guestd.wait_report(lambda r: r["balloon_bytes"] > 400 * MIB, 90, "a balloon of 400 MiB")["balloon_bytes"]
        before = memory_of(service.pid)
        dump = os.path.join(self.directory(), "heap.hprof.gz")
        self.assertIn("Heap dump file created", service.jcmd("GC.heap_dump", "-gz=1", dump))
        after, ended = memory_of(service.pid), time.monotonic()
        report = guestd.wait_report(lambda r: r["refills"] > 0 and memory_of(service.pid) < before + 64 * MIB, 60,
                                    "the balloon's pages to go again")
        evidence("agent.heap_dump", jdk=major, collector=collector, balloon_mib=held // MIB, before_mib=before // MIB,
                 after_dump_mib=after // MIB, released_again_mib=memory_of(service.pid) // MIB, refills=report["refills"],
                 within_s=round(time.monotonic() - ended, 1), cleared=report["cleared_chunks"])
        self.check_heap(service)
        self.check_no_crash()


if __name__ == "__main__":
    run_and_count()
