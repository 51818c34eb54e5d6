"""One cell: all services through one day, with one system and one budget."""

import os
import shutil
import sys
import tempfile
import time
from collections import namedtuple

import process
from common import ROOT

sys.path.insert(0, os.path.join(ROOT, "tests", "e2e", "demo"))

from harness import Trouble, tail  # noqa: E402
from heap_pages import HeapPages, full_gcs  # noqa: E402
from moves import Moves, moved_bytes  # noqa: E402

from consolidation.fleet import Fleet  # noqa: E402
from consolidation.meter import Meter  # noqa: E402
from consolidation.plan import BUSY_CORES, MIB, SERVICES, day_of, day_seconds  # noqa: E402
from consolidation.systems import UNLIMITED  # noqa: E402

# What unlimited has shown of each service: its heap at its largest, and what its JVM holds beside the heap.
Base = namedtuple("Base", "heap_bytes heaps outside")
COMPILERS = ("C1 ", "C2 ")
NO_ANSWER = {"ops": 0, "p50_ms": 0.0, "p99_ms": 0.0, "p999_ms": 0.0, "worst_ms": 0.0, "wrong": 0}


class Bench:
    """What all cells have in common."""

    def __init__(self, home, class_path, plan, keep_logs=None):
        self.home, self.class_path, self.plan, self.keep_logs = home, class_path, plan, keep_logs

    def fleet(self, directory):
        return Fleet(self.home, self.class_path, self.plan, directory)

    def generous(self):
        return Base(self.plan.heap_mib * MIB, {}, {})


def looks(fleet):
    return {who: [process.threads(pid) for pid in pids] for who, pids in fleet.pids().items()}


def cpu(before, after, prefixes=None):
    """{who: CPU seconds} between two looks; who has died in between had none."""
    return {who: sum(process.cpu_between(one, two, prefixes) for one, two in zip(before[who], after[who]))
            for who in before if who in after}


def busy_seconds():
    """CPU seconds that the machine has spent so far, whoever on, what its own host took from it included."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _idle, _waiting, *others = map(int, file.readline().split()[1:9])
    return (user + nice + system + sum(others)) / os.sysconf("SC_CLK_TCK")


def lead(fleet, rates, part, within=0.5):
    """Gives each service its day and waits until that is over."""
    began = time.monotonic()
    for name, service in fleet.alive().items():
        tell(service, day_of(name, rates, part))
    while time.monotonic() < began + day_seconds(part):
        fleet.check_daemons()
        time.sleep(max(0.0, min(within, began + day_seconds(part) - time.monotonic())))


def tell(service, command):
    """The answer; {} if the service dies over it, which its exit code tells."""
    try:
        return service.tell(command, 60)
    except Trouble:
        return {}


def due(name, rates, part):
    pairs = [word.split(":") for word in day_of(name, rates, part).split()[1:]]
    return sum(int(int(rate) * float(seconds)) for rate, seconds in pairs)


def service_figures(fleet, name, rates, part):
    service = fleet.services[name]
    answer = tell(service, "report") if name in fleet.alive() else {}
    figures = {key: type(none)(answer.get(key, none)) for key, none in NO_ANSWER.items()}
    if not answer:  # what it had told before it died
        figures["ops"] = int(service.latest.get("stat", {}).get("ops", 0))
    # Those due in the report's own moments, after the day has ended, count for neither.
    figures["due"] = due(name, rates, part)
    figures["ops"] = min(figures["ops"], figures["due"])
    figures["full_gcs"] = full_gcs(fleet.gc_logs[name]) if os.path.exists(fleet.gc_logs[name]) else 0
    return figures


def run(bench, system, base, budget, rates, cgroup=None):
    """The cell's figures."""
    directory = tempfile.mkdtemp(prefix="aerostat-consolidation-")
    fleet = bench.fleet(os.path.join(directory, "fleet"))
    os.makedirs(fleet.world.directory)
    try:
        if cgroup:
            cgroup.limit(int(budget))
        fleet.start(system, base or bench.generous(), budget, cgroup.path if cgroup else None)
        lead(fleet, rates, bench.plan.warm_part)
        figures = measured_day(fleet, rates, bench.plan.part, budget)
        if system is UNLIMITED:
            figures["outside"] = outside_heaps(fleet)
        figures.update(endings(fleet, figures["services"]))
        return figures
    finally:
        fleet.close()
        if bench.keep_logs:
            keep_logs(fleet, os.path.join(bench.keep_logs, f"{system.name}-{int(budget) // MIB}"))
        shutil.rmtree(directory, ignore_errors=True)


def measured_day(fleet, rates, part, budget):
    moves = Moves(fleet.tool) if fleet.tool else None
    before, began, busy = looks(fleet), time.monotonic(), busy_seconds()
    with Meter(fleet.pids()) as meter:
        lead(fleet, rates, part)
    after, took, busy = looks(fleet), time.monotonic() - began, busy_seconds() - busy
    services = {name: service_figures(fleet, name, rates, part) for name in SERVICES}
    gc = cpu(before, after, process.GC_THREADS)
    used = cpu(before, after)
    operations = moves.finish() if moves else []
    return {"services": services, "seconds": took, "memory": meter.figures(budget), "gc_cpu": sum(gc.values()) / took,
            "cpu": sum(used.values()) / took, "others_cpu": max(0.0, busy - sum(used.values())) / took,
            "cpu_each": {who: seconds / took for who, seconds in used.items()},
            "gc_cpu_each": {who: seconds / took for who, seconds in gc.items()},
            "aerostat_cpu": (used.get("hostd", 0.0) + used.get("guestds", 0.0)) / took, "moved_bytes": moved_bytes(operations),
            "operations": len(operations)}


def outside_heaps(fleet):
    return {name: HeapPages(service.pid, fleet.gc_logs[name]).beside() for name, service in fleet.alive().items()}


def endings(fleet, services):
    """Who died, and why."""
    deaths = fleet.deaths()
    for name, seen in services.items():
        seen["died"] = deaths.get(name, "")
    whys = list(deaths.values())
    wrong = {name: seen["wrong"] for name, seen in services.items() if seen["wrong"]}
    if wrong:
        raise Trouble(f"wrong answers: {wrong}\n" + "".join(tail(fleet.services[name].log) for name in wrong))
    return {"oom_kills": whys.count("killed"), "oome": whys.count("OutOfMemoryError"),
            "other_deaths": len(whys) - whys.count("killed") - whys.count("OutOfMemoryError"), "deaths": deaths}


def keep_logs(fleet, directory):
    os.makedirs(directory, exist_ok=True)
    for log in filter(os.path.exists, fleet.logs()):
        if os.path.isdir(log):
            shutil.copytree(log, os.path.join(directory, os.path.basename(log)), dirs_exist_ok=True)
        else:
            shutil.copy(log, directory)


def base_of(plan, unlimited):
    """From unlimited cells: {service: heap}, {service: what is beside}; and the sum of what each held at most."""
    peaks = {name: max(cell["memory"]["each"][name]["peak"] for cell in unlimited) for name in SERVICES}
    outside = {name: max(cell["outside"][name] for cell in unlimited) for name in SERVICES}
    heaps = {name: max(MIB, peaks[name] - outside[name]) for name in SERVICES}
    return Base(plan.heap_mib * MIB, heaps, outside), sum(peaks.values())


def calibrate(bench):
    """{service: requests a second at its busiest}: each is to take the same share of the processors."""
    plan, directory = bench.plan, tempfile.mkdtemp(prefix="aerostat-consolidation-")
    fleet = bench.fleet(os.path.join(directory, "fleet"))
    os.makedirs(fleet.world.directory)
    try:
        fleet.start(UNLIMITED, bench.generous(), 0)
        if len(fleet.alive()) < len(SERVICES):
            raise Trouble(f"not all services came up: {fleet.deaths()}")
        rates = {name: 20 for name in SERVICES}
        for _ in range(plan.calibrate_steps):
            rates = adjusted(rates, *one_step(fleet, rates, plan.calibrate))
        return rates
    finally:
        fleet.close()
        shutil.rmtree(directory, ignore_errors=True)


def one_step(fleet, rates, seconds):
    """({service: CPU seconds}, {service: requests answered})."""
    before = looks(fleet)
    for name, service in fleet.services.items():
        service.tell(f"rate {rates[name]}")
    time.sleep(seconds)
    ops = {name: int(service.tell("report")["ops"]) for name, service in fleet.services.items()}
    after = looks(fleet)
    compilers = cpu(before, after, COMPILERS)  # they have done their work when a day begins
    return {name: used - compilers[name] for name, used in cpu(before, after).items()}, ops


def adjusted(rates, used, ops):
    """Rates at which each service would take its share of the processors; no more than eight times what was seen."""
    aim = BUSY_CORES * os.cpu_count()
    return {name: max(2, min(8 * rate, int(aim * ops[name] / max(used[name], 1e-6)))) for name, rate in rates.items()}
