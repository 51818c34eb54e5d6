"""The three services of the demo, with or without Aerostat, and one run of them."""

import os
import time

from harness import MIB, Trouble, World, is_alive, resident_bytes, tail, wait_for
from roles import FIXED_HEAP, GENEROUS_HEAP, PHASES, SERVICES, host_config, take_role

WARM_UP_SECONDS = 6.0  # the first roles load their records, the compilers do their work; not counted


def jvm_options(heap):
    return [f"-Xmx{heap // MIB}m", f"-Xms{64}m", "-XX:+UseG1GC"]


class Fleet:
    """Three guests with one service each. Without `aerostat` they have fixed heaps and no daemons."""

    def __init__(self, directory, home, classes, aerostat):
        os.makedirs(directory)
        self.world = World(directory)
        self.aerostat = aerostat
        self.home, self.classes = home, classes
        self.services, self.daemons = {}, []
        self.tool = None
        self.work_file = self.world.path("work")
        self.resident = []  # samples of the JVMs' memory, a few a second

    def start(self):
        if self.aerostat:
            os.makedirs(self.world.path("host"), mode=0o755)
            daemon, self.tool, _ = self.world.host(host_config(self.world.path("host")))
            self.daemons.append(daemon)
            wait_for(lambda: os.path.exists(self.tool.socket) or not daemon.is_alive(), 10, "hostd's control socket", daemon.log)
        for name in SERVICES:
            self._start_guest(name)
        for service in self.services.values():
            service.next_answer()
        if self.aerostat:
            wait_for(self._all_joined, 15, "the three JVMs to join", self.daemons[0].log)

    def _start_guest(self, name):
        session = self.world.session()
        options = jvm_options(GENEROUS_HEAP if self.aerostat else FIXED_HEAP)
        if self.aerostat:
            daemon, tool = self.world.guest_daemon(session, name)
            self.daemons.append(daemon)
            wait_for(lambda: os.path.exists(tool.socket) or not daemon.is_alive(), 10, f"guestd {name}", daemon.log)
            options.append(self.world.agent_option(name, "app"))
        self.services[name] = self.world.service(session, self.home, options, "DemoService", self.classes, "service-" + name)

    def _all_joined(self):
        self.check()
        guests = self.tool.status().get("guests", [])
        return len([guest for guest in guests if guest["jvms"]]) == len(SERVICES)

    def check(self):
        """Raises Trouble if anything that should run has ended."""
        for daemon in self.daemons:
            if not daemon.is_alive():
                raise Trouble(f"{os.path.basename(daemon.log)[:-4]} ended:\n{tail(daemon.log)}")
        for name, service in self.services.items():
            if not is_alive(service.pid):
                raise Trouble(f"the service {name} ended:\n{tail(service.log)}")

    def take_roles(self, phase):
        for name, role in PHASES[phase].items():
            take_role(self.services[name], role)

    def begin(self):
        for service in self.services.values():
            service.tell("begin")

    def look(self):
        """Samples memory and writes the work file for `aerostatctl top`."""
        self.check()
        self.resident.append(sum(resident_bytes(service.pid) for service in self.services.values()))
        with open(self.work_file + ".new", "w", encoding="utf-8") as file:
            for name, text in self.work().items():
                file.write(f"{name}/app {text}\n")
        os.replace(self.work_file + ".new", self.work_file)

    def work(self):
        texts = {}
        for name, service in self.services.items():
            stat = service.latest.get("stat")
            if stat:
                texts[name] = f"{int(stat['per_s']):>7,} requests/s, worst {int(stat['worst_us']) / 1000:.0f} ms"
        return texts

    def report(self):
        return {name: {key: int(value) for key, value in service.tell("report").items()} for name, service in self.services.items()}

    def close(self):
        self.world.close()


def run(fleet, seconds, on_tick):
    """Leads a started fleet through all phases, `seconds` in all after a warm-up; returns the services' reports."""
    steps = [(0.0, 0, lambda: fleet.take_roles(0)), (WARM_UP_SECONDS, 0, fleet.begin)]
    for phase in range(1, len(PHASES)):
        steps.append((WARM_UP_SECONDS + seconds * phase / len(PHASES), phase, lambda phase=phase: fleet.take_roles(phase)))
    total = WARM_UP_SECONDS + seconds
    began = time.monotonic()
    phase = 0
    while (elapsed := time.monotonic() - began) < total:
        if steps and elapsed >= steps[0][0]:
            _, phase, step = steps.pop(0)
            step()
        fleet.look()
        on_tick(elapsed, total, phase)
        time.sleep(0.2)
    return fleet.report()
