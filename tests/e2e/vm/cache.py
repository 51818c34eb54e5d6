"""What takes long to make, kept by what it is made of; and how it is made: by commands, politely."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time

from harness import Trouble

KEPT = 4  # of a kind
GRACE_SECONDS = 900  # for those that somebody may be about to use


class Unavailable(Trouble):
    """This machine cannot have virtual machines for tests; the message says why."""


def cache_directory():
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(home, "aerostat", "vm")


def hash_of(*parts):
    """A name for content: of texts, and of files given as ("file", path)."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, tuple):
            with open(part[1], "rb") as file:
                part = hashlib.sha256(file.read()).hexdigest()
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()[:16]


def politely(*command, **keywords):
    """Runs a command that works hard at a lower priority: others may be using the machine."""
    done = subprocess.run(["nice", "-n", "5", *command], capture_output=True, text=True, check=False, **keywords)
    if done.returncode != 0:
        raise Trouble(f"{' '.join(command[:6])}: exit {done.returncode}\n{done.stdout[-500:]}{done.stderr[-2000:]}")
    return done.stdout


def cached(kind, key, make):
    """The directory kind/key of the cache, filled by make(directory) unless it is there. What is half made is never seen."""
    folder = os.path.join(cache_directory(), kind)
    wanted = os.path.join(folder, key)
    if not os.path.isdir(wanted):
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="making-", dir=folder) as work:
            made = os.path.join(work, "made")
            os.mkdir(made)
            began = time.monotonic()
            make(made)
            write_json(os.path.join(made, "made.json"), {"seconds": round(time.monotonic() - began, 1)})
            try:
                os.rename(made, wanted)
            except OSError:
                if not os.path.isdir(wanted):  # else somebody else was quicker, with the same content
                    raise
        forget_old(folder)
    os.utime(wanted)
    return wanted


def forget_old(folder):
    """Drops all but the latest. A guest that runs has its disks open, and goes on."""
    entries = sorted((entry.stat().st_mtime, entry.path) for entry in os.scandir(folder) if entry.is_dir())
    for used, path in entries[:-KEPT]:
        if used < time.time() - GRACE_SECONDS:
            shutil.rmtree(path, ignore_errors=True)


def write_json(path, document):
    """Writes a small file that is there as a whole or not at all."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=os.path.dirname(path), delete=False) as file:
        json.dump(document, file)
    os.rename(file.name, path)


def seconds_to_make(directory):
    """How long a part of the cache took to make, when it was made."""
    with open(os.path.join(directory, "made.json"), encoding="utf-8") as file:
        return json.load(file)["seconds"]


def filesystem(tree, image, size):
    """An ext4 image, sparse, read-only in use: without what only writers need."""
    with open(image, "wb") as file:
        file.truncate(size)
    politely("/sbin/mkfs.ext4", "-q", "-F", "-d", tree, "-O", "^has_journal,^resize_inode", "-m", "0", "-b", "4096", image)
