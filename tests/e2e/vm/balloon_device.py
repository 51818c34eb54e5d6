"""The balloon device as QEMU emulates it: what the driver was told to leave, not only what it has left so far.

libvirt tells only the latter, in every place it tells a size at all (<currentMemory> too). The former is a field of the device's
configuration, which lies in the guest's address space and can be read from outside without the guest's help.
"""

import re

from harness import Trouble

PCI_NAME = "1af4:1045"  # virtio, balloon
CONFIGURATION_AT = 0x2000  # in the BAR, by QEMU's layout of modern virtio devices
PAGE = 4096


class BalloonDevice:
    """Of one running domain."""

    def __init__(self, libvirtd, domain):
        self._libvirtd, self._domain = libvirtd, domain
        devices = self._monitor("info pci")
        found = re.search(PCI_NAME + r"(?:(?!PCI device).)*?BAR4: [^\n]* at (0x[0-9a-f]+)", devices, re.DOTALL)
        if not found:
            raise Trouble(f"{domain.name} has no virtio balloon that is switched on:\n{devices}")
        self._address = int(found.group(1), 16) + CONFIGURATION_AT

    def _monitor(self, command):
        return self._libvirtd.virsh("qemu-monitor-command", self._domain.name, "--hmp", command)

    def look(self):
        """(what the guest is to be left, what it is left now), in bytes, of one moment."""
        words = self._monitor(f"xp /2wx {self._address:#x}").split()[1:]
        maximum = self._domain.hardware.memory_mib << 20
        target, actual = (maximum - int(pages, 16) * PAGE for pages in words)
        return target, actual
