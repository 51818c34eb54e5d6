#!/usr/bin/env python3
"""The demo with virtual machines: two guests with a JVM each on a host with too little memory for both; it follows the work."""

import argparse
import contextlib
import json
import os
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
E2E = os.path.dirname(HERE)
for place in (os.path.join(os.path.dirname(E2E), "support"), os.path.join(E2E, "vm")):
    sys.path.insert(0, place)

from bed import Bed, Unavailable  # noqa: E402
import interrupts  # noqa: E402
from harness import MIB, Trouble, World, tail, wait_for  # noqa: E402
from moves import Moves, decision_to_verified, moved_bytes  # noqa: E402

GUESTS = ("orders", "reports")
RAM_MIB = 1024
HEAP = ["-Xmx640m", "-Xms32m", "-XX:+UseG1GC"]
BUDGET = 1150 * MIB  # the two need about 1400 MiB when each holds what it held when it was busy
BUSY = ("live 300MiB", "rate 200")
IDLE = ("rate 0", "live 40MiB")
# What each of the two does in each part; each takes both roles.
PARTS = ((BUSY, IDLE), (IDLE, BUSY), (BUSY, IDLE))
TABLE_EVERY = 5.0

HOST_CONFIG = """
[host]
backend = "libvirt"
uri = "{uri}"
memory = "{budget}MiB"
emergency_reserve = "128MiB"
runtime_dir = "{directory}"
mode = "act"

[guest."*"]
min = "192MiB"
"""


def parse_arguments():
    parser = argparse.ArgumentParser(prog="scripts/demo --vm", description=__doc__)
    parser.add_argument("--vm", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    parser.add_argument("--seconds", type=float, default=90.0, metavar="N", help="length of the measured run (default 90)")
    parser.add_argument("--keep-logs", metavar="DIR", help="copy hostd's log and the guests' consoles there")
    arguments = parser.parse_args()
    if not 20 <= arguments.seconds <= 600:
        parser.error("--seconds takes 20 to 600")
    return arguments


class Host:
    """The two guests and the daemon that shares the host's memory out between them."""

    def __init__(self, bed, world):
        self.bed, self.world = bed, world
        self.guests, self.services = {}, {}
        self.samples = []

    def start(self):
        for name in GUESTS:
            began = time.monotonic()
            guest = self.guests[name] = self.bed.boot(name, memory_mib=RAM_MIB, kernel_options="transparent_hugepage=madvise")
            guest.start_guestd()
            self.services[name] = guest.service(HEAP, name="app")
            guest.wait_registered("app")
            print(f"{name}: a virtual machine of {RAM_MIB} MiB with a JVM, up after {time.monotonic() - began:.1f} s", flush=True)
        directory = self.world.path("host")
        os.makedirs(directory, mode=0o755)
        config = HOST_CONFIG.format(uri=self.bed.uri, budget=BUDGET // MIB, directory=directory)
        self.daemon, self.tool, _ = self.world.host(config)
        wait_for(self._all_joined, 30, "both guests to join the host", self.daemon.log)

    def _all_joined(self):
        if not self.daemon.is_alive():
            raise Trouble(f"hostd ended:\n{tail(self.daemon.log)}")
        code, document = self.tool.json("status")
        return code == 0 and len([guest for guest in document.get("guests", []) if guest["jvms"]]) == len(GUESTS)

    def take_roles(self, part):
        # The one that lets go first: an order of a busy heap's owner is answered only when it has loaded its data.
        for name, role in sorted(zip(GUESTS, PARTS[part]), key=lambda pair: pair[1] is BUSY):
            for command in role:
                self.services[name].order(command)

    def look(self):
        self.samples.append(sum(guest.guest_ram_resident() for guest in self.guests.values()))

    def table(self):
        code, out, err = self.tool.run("top", "--once", within=20)
        ram = "   ".join(f"{name}: {guest.guest_ram_resident() // MIB} MiB" for name, guest in self.guests.items())
        return (out if code == 0 else err).rstrip("\n") + f"\n\nguest RAM that is resident in QEMU: {ram}"

    def finish(self, orders):
        """Waits for the answers to all orders, then lets each service check all it holds."""
        reports = {}
        for name, service in self.services.items():
            for _ in range(orders):
                service.next_answer(120)
            checked, counted = service.tell("check", within=120), service.tell("report", within=60)
            reports[name] = {"records": int(checked["records"]), "corrupt_records": int(checked["corrupt"]),
                             "operations": int(counted["ops"]), "oom_errors": int(counted["oome"]), "full_gcs": int(counted["full_gcs"])}
        return reports


def run(host, seconds):
    """Leads the guests through all parts; returns the services' reports and hostd's operations."""
    moves = Moves(host.tool)
    began, part, next_table = time.monotonic(), -1, 0.0
    while (elapsed := time.monotonic() - began) < seconds:
        if part + 1 < len(PARTS) and elapsed >= seconds * (part + 1) / len(PARTS):
            part += 1
            host.take_roles(part)
            roles = "   ".join(f"{name}: {'busy' if role is BUSY else 'idle'}" for name, role in zip(GUESTS, PARTS[part]))
            print(f"\n=== part {part + 1} of {len(PARTS)}: {roles}", flush=True)
        host.look()
        if elapsed >= next_table:
            next_table = elapsed + TABLE_EVERY
            print(f"\n{host.table()}\n[about {seconds - elapsed:.0f} s left]", flush=True)
        time.sleep(0.25)
    return host.finish(sum(len(role) for role in (BUSY,)) * len(PARTS)), moves.finish()


def figures(host, reports, operations, seconds, accelerator):
    return {"seconds": round(seconds, 1), "accelerator": accelerator, "budget_bytes": BUDGET, "guest_ram_bytes": RAM_MIB * MIB,
            "mean_resident_bytes": sum(host.samples) // len(host.samples), "peak_resident_bytes": max(host.samples),
            "over_budget_share": round(sum(sample > BUDGET for sample in host.samples) / len(host.samples), 3),
            "moved_bytes": moved_bytes(operations), "decision_to_verified_ms": decision_to_verified(operations),
            "os_moved_bytes": sum(operation.get("os_moved", 0) for operation in operations),
            "oom_errors": sum(report["oom_errors"] for report in reports.values()),
            "corrupt_records": sum(report["corrupt_records"] for report in reports.values()),
            "guests": [{"name": name, **report} for name, report in reports.items()]}


def text(result):
    times = result["decision_to_verified_ms"]
    took = f", from decision to verified: median {times['median']:.0f} ms, longest {times['max']:.0f} ms" if times["moves"] else ""
    lines = [f"Two virtual machines of {RAM_MIB} MiB ({result['accelerator']}), together {BUDGET // MIB} MiB of host memory.",
             f"moved {result['moved_bytes'] // MIB} MiB, verified in QEMU's guest RAM; by the OS balloons, both ways: "
             f"{result['os_moved_bytes'] // MIB} MiB; {times['moves']} moves{took}",
             f"resident guest RAM: {result['mean_resident_bytes'] // MIB} MiB on average, {result['peak_resident_bytes'] // MIB} MiB "
             f"at most; above the budget {result['over_budget_share'] * 100:.0f} % of the time"]
    for guest in result["guests"]:
        lines.append(f"{guest['name']}: {guest['operations']} requests since the last count, {guest['records']} records checked, "
                     f"{guest['corrupt_records']} corrupt, {guest['oom_errors']} OutOfMemoryErrors, {guest['full_gcs']} full GCs")
    return "\n".join(lines + [f"{result['seconds']:.0f} s in all"])


def broken_promises(result):
    """What must never happen, and did."""
    broken = [f"{result[key]} {what}" for key, what in (("oom_errors", "OutOfMemoryErrors"), ("corrupt_records", "corrupt records"))
              if result[key]]
    if not result["moved_bytes"]:
        broken.append("no memory was moved")
    if not result["os_moved_bytes"]:
        broken.append("no OS balloon was moved")
    return broken


def demonstrate(arguments, directory):
    began = time.monotonic()
    print("Preparing the guest image (from Debian packages; kept for the next time) and a private libvirtd…", flush=True)
    with Bed() as bed, contextlib.closing(World(directory)) as world:
        host = Host(bed, world)
        try:
            host.start()
            reports, operations = run(host, arguments.seconds)
        finally:
            if arguments.keep_logs:
                for log in world.logs + [guest.console_log for guest in host.guests.values()]:
                    if os.path.exists(log):
                        name = os.path.basename(os.path.dirname(log)) + "-" + os.path.basename(log)
                        shutil.copy(log, os.path.join(arguments.keep_logs, name))
        return figures(host, reports, operations, time.monotonic() - began, bed.accelerator)


def main():
    arguments = parse_arguments()
    interrupts.listen()
    if arguments.keep_logs:
        os.makedirs(arguments.keep_logs, exist_ok=True)
    directory = tempfile.mkdtemp(prefix="aerostat-demo-")
    try:
        result = demonstrate(arguments, directory)
        print("\n" + text(result), flush=True)
        if arguments.json:
            with open(arguments.json, "w", encoding="utf-8") as out:
                json.dump(result, out, indent=2)
                out.write("\n")
        for sentence in broken_promises(result):
            print(f"demo: {sentence}", file=sys.stderr)
        return 1 if broken_promises(result) else 0
    except interrupts.Interrupted as interrupted:
        return interrupts.exit_code(interrupted)
    except (Trouble, Unavailable, OSError) as trouble:
        print(f"\ndemo: {trouble}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
