"""The memory condition as tests read it: the page itself, by its documented layout, and the C library through ctypes."""

import ctypes
import mmap
import os
import struct

from bed import MIB, ROOT, wait_until

BUILD = os.path.join(ROOT, os.environ.get("AEROSTAT_BUILD", "build/release"))
LIBRARY = os.path.join(BUILD, "lib", "libaerostat.so")

MASK = (1 << 64) - 1
UNKNOWN = MASK
MAGIC = int.from_bytes(b"AROSTCON", "little")
AMPLE, ADVISORY, TIGHT, CRITICAL = range(4)
VALID, NO_DAEMON, STALE, NO_HOST = range(4)
WAIT_LEVEL, WAIT_ANY = range(2)
FIELDS = ("session", "updated_ns", "stale_after_ns", "level", "trend", "validity", "host_level", "host_shares", "padding",
          "available", "suggested_release", "deadline_ns", "java_ballooned", "guest_ballooned", "guest_target", "guest_total",
          "host_price", "psi_some", "psi_full", "updates", "checksum")


def checksum(words):
    total = MAGIC
    for word in words:
        total = (((total << 7) | (total >> 57)) & MASK) ^ word
    return total


class Page:
    """The mapped page. read() gives a dictionary, None for a page without a state, or raises Torn."""

    class Torn(Exception):
        pass

    def __init__(self, path):
        with open(path, "rb") as file:
            self.inode = os.fstat(file.fileno()).st_ino
            self._map = mmap.mmap(file.fileno(), 4096, prot=mmap.PROT_READ)

    def header(self):
        names = ("magic", "version", "size", "sequence", "level_changes", "changes")
        return dict(zip(names, struct.unpack_from("<QIIIII", self._map)))

    def read(self):
        for _ in range(100):
            before = self.header()
            data = self._map[64 + 512 * (before["sequence"] & 1):][:144]
            if self.header()["sequence"] != before["sequence"]:
                continue
            if before["magic"] != MAGIC or struct.unpack_from("<Q", data, 128)[0] == 0:
                return None
            if checksum(struct.unpack("<17Q", data[:136])) != struct.unpack_from("<Q", data, 136)[0]:
                raise Page.Torn(data.hex())
            return dict(zip(FIELDS, struct.unpack("<3Q6I7Q3d2Q", data)))
        raise Page.Torn("the page never stood still")


class Condition(ctypes.Structure):
    """aerostat_memory_condition."""
    _fields_ = [("struct_size", ctypes.c_uint32), ("validity", ctypes.c_int32), ("level", ctypes.c_int32),
                ("trend", ctypes.c_int32), ("session", ctypes.c_uint64), ("updates", ctypes.c_uint64),
                ("level_changes", ctypes.c_uint32), ("changes", ctypes.c_uint32), ("age_ns", ctypes.c_uint64),
                ("available_bytes", ctypes.c_uint64), ("suggested_release_bytes", ctypes.c_uint64),
                ("release_within_ns", ctypes.c_uint64), ("java_ballooned_bytes", ctypes.c_uint64),
                ("guest_ballooned_bytes", ctypes.c_uint64),
                ("guest_target_bytes", ctypes.c_uint64), ("guest_total_bytes", ctypes.c_uint64), ("host_level", ctypes.c_int32),
                ("host_shares", ctypes.c_int32), ("host_price", ctypes.c_double), ("psi_some_avg10", ctypes.c_double),
                ("psi_full_avg10", ctypes.c_double)]


RECLAIM = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64)


class ReclaimerOptions(ctypes.Structure):
    """aerostat_reclaimer_options."""
    _fields_ = [("struct_size", ctypes.c_uint32), ("flags", ctypes.c_uint32), ("runtime_dir", ctypes.c_char_p),
                ("name", ctypes.c_char_p), ("reclaim", RECLAIM), ("user", ctypes.c_void_p), ("releasable_bytes", ctypes.c_uint64),
                ("price", ctypes.c_double)]


def library():
    lib = ctypes.CDLL(LIBRARY, use_errno=True)
    lib.aerostat_condition_wait.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int64, ctypes.c_void_p]
    lib.aerostat_reclaimer_update.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_double]
    lib.aerostat_version.restype = ctypes.c_char_p
    for name in ("read", "fd", "dispatch", "close"):
        getattr(lib, "aerostat_condition_" + name).argtypes = [ctypes.c_void_p] + [ctypes.c_void_p] * (name == "read") + \
            [ctypes.c_int] * (name == "fd")
    for name in ("fd", "dispatch", "unregister"):
        getattr(lib, "aerostat_reclaimer_" + name).argtypes = [ctypes.c_void_p]
    return lib


class Reader:
    """A reader of the C library."""

    def __init__(self, runtime):
        self.lib, self.handle = library(), ctypes.c_void_p()
        opened = self.lib.aerostat_condition_open(runtime.encode(), ctypes.byref(self.handle))
        if opened != 0:
            raise OSError(f"aerostat_condition_open: {opened}")
        self.now = Condition(struct_size=ctypes.sizeof(Condition))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lib.aerostat_condition_close(self.handle)

    def read(self):
        if self.lib.aerostat_condition_read(self.handle, ctypes.byref(self.now)) != 0:
            raise OSError("aerostat_condition_read")
        return self.now

    def wait(self, what=WAIT_LEVEL, timeout_ms=5000):
        """1: changed, 0: the time is over; self.now is fresh."""
        return self.lib.aerostat_condition_wait(self.handle, what, timeout_ms, ctypes.byref(self.now))

    def descriptor(self, what=WAIT_LEVEL):
        return self.lib.aerostat_condition_fd(self.handle, what)

    def dispatch(self):
        return self.lib.aerostat_condition_dispatch(self.handle)


def page_of(bed):
    """The page of a running guestd, once there is a state in it."""
    path = os.path.join(bed.runtime, "condition")
    wait_until(lambda: os.path.exists(path) and Page(path).read(), 5, "a state in the page")
    return Page(path)


def squeeze_out(jvm):
    """An agent in distress: the level is tight at once, for two seconds and five of calm."""
    jvm.line.send("pressure", wanted_bytes=64 * MIB, cause="gc-distress", jvm=jvm.name)
