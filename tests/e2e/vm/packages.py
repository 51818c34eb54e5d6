"""Which Debian packages, in which versions, the guest is made of."""

import json
import os
import re
import subprocess

from cache import Unavailable, cache_directory, hash_of, politely, write_json
from harness import built

PACKAGES = ["openjdk-17-jre-headless", "busybox-static", "zlib1g"]
KERNEL_PACKAGE = "linux-image-cloud-amd64"


def our_programs():
    """What this project builds for a guest."""
    return [built("bin", "aerostat-guestd"), built("bin", "aerostatctl"), built("lib", "libaerostat-jvm.so")]


def libraries():
    """The shared libraries our programs are linked with."""
    found = set()
    for program in our_programs():
        found.update(re.findall(r"=> (/\S+)", politely("ldd", program)))
    return sorted(found)


def library_packages():
    """Their Debian packages."""
    found = set()
    for library in libraries():
        # dpkg knows a file under the path it was packed with, with or without /usr.
        path = os.path.realpath(library)
        paths = {library, path, path.removeprefix("/usr"), "/usr" + path, library.removeprefix("/usr"), "/usr" + library}
        owners = subprocess.run(["dpkg", "-S", *sorted(paths)], capture_output=True, text=True, check=False).stdout
        if not owners:
            raise Unavailable(f"{library} is of no Debian package: the guest could not have it")
        found.update(line.split(":")[0] for line in owners.splitlines())
    return sorted(found)


def versions_of(names):
    """[[package, file name with version, hash]] as apt would download them now."""
    done = subprocess.run(["apt-get", "download", "--print-uris", *names], capture_output=True, text=True, check=False)
    found = re.findall(r"^'[^']*' (([^_\s]+)_\S+) \d+ (\S+)", done.stdout, re.MULTILINE)
    if done.returncode != 0 or len(found) < len(names):
        raise Unavailable(f"apt does not know all of {' '.join(names)}: {done.stderr[-500:]}")
    return sorted([name, file, digest] for file, name, digest in found)


def _ask_apt():
    """What the base is made of, as apt knows it now."""
    kernels = re.findall(r"Depends: (linux-image-\S+)", politely("apt-cache", "depends", KERNEL_PACKAGE))
    if not kernels:
        raise Unavailable(f"apt does not know {KERNEL_PACKAGE}")
    return versions_of([kernels[0], *PACKAGES, *library_packages()])


def base_packages():
    """[[package, file name with version, hash]]. Asks apt, which takes seconds, only when its lists are others than last time."""
    folder = "/var/lib/apt/lists"
    lists = (entry for entry in os.scandir(folder) if entry.name.endswith("Release"))
    state = sorted(f"{entry.name} {entry.stat().st_mtime_ns}" for entry in lists)
    if not state and os.geteuid() == 0:  # a fresh machine
        subprocess.run(["apt-get", "update", "-q"], capture_output=True, check=False)
    key = hash_of(*state, *libraries(), ("file", __file__))
    memory = os.path.join(cache_directory(), "packages.json")
    try:
        with open(memory, encoding="utf-8") as file:
            known = json.load(file)
        if known["key"] == key:
            return known["packages"]
    except (OSError, ValueError, KeyError):
        pass
    packages = _ask_apt()
    write_json(memory, {"key": key, "packages": packages})
    return packages
