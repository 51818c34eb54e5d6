"""Which accelerator runs the guests: KVM where it truly boots a kernel, else emulation (TCG)."""

import json
import os
import platform
import subprocess

import cache

PROBE_SECONDS = 5  # a real KVM needs less than one; one that emulates a kernel's privileged code has not come to init after 30


def qemu_version():
    return subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True, check=False).stdout.split("\n")[0]


def _kvm_boots(base):
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    # Ends with this program, like the bed's own.
    command = ["setpriv", "--pdeathsig", "KILL", "--", "qemu-system-x86_64", "-machine", "q35", "-accel", "kvm", "-cpu", "host",
               "-m", "256", "-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio",
               "-kernel", f"{base}/vmlinux", "-initrd", f"{base}/initramfs",
               "-append", "console=ttyS0 quiet panic=-1 aerostat.probe"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=PROBE_SECONDS, check=False, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return False
    return b"aerostat: alive" in done.stdout


def choose(base):
    """"kvm" or "tcg": what AEROSTAT_VM_ACCEL says, else what a trial boot shows. A trial's outcome is remembered for as long as
    kernel, QEMU and guest kernel are the same."""
    wanted = os.environ.get("AEROSTAT_VM_ACCEL")
    if wanted:
        if wanted not in ("kvm", "tcg"):
            raise cache.Unavailable(f'AEROSTAT_VM_ACCEL is "{wanted}"; it takes kvm or tcg')
        return wanted
    key = cache.hash_of(platform.release(), platform.version(), qemu_version(), os.path.basename(base),
                        str(os.access("/dev/kvm", os.R_OK | os.W_OK)))
    memory = os.path.join(cache.cache_directory(), "accelerator.json")
    try:
        with open(memory, encoding="utf-8") as file:
            known = json.load(file)
        if known["key"] == key:
            return known["accelerator"]
    except (OSError, ValueError, KeyError):
        pass
    chosen = "kvm" if _kvm_boots(base) else "tcg"
    cache.write_json(memory, {"key": key, "accelerator": chosen})
    return chosen
