#!/usr/bin/env python3
"""The memory condition in Python, by libaerostat and ctypes; nothing to install but the library.

    python3 examples/python/condition.py            # prints it at each change, until Ctrl-C
    AEROSTAT_LIBRARY=build/release/lib/libaerostat.so AEROSTAT_RUNTIME_DIR=/run/aerostat \\
        python3 examples/python/condition.py --once
"""

import ctypes
import os
import sys

UNKNOWN = (1 << 64) - 1
ANY = 1


class Condition(ctypes.Structure):
    """aerostat_memory_condition, see aerostat/memory_condition.h."""
    _fields_ = [("struct_size", ctypes.c_uint32), ("validity", ctypes.c_int32), ("level", ctypes.c_int32),
                ("trend", ctypes.c_int32), ("session", ctypes.c_uint64), ("updates", ctypes.c_uint64),
                ("level_changes", ctypes.c_uint32), ("changes", ctypes.c_uint32), ("age_ns", ctypes.c_uint64),
                ("available_bytes", ctypes.c_uint64), ("suggested_release_bytes", ctypes.c_uint64),
                ("release_within_ns", ctypes.c_uint64), ("java_ballooned_bytes", ctypes.c_uint64),
                ("guest_ballooned_bytes", ctypes.c_uint64),
                ("guest_target_bytes", ctypes.c_uint64), ("guest_total_bytes", ctypes.c_uint64), ("host_level", ctypes.c_int32),
                ("host_shares", ctypes.c_int32), ("host_price", ctypes.c_double), ("psi_some_avg10", ctypes.c_double),
                ("psi_full_avg10", ctypes.c_double)]


class MemoryCondition:
    """A reader. read() and wait() return the condition; without a daemon they say so (validity 1, level -1)."""

    def __init__(self, runtime_dir=None):
        self._lib = ctypes.CDLL(os.environ.get("AEROSTAT_LIBRARY", "libaerostat.so.1"))
        self._lib.aerostat_condition_read.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        self._lib.aerostat_condition_wait.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int64, ctypes.c_void_p]
        self._lib.aerostat_condition_close.argtypes = [ctypes.c_void_p]
        for name in ("level", "validity"):
            word = getattr(self._lib, f"aerostat_{name}_name")
            word.argtypes, word.restype = [ctypes.c_int32], ctypes.c_char_p
        self._reader = ctypes.c_void_p()
        opened = self._lib.aerostat_condition_open(runtime_dir.encode() if runtime_dir else None, ctypes.byref(self._reader))
        if opened != 0:
            raise OSError(f"aerostat_condition_open: {opened}")
        self._now = Condition(struct_size=ctypes.sizeof(Condition))

    def read(self):
        self._lib.aerostat_condition_read(self._reader, ctypes.byref(self._now))
        return self._now

    def wait(self, seconds):
        """True as soon as it is another one than was read last; False when the time is over. Interrupted by signals."""
        return self._lib.aerostat_condition_wait(self._reader, ANY, int(seconds * 1000), ctypes.byref(self._now)) == 1

    def words(self):
        """(validity, level), for people."""
        validity = self._lib.aerostat_validity_name(self._now.validity)
        return validity.decode(), self._lib.aerostat_level_name(self._now.level).decode()

    def close(self):
        self._lib.aerostat_condition_close(self._reader)


def mib(count):
    return "unknown" if count == UNKNOWN else f"{count >> 20} MiB"


def main():
    condition = MemoryCondition()
    try:
        while True:
            now = condition.read()
            print(*condition.words(), "available", mib(now.available_bytes), "please release", mib(now.suggested_release_bytes),
                  flush=True)
            if "--once" in sys.argv[1:]:
                return
            while not condition.wait(1):
                pass
    except KeyboardInterrupt:
        pass
    finally:
        condition.close()


if __name__ == "__main__":
    main()
