"""A guest with data whose loss would be seen, both ends of an application balloon, and both balloons' speed beside each other."""

import os
import statistics
import time

from application_balloon import PIECE, Balloon, Kept, Punch, furnish, held_by_host
from checks import Skip, expect
from harness import MIB

MEMORY_MIB, KEPT_MIB = 1024, 350
BATCH = 32  # pieces that the guest's end holds before the host has done its part


class Flight:
    """A guest with its data, and the host's end."""

    def __init__(self, bed, name, huge_pages=False, kept_mib=KEPT_MIB):
        # Free pages stay where they are: what the host gets is the balloon's alone.
        self.bed = bed
        self.vm = bed.boot(name, huge_pages=huge_pages, memory_mib=MEMORY_MIB, free_page_reporting=False)
        furnish(self.vm)
        self.kept = Kept(self.vm, kept_mib)
        self.uuid = self.vm.uuid
        self.punch = Punch(bed.uri, os.path.join(bed.directory, f"punch-{name}"))
        self.bytes_checked = self.bytes_lost = 0

    def check(self):
        """Every byte of the guest's data."""
        checked, lost = self.kept.check()
        self.bytes_checked += checked
        self.bytes_lost += lost
        expect(lost == 0, f"{lost} bytes of the guest's memory are lost")

    def fill_and_check(self, meanwhile=lambda: None):
        """Fills what the guest has available with known bytes and looks at every byte afterwards. What `meanwhile` returns."""
        others = Kept(self.vm, self.vm.mem_available() // MIB - 120)
        try:
            done = meanwhile()
            checked, lost = others.check()
            self.bytes_checked += checked
            self.bytes_lost += lost
            expect(lost == 0, f"{lost} bytes of other memory of the guest are lost")
            self.check()
            return done
        finally:
            others.end()

    def take(self, balloon, frames):
        done = self.punch.take(self.uuid, balloon.secret, frames)
        expect(not isinstance(done, str), done)
        return done

    def huge_pages(self):
        """Of the guest's memory, as its kernel counts them."""
        return int(self.vm.run("grep HugePages_Total /proc/meminfo").split()[1])

    def inflate(self, balloon, mib):
        """Pieces taken, step by step."""
        pieces = 0
        while pieces < mib * MIB // PIECE:
            frames = balloon.inflate(min(BATCH, mib * MIB // PIECE - pieces))
            done = self.take(balloon, frames)
            balloon.settle(done.taken)
            expect(done.taken == frames, f"of {len(frames)} pieces told {len(done.taken)} were taken; {done.wrong} wrong pages")
            pieces += len(frames)
        return pieces

    def touch_all(self):
        """The guest uses its free memory and frees it: the host holds it now."""
        mib = self.vm.mem_available() // MIB - 90
        self.vm.run(f"dd if=/dev/zero of=/tmp/filler bs=1M count={mib} 2>/dev/null && rm /tmp/filler", within=120)

    def end(self):
        self.punch.end()
        self.bed.destroy(self.vm.name)


class HostHugePages:
    """Enough for one guest, for as long as it runs; what the machine had before is there again afterwards."""
    FILE = "/proc/sys/vm/nr_hugepages"

    def __init__(self, mib):
        self._wanted = mib // 2

    @staticmethod
    def _read():
        with open(HostHugePages.FILE, encoding="ascii") as file:
            return int(file.read())

    def _write(self, pages):
        try:
            with open(self.FILE, "w", encoding="ascii") as file:
                file.write(str(pages))
        except OSError as error:
            raise Skip(f"huge pages cannot be had on this host: {error}") from error

    def __enter__(self):
        self._before = self._read()
        self._write(self._before + self._wanted)
        if self._read() < self._before + self._wanted:
            self._write(self._before)
            raise Skip(f"this host has no {self._wanted} huge pages left")

    def __exit__(self, *_):
        self._write(self._before)


# Both balloons, the same amount of memory that the host really holds, one after the other.

def timed(flight, mib, act):
    """(MiB/s, MiB that QEMU's memory fell by)."""
    flight.touch_all()
    before, began = held_by_host(flight.vm), time.monotonic()
    act()
    return mib / (time.monotonic() - began), (before - held_by_host(flight.vm)) / MIB


def speed_of_application(flight, mib):
    balloon = Balloon(flight.vm, huge_pages=True)
    try:
        return timed(flight, mib, lambda: flight.inflate(balloon, mib))
    finally:
        balloon.end()


def speed_of_virtio(flight, mib):
    found = timed(flight, mib, lambda: flight.vm.set_balloon(MEMORY_MIB - mib))
    flight.vm.set_balloon(MEMORY_MIB)
    return found


def middle_of(runs, mib):
    got = statistics.median(got for _, got in runs)
    return {"mib_per_s": statistics.median(speed for speed, _ in runs), "got_mib": got, "returned": got / mib, "runs": runs}


def speeds(flight, mib, rounds):
    """{"application": {"mib_per_s", "got_mib", "returned"}, "virtio": …, "ratio"}: medians of rounds in turn, so that what slows
    the machine slows both; `returned` is a share of what was asked for. Looks at every byte of the guest's data afterwards."""
    found = {"application": [], "virtio": []}
    ways = [("application", speed_of_application), ("virtio", speed_of_virtio)]
    for number in range(rounds):
        for name, measure in ways if number % 2 == 0 else reversed(ways):
            found[name].append(measure(flight, mib))
    flight.check()
    middle = {name: middle_of(runs, mib) for name, runs in found.items()}
    return {**middle, "ratio": middle["application"]["mib_per_s"] / middle["virtio"]["mib_per_s"]}
