#!/usr/bin/env python3
"""Who gives: of two JVMs of a guest the one that is cheaper to squeeze."""

import sys

from test_flight import MIB, SMALL_PAGES, Flight, expect, figure, fly, mib, wait_until

from bed import Recipe, Start
from domain import Hardware

# Busy with little room, on G1; and at rest with much garbage, on ZGC.
PAIR = Recipe(hardware=Hardware(memory_mib=1280, kernel_options=SMALL_PAGES), guest_name="pair",
              services=(Start("dear", ("-Xmx256m", "-Xms64m", "-XX:+UseG1GC"), ("live 110MiB", "garbage 60MiB"), "--rate 800"),
                        Start("cheap", ("-Xmx512m", "-Xms64m", "-XX:+UseZGC"), ("live 32MiB", "garbage 320MiB"), "--rate 0")))
PRICED_WITHIN = 240  # curves go by what was measured for a minute, of a guest that runs at a fraction of its speed


class Prices(Flight):
    def of_two_jvms_the_cheaper_one_gives_most(self):
        with self.host() as host:
            vm = self.bed.warm("vm1", PAIR)
            host.wait_joined("vm1")
            wait_until(lambda: len(host.guest("vm1")["jvms"]) == 2, 60, "both to be known")
            prices = wait_until(lambda: self.apart(host), PRICED_WITHIN, "a busy heap to be dearer than one at rest")
            host.wait_quiet()
            before, rooms = self.sizes(host, "footprint_bytes"), self.rooms(host)
            asked = min(128 * MIB, int(0.6 * rooms["cheap"])) // MIB
            expect(asked >= 48, f"the one at rest has something to give: {rooms}, {before}, {prices}")
            code, said = host.tool.json("squeeze", "vm1", f"{asked}MiB", "--deadline", "60s", within=120)
            after = self.sizes(host, "footprint_bytes")
            gave = {name: before[name] - after[name] for name in before}
            shown = f"gave {gave}, held {before}, could {rooms}, prices {prices}: {said}"
            expect(code == 0 or said["obtained"] >= 0.5 * asked * MIB, shown)
            expect(gave["cheap"] >= 0.8 * said["obtained"] - 8 * MIB, shown)
            expect(gave["dear"] <= 0.2 * said["obtained"] + 8 * MIB, shown)
            for name, service in vm.services.items():
                checked, served = service.tell("check", within=120), service.tell("report", within=60)
                expect(checked["corrupt"] == "0" and served["oome"] == "0", (name, checked, served))
            collectors = {one["report"]["name"]: one["report"]["facts"]["collector"] for one in host.guest("vm1")["jvms"]}
            figure("pair", asked_mib=asked, obtained_mib=mib(said["obtained"]), verified_mib=mib(said["verified"]),
                   reason=said["reason"],
                   **{f"{name}_{collectors[name]}_gave_mib": mib(size) for name, size in gave.items()},
                   **{f"{name}_price_ms_s_gib": f"{1000 * price:.0f}" for name, price in prices.items()})

    @staticmethod
    def apart(host):
        """{JVM: its price}, once the busy one's is ten times the other's, and neither could be called cheap."""
        prices = {one["report"]["name"]: one["price"] for one in host.guest("vm1")["jvms"]}
        return prices if prices["dear"] > 0.05 and prices["dear"] > 10 * prices["cheap"] else None

    @staticmethod
    def sizes(host, key):
        """{JVM: a figure of its report}."""
        return {one["report"]["name"]: one["report"][key] for one in host.guest("vm1")["jvms"]}

    @staticmethod
    def rooms(host):
        """{JVM: what lies above its floor}."""
        floors = Prices.sizes(host, "floor_bytes")
        return {name: max(0, size - floors[name]) for name, size in Prices.sizes(host, "footprint_bytes").items()}


TESTS = [Prices.of_two_jvms_the_cheaper_one_gives_most]


if __name__ == "__main__":
    sys.exit(fly(Prices, TESTS, TESTS))
