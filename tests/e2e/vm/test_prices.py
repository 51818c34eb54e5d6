#!/usr/bin/env python3
"""Who gives, and who gets: of two JVMs of a guest the one that is cheaper to squeeze; a guest at rest before one that needs
memory, and the bytes that the one gave hold the other's data."""

import contextlib
import dataclasses
import sys
import threading

from test_flight import APP, MIB, SMALL_PAGES, Flight, expect, figure, fly, mib, wait_until

from bed import Recipe, Start
from domain import Hardware

# Busy with little room, on G1; and at rest with much garbage, on ZGC.
PAIR = Recipe(hardware=Hardware(memory_mib=1280, kernel_options=SMALL_PAGES), guest_name="pair",
              services=(Start("dear", ("-Xmx256m", "-Xms64m", "-XX:+UseG1GC"), ("live 110MiB", "garbage 60MiB"), "--rate 800"),
                        Start("cheap", ("-Xmx512m", "-Xms64m", "-XX:+UseZGC"), ("live 32MiB", "garbage 320MiB"), "--rate 0")))
SMALL = dataclasses.replace(APP, guest_name="small",
                            services=(Start("app", APP.services[0].options, ("live 32MiB",), "--rate 50"),))

RESERVE_MIB = 256  # hostd's for emergencies
PRICED_WITHIN = 240  # curves go by what was measured for a minute, of a guest that runs at a fraction of its speed
SETTLED_WITHIN = 180
FREE, NEAR_BUDGET = 32 * MIB, 64 * MIB


class Prices(Flight):
    # Two JVMs in a guest.

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
            told = self.told_to_give(host, before)
            shown = f"told to give {told}, held {before}, could {rooms}, prices {prices}: {said}"
            expect(code == 0 or said["obtained"] >= 0.5 * asked * MIB, shown)
            expect(told["cheap"] >= 0.8 * said["obtained"] - 8 * MIB, shown)
            expect(told["dear"] <= 0.2 * said["obtained"] + 8 * MIB, shown)
            gave = wait_until(lambda: self.given(host, before, 0.8 * said["obtained"] - 8 * MIB), 30, "the cheap one to report it")
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
    def told_to_give(host, before):
        """{JVM: how far its target lies below what it held}. What it holds may fall for other reasons: a heap that is calm gives
        back by itself what it has not touched again."""
        targets = {one["report"]["name"]: one["report"].get("target_bytes") for one in host.guest("vm1")["jvms"]}
        return {name: max(0, size - (size if targets[name] is None else targets[name])) for name, size in before.items()}

    @staticmethod
    def given(host, before, least):
        """{JVM: how much less it holds}, once that is so much of the cheap one; reports come a second apart."""
        gave = {name: before[name] - size for name, size in Prices.sizes(host, "footprint_bytes").items()}
        return gave if gave["cheap"] >= least else None

    @staticmethod
    def rooms(host):
        """{JVM: what lies above its floor}."""
        floors = Prices.sizes(host, "floor_bytes")
        return {name: max(0, size - floors[name]) for name, size in Prices.sizes(host, "footprint_bytes").items()}

    # Two guests.

    def what_one_guest_gave_holds_the_data_of_another(self):
        with self.host(minimum="128MiB") as host:
            one, two = self.bed.warm("vm1", APP), self.bed.warm("vm2", SMALL)
            for name in ("vm1", "vm2"):
                host.wait_joined(name)
            host.wait_room("vm1", 250)
            before = self.held(one, two)
            budget = sum(before) + FREE  # hostd may take what the first does not need as soon as it knows
            host.set_memory(f"{budget // MIB + RESERVE_MIB}MiB")
            host.reload()
            host.wait_quiet()
            for vm in (one, two):
                vm.services["app"].tell("report")
            with self.watched(one, two) as peak:
                grown = two.services["app"].tell("live 330MiB", within=400)
                expect("error" not in grown, grown)
                wait_until(lambda: sum(self.held(one, two)) <= budget + NEAR_BUDGET, SETTLED_WITHIN, "both to be within the budget")
            after = self.held(one, two)
            gave, got = before[0] - after[0], after[1] - before[1]
            expect(got >= 200 * MIB, f"the second holds {mib(got)} MiB more")
            expect(gave >= got - FREE - NEAR_BUDGET, f"only {mib(FREE)} MiB were free: {mib(gave)} given, {mib(got)} got")
            records = int(two.services["app"].tell("check", within=180)["records"])
            expect(records >= 330 * MIB // 4096, f"{records} records of 4 KiB in the second")
            for vm in (one, two):
                self.has_all_its_data(vm.services["app"])
                served = self.goes_on_serving(vm.services["app"])
                expect(served["corrupt"] == "0" and served["oome"] == "0", served)
            figure("two_guests", gave_mib=mib(gave), got_mib=mib(got), checked_mib=records * 4096 // MIB,
                   together_mib=f"{mib(sum(before))}->{mib(sum(after))}", peak_mib=mib(peak[0]),
                   grew_in_s=f"{int(grown['ms']) / 1000:.1f}")

    @staticmethod
    def goes_on_serving(service):
        """Its report of a time in which it has answered requests."""
        def served():
            report = service.tell("report", within=60)
            return report if int(report["ops"]) > 0 else None
        return wait_until(served, 60, "requests to be answered")

    @staticmethod
    def held(*guests):
        """What the host holds of each, by the bed's own measure."""
        return [vm.guest_ram_resident() for vm in guests]

    @contextlib.contextmanager
    def watched(self, *guests):
        """The most that they held together so far, as the only element of a list."""
        peak, over = [0], threading.Event()

        def watch():
            while not over.wait(0.2):
                peak[0] = max(peak[0], sum(self.held(*guests)))
        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield peak
        finally:
            over.set()
            watcher.join(30)


TESTS = [Prices.of_two_jvms_the_cheaper_one_gives_most, Prices.what_one_guest_gave_holds_the_data_of_another]


if __name__ == "__main__":
    sys.exit(fly(Prices, TESTS[:1], TESTS))
