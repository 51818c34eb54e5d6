"""A clean Debian, as a folder: made once of what packages depend on, kept, and laid below a throw-away layer for each test."""

import glob
import hashlib
import os
import re
import shutil
import subprocess

from harness import Trouble

MIRROR = "http://deb.debian.org/debian"
SUITE = "bookworm"
ALSO = ["systemd"]  # systemd-sysusers makes the groups; systemd-analyze looks at the units


def run(argv, within=600, **options):
    done = subprocess.run(argv, capture_output=True, text=True, timeout=within, check=False, stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        raise Trouble(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def field(deb, name):
    return run(["dpkg-deb", "-f", deb, name]).strip()


def needs_of(debs):
    """What the packages depend on besides each other: of alternatives the first, without versions, which dpkg checks later."""
    own = {field(deb, "Package") for deb in debs}
    all_needs = [need for deb in debs for need in field(deb, "Depends").split(",") if need.strip()]
    names = {re.match(r"\s*([a-z0-9.+-]+)", need).group(1) for need in all_needs}
    return sorted((names | set(ALSO)) - own)


def base_of(debs):
    """The folder of a Debian with `needs_of(debs)`, from the cache or made now (takes the mirror, and a minute)."""
    needs = needs_of(debs)
    cache = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "aerostat", "packages")
    base = os.path.join(cache, hashlib.sha256(" ".join([SUITE, *needs]).encode()).hexdigest()[:16])
    if os.path.exists(base):
        return base
    os.makedirs(cache, exist_ok=True)
    for old in glob.glob(os.path.join(cache, "*")):
        shutil.rmtree(old)
    making = f"{base}.{os.getpid()}"
    try:
        run(["mmdebstrap", "--variant=minbase", f"--include={','.join(needs)}", SUITE, making, MIRROR])
        os.rename(making, base)
    except (Trouble, subprocess.TimeoutExpired):
        shutil.rmtree(making, ignore_errors=True)
        raise
    return base


class CleanTree:
    """Needs a mount namespace of its own: all that is mounted here ends with it."""

    def __init__(self, base):
        layer = "/run/aerostat-tree"
        os.makedirs(layer, exist_ok=True)
        run(["mount", "-t", "tmpfs", "none", layer])
        self.path = os.path.join(layer, "tree")
        for name in ("tree", "upper", "work"):
            os.mkdir(os.path.join(layer, name))
        parts = f"lowerdir={base},upperdir={layer}/upper,workdir={layer}/work"
        run(["mount", "-t", "overlay", "overlay", "-o", parts, self.path])
        for name in ("proc", "sys", "dev"):
            run(["mount", "--rbind", "/" + name, self.file(name)])

    def file(self, *parts):
        return os.path.join(self.path, *parts)

    def has(self, *parts):
        return os.path.lexists(self.file(*parts))

    def read(self, *parts):
        with open(self.file(*parts), encoding="utf-8") as file:
            return file.read()

    def run(self, *argv, **options):
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
        return run(["chroot", self.path, *argv], env=environment, **options)

    def install(self, debs):
        for deb in debs:
            shutil.copy(deb, self.file("tmp"))
        return self.run("dpkg", "-i", *("/tmp/" + os.path.basename(deb) for deb in debs))
