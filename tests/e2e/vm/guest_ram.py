"""A guest's RAM as its host holds it: a memfd of QEMU's. Functions take QEMU's pid and the size of the guest in bytes."""

import ctypes
import mmap
import os
import re

from harness import MIB, Trouble

LIBC = ctypes.CDLL(None, use_errno=True)
FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE = 1, 2
PAGE = mmap.PAGESIZE


def resident_bytes(pid, size):
    """Host memory behind the guest's RAM. Not the process's RSS, which also holds QEMU itself and the code it has made."""
    with open(f"/proc/{pid}/smaps", encoding="ascii", errors="replace") as file:
        for mapping in re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", file.read()):
            if "memfd:" in mapping.split("\n", 1)[0] and re.search(rf"^Size: +{size // 1024} kB$", mapping, re.MULTILINE):
                return int(re.search(r"^Rss: +(\d+) kB$", mapping, re.MULTILINE).group(1)) * 1024
    raise Trouble(f"QEMU {pid} maps no guest RAM of {size // MIB} MiB")


def _open(pid, size):
    folder = f"/proc/{pid}/fd"
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if os.readlink(path).startswith("/memfd:") and os.stat(path).st_size == size:
            return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    raise Trouble(f"QEMU {pid} has no guest RAM of {size // MIB} MiB open")


def drop_zero_pages(pid, size):
    """Gives pages that hold only zeros back to the host. The guest must be paused.

    QEMU, restoring a guest, looks at each page that is to be zero before it decides that there is nothing to write; with a
    memfd the look alone takes a page. Every restored guest would seem to use all its memory."""
    ram = _open(pid, size)
    try:
        with mmap.mmap(ram, size, prot=mmap.PROT_READ) as bytes_of:
            for begin, length in _zero_runs(bytes_of, size):
                hole = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE
                if LIBC.fallocate(ram, hole, ctypes.c_long(begin), ctypes.c_long(length)) != 0:
                    raise Trouble(f"giving back guest RAM: {os.strerror(ctypes.get_errno())}")
    finally:
        os.close(ram)


def _zero_runs(ram, size, coarse=64 * PAGE):
    """(begin, length) of zeros: whole coarse pieces first, pages where a piece is mixed."""
    zeros = bytes(coarse)
    begin = None
    for piece in range(0, size, coarse):
        held = ram[piece:piece + coarse]
        whole = held == zeros
        for at in ((piece,) if whole else range(piece, piece + coarse, PAGE)):
            zero = whole or held.startswith(zeros[:PAGE], at - piece)
            if zero and begin is None:
                begin = at
            elif not zero and begin is not None:
                yield begin, at - begin
                begin = None
    if begin is not None:
        yield begin, size - begin
