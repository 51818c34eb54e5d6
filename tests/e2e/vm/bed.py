"""A bed for virtual machines: real libvirt, QEMU, Linux guests and JVMs, private to one test program and gone with it.

    with Bed() as bed:
        vm = bed.boot("vm1")
        vm.start_guestd()
        jvm = vm.service(["-Xmx512m"], name="app")
        jvm.tell("live 100MiB")
        print(vm.run("free -m"), vm.guest_ram_resident())

    with Bed() as bed:                     # the same from a saved state, made at the first use: a second instead of ten
        one, two = bed.warm("vm1", recipe), bed.warm("vm2", recipe)
"""

import fcntl
import glob
import os
import shutil
import tempfile
import time

import accelerator
import cache
import image
import saved
from cache import Unavailable  # noqa: F401  (for those who use the bed)
from domain import Domain, Hardware, domain_xml
from harness import Trouble
from libvirtd import Libvirtd, check_needs
from saved import Recipe, Start  # noqa: F401  (for those who use the bed)

PLACE, PREFIX = "/tmp", "aerostat-vm-"
HUGE_PAGES = "<memoryBacking><hugepages><page size='2048' unit='KiB'/></hugepages>"


def remove_abandoned():
    """Removes the directories of beds that were killed: those whose lock nobody holds. Their processes died with them."""
    for lock in glob.glob(os.path.join(PLACE, PREFIX + "*", "lock")):
        try:
            with open(lock, "r+", encoding="ascii") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Just made and about to be locked by its owner: for the next one to judge.
                if os.stat(lock).st_mtime < time.time() - 10:
                    shutil.rmtree(os.path.dirname(lock), ignore_errors=True)
        except OSError:
            continue  # in use, somebody else's, or gone already


class Bed:
    """Make it in a thread that lives as long as the bed is used: the kernel ends the bed with that thread."""

    def __init__(self, like=None, hook=None):
        """Like another bed: with the same images, even if what they are made of has changed since. `hook`: a script for libvirt
        to call when domains start and stop, made from the bed's directory."""
        check_needs()
        self._base, self._ours = (like._base, like._ours) if like else (image.base(), image.ours())
        self.accelerator = like.accelerator if like else accelerator.choose(self._base)
        # Short, because the path of a socket may have 108 characters; and nowhere that libvirtd has covered.
        remove_abandoned()
        self._directory = tempfile.TemporaryDirectory(prefix=PREFIX, dir=PLACE, ignore_cleanup_errors=True)
        self._lock = open(os.path.join(self._directory.name, "lock"), "w", encoding="ascii")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.domains = {}
        try:
            self.libvirtd = Libvirtd(self._directory.name, hook and hook(self._directory.name))
        except BaseException:
            self._directory.cleanup()
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is not None and not isinstance(error, (KeyboardInterrupt, SystemExit)):
            self.show_evidence()
        self.close()

    def show_evidence(self):
        for domain in self.domains.values():
            print(domain.evidence(), flush=True)

    @property
    def uri(self):
        return self.libvirtd.uri

    @property
    def directory(self):
        """For the files of whoever uses the bed, e.g. a hostd's; ends with the bed."""
        return self._directory.name

    def inside(self, path):
        """A path of the cache as libvirtd and QEMU see it."""
        return os.path.join(self.libvirtd.images, os.path.relpath(path, cache.cache_directory()))

    def new_domain(self, name, hardware):
        """A domain that is not started yet."""
        if name in self.domains:
            raise Trouble(f"there is a domain {name} already")
        directory = os.path.join(self._directory.name, name)
        os.makedirs(directory, exist_ok=True)
        return Domain(self.libvirtd, name, directory, hardware)

    def boot(self, name, huge_pages=False, **hardware):
        """A domain from power-on, when its control agent answers. Keywords: those of Hardware. With huge pages behind its RAM
        the host must have some to give."""
        domain = self.new_domain(name, Hardware(**hardware))
        file = os.path.join(domain.directory, "domain.xml")
        with open(file, "w", encoding="utf-8") as out:
            disks = self.inside(self._base), self.inside(self._ours)
            xml = domain_xml(name, domain.hardware, domain.directory, *disks, self.accelerator)
            out.write(xml.replace("<memoryBacking>", HUGE_PAGES) if huge_pages else xml)
        self.libvirtd.virsh("create", file)
        self.domains[name] = domain
        domain.shell.connect()
        return domain

    def warm(self, name, recipe):
        """A domain as the recipe has made it, restored from its saved state."""
        return saved.restore(self, name, recipe, saved.image_of(self, recipe, [self._base, self._ours, self.accelerator]))

    def destroy(self, name):
        self.domains.pop(name).destroy()

    def close(self):
        for domain in self.domains.values():
            domain.shell.close()
        self.libvirtd.stop()
        self._keep_logs()
        self._lock.close()
        self._directory.cleanup()

    def _keep_logs(self):
        """Copies consoles and libvirtd's log to where AEROSTAT_VM_LOGS says; else they go with the bed."""
        kept = os.environ.get("AEROSTAT_VM_LOGS")
        if kept:
            os.makedirs(kept, exist_ok=True)
            for path in glob.glob(f"{self.directory}/*/console.log"):
                shutil.copy(path, os.path.join(kept, os.path.basename(os.path.dirname(path)) + ".console.log"))
            shutil.copy(os.path.join(self.directory, "libvirtd.log"), kept)
