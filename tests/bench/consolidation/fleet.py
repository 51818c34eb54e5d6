"""The services of one cell, each a guest of its own, with hostd, guestds and agents where the system has them."""

import os
import sys
import time

from common import ROOT

for part in ("support", "soak", os.path.join("workloads", "programs")):
    sys.path.insert(0, os.path.join(ROOT, "tests", part))

from harness import Service, Trouble, World, tail, wait_for  # noqa: E402
from heap_pages import HEAP_LOG  # noqa: E402

from consolidation.plan import SERVICES, live_mib  # noqa: E402
from consolidation.systems import host_config  # noqa: E402

START_SECONDS = 90  # filling a heap that is hardly large enough takes long; then it counts as dead
OOM_EXIT = 3        # of a JVM with ExitOnOutOfMemoryError


class Fleet:
    """Starts everything in order; to be closed. A service that dies, even on its way up, is part of the result."""

    def __init__(self, home, class_path, plan, directory):
        self.home, self.class_path, self.plan = home, class_path, plan
        self.world = World(directory)
        self.services, self.sessions, self.daemons, self.tool = {}, {}, [], None
        self.gc_logs = {}

    def start(self, system, base, budget, cgroup=None):
        if system.policy:
            self._start_host(host_config(system.policy, budget, self.world.path("host")))
        for name in SERVICES:
            self._start_service(name, system, system.heaps(base, name, budget), cgroup)
        self._await_ready()
        if system.policy:
            wait_for(self._all_joined, 30, "the JVMs to join", self.daemons[0].log)

    def _start_host(self, config):
        os.makedirs(self.world.path("host"), mode=0o755)
        daemon, self.tool, _ = self.world.host(config)
        self.daemons.append(daemon)
        wait_for(lambda: os.path.exists(self.tool.socket) or not daemon.is_alive(), 20, "hostd's control socket", daemon.log)

    def _start_service(self, name, system, heap, cgroup):
        session = self.sessions[name] = self.world.session()
        self.gc_logs[name] = self.world.path(name + ".gc")
        options = [*heap, "-XX:+ExitOnOutOfMemoryError", f"-Xlog:gc,{HEAP_LOG}:file={self.gc_logs[name]}",
                   "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        if system.policy:
            daemon, tool = self.world.guest_daemon(session, name)
            self.daemons.append(daemon)
            wait_for(lambda: os.path.exists(tool.socket) or not daemon.is_alive(), 20, f"guestd {name}", daemon.log)
            options.append(",".join(filter(None, (self.world.agent_option(name, "app"), system.agent))))
        argv = [os.path.join(self.home, "bin", "java"), *options, "-cp", self.class_path, SERVICES[name].main,
                f"{live_mib(self.plan, name)}MiB"]
        if cgroup:
            argv = ["/bin/sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', cgroup, *argv]
        self.services[name] = Service(session, argv, self.world.log("service-" + name))
        self.world.services.append(self.services[name])

    def _await_ready(self):
        until = time.monotonic() + START_SECONDS
        for service in self.services.values():
            try:
                service.next_answer(max(0.1, until - time.monotonic()))
            except Trouble:
                service.too_late = service.is_alive()

    def _all_joined(self):
        self.check_daemons()
        joined = [guest for guest in self.tool.status().get("guests", []) if guest["jvms"]]
        return len(joined) >= len(self.alive())

    def alive(self):
        """{name: service} of those that came up and live."""
        return {name: service for name, service in self.services.items()
                if service.is_alive() and not getattr(service, "too_late", False)}

    def check_daemons(self):
        for daemon in self.daemons:
            if not daemon.is_alive():
                raise Trouble(f"{os.path.basename(daemon.log)[:-4]} ended:\n{tail(daemon.log)}")

    def deaths(self):
        """{service: why} of those that are no more, or never came up."""
        found = {}
        for name, service in self.services.items():
            code = self.sessions[name].exit_codes().get(service.pid)
            if code is not None:
                found[name] = {OOM_EXIT: "OutOfMemoryError", -9: "killed"}.get(code, f"exit {code}")
            elif getattr(service, "too_late", False):
                found[name] = "not ready in time"
        return found

    def pids(self):
        """{who: process ids}; what Aerostat itself holds counts, too."""
        found = {name: [service.pid] for name, service in self.alive().items()}
        if self.daemons:
            found["hostd"], found["guestds"] = [self.daemons[0].pid], [daemon.pid for daemon in self.daemons[1:]]
        return found

    def logs(self):
        """Files and folders that tell what happened."""
        return [*self.world.logs, *self.gc_logs.values(), self.world.path("host", "history")]

    def close(self):
        self.world.close()
