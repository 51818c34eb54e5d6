#!/usr/bin/env python3
"""What hostd costs a machine with five JVMs in sessions of their own, on the backend `local`: CPU, told apart by its threads.

Three JVMs of G1 and two of ZGC, each with a guestd, hold 400 MiB to 1 GiB and answer requests; nobody is in need, so this is what
hostd costs when it only looks. --against FILE runs another aerostat-hostd in turns with this build's, before the same guests."""

import os
import signal
import sys
import tempfile
import time

from common import MIB, ROOT, arguments, classes, jdks, spread, table, tool, write_json
from control import cpu_seconds

sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

from harness import Daemon, Tool, World, resident_bytes, wait_for  # noqa: E402

CONFIG = """
[host]
backend = "local"
memory = "16GiB"
runtime_dir = "{directory}"

[guest."*"]
min = "64MiB"
"""
GUESTS = (("a", "G1", 150), ("b", "G1", 300), ("c", "G1", 450), ("d", "Z", 150), ("e", "Z", 300))  # name, collector, live MiB
SETTLING = 5  # seconds in which guests join and are measured first


def start_guests(world, path):
    home = jdks()[min(jdks())]
    for name, collector, live in GUESTS:
        session = world.session()
        world.guest_daemon(session, name)
        options = ["-Xms1g", "-Xmx1g", f"-XX:+Use{collector}GC", world.agent_option(name, "jvm")]
        service = world.service(session, home, options, "Service", path, name, ("--rate", "200"))
        service.next_answer()
        service.tell(f"live {live}MiB", within=120)
        service.tell("garbage 200MiB", within=120)


def joined(control):
    code, status = control.json("status")
    return code == 0 and sum(len(guest["jvms"]) for guest in status.get("guests", [])) == len(GUESTS)


def share(pid, seconds):
    """Of a core: all of hostd, and its loop alone; what is left are the threads that measure."""
    def loop():
        with open(f"/proc/{pid}/task/{pid}/schedstat", encoding="ascii") as file:
            return int(file.read().split()[0]) / 1e9
    before, loop_before, began = cpu_seconds(pid), loop(), time.monotonic()
    time.sleep(seconds)  # the measurement itself
    took = time.monotonic() - began
    return (cpu_seconds(pid) - before) / took, (loop() - loop_before) / took


def one_round(world, binary, seconds):
    directory = world.path("host")
    os.makedirs(directory, mode=0o755, exist_ok=True)
    session = world.session()
    file = world.write_host_config(CONFIG.format(directory=directory))
    daemon = Daemon(session, [binary, "--config", file], world.log("hostd"))
    control = Tool(os.path.join(directory, "control.sock"))
    wait_for(lambda: os.path.exists(control.socket) and joined(control), 60, "five guests to join", daemon.log)
    share(daemon.pid, SETTLING)
    figures = share(daemon.pid, seconds)
    daemon.kill(signal.SIGTERM)
    wait_for(lambda: not daemon.is_alive(), 30, "hostd to end", daemon.log)
    return figures


def main():
    options = arguments(__doc__, lambda parser: parser.add_argument("--against", metavar="FILE", help="another aerostat-hostd"))
    binaries = {"this": tool("aerostat-hostd"), **({"against": options.against} if options.against else {})}
    rounds, seconds = (2, 10) if options.quick else (4, 30)
    seen = {name: [] for name in binaries}
    with classes() as path, tempfile.TemporaryDirectory(prefix="aerostat-local-") as directory:
        world = World(directory)
        try:
            start_guests(world, path)
            for _ in range(rounds):
                for name, binary in binaries.items():
                    seen[name].append(one_round(world, binary, seconds))
            held = [resident_bytes(service.pid) / MIB for service in world.services]
        finally:
            world.close()
    figures = {name: {"cpu_share": spread(one[0] for one in all_), "loop_share": spread(one[1] for one in all_)}
               for name, all_ in seen.items()}
    table(("hostd", "of a core, median", "least", "most", "its loop"),
          [(name, f"{one['cpu_share']['median']:.2%}", f"{one['cpu_share']['min']:.2%}", f"{one['cpu_share']['max']:.2%}",
            f"{one['loop_share']['median']:.2%}") for name, one in figures.items()])
    print(f"FIGURE five JVMs hold {', '.join(f'{one:.0f}' for one in held)} MiB (Rss)", flush=True)
    write_json(options, "control", {"local": figures})
    return 0


if __name__ == "__main__":
    sys.exit(main())
