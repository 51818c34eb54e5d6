"""The memory-condition page, written as the daemon writes it: a stand-in for guestd where a test must say what the page says.
Layout: docs/protocol.md."""

import mmap
import os
import struct
import time

PAGE = 4096
SLOTS, SLOT = 64, 512
MAGIC = b"AROSTCON"
UNKNOWN = (1 << 64) - 1
LEVELS = ("ample", "advisory", "tight", "critical")
FIELDS = ("session", "updated_ns", "stale_after_ns", "level", "trend", "validity", "host_level", "host_shares", "padding",
          "available_bytes", "suggested_release_bytes", "deadline_ns", "java_ballooned_bytes", "guest_ballooned_bytes",
          "guest_target_bytes", "guest_total_bytes", "host_price", "psi_some_avg10", "psi_full_avg10", "updates")
STATE = struct.Struct("<QQQIIIIII7QdddQ")

NOTHING_KNOWN = {"session": 1, "stale_after_ns": 3_000_000_000, "level": 0, "trend": 0, "validity": 0, "host_level": 0xFFFFFFFF,
                 "host_shares": 0, "padding": 0, "available_bytes": UNKNOWN, "suggested_release_bytes": UNKNOWN, "deadline_ns": 0,
                 "java_ballooned_bytes": UNKNOWN, "guest_ballooned_bytes": UNKNOWN, "guest_target_bytes": UNKNOWN,
                 "guest_total_bytes": UNKNOWN, "host_price": -1.0, "psi_some_avg10": -1.0, "psi_full_avg10": -1.0}


def checksum(state):
    total = int.from_bytes(MAGIC, "little")
    for (word,) in struct.iter_unpack("<Q", state):
        total = (((total << 7) | (total >> 57)) & UNKNOWN) ^ word
    return total


class PageWriter:
    """The one writer of a page; makes the file if it is not there."""

    def __init__(self, directory, header=True):
        self.path = os.path.join(directory, "condition")
        if not os.path.exists(self.path):
            with open(self.path, "wb") as file:
                file.write(bytes(PAGE))
            os.chmod(self.path, 0o644)  # others' write access would make it incredible
        with open(self.path, "r+b") as file:
            self._page = mmap.mmap(file.fileno(), PAGE)
        if header:
            self.put(8, struct.pack("<II", 1, 144))
            self.put(0, MAGIC)

    def put(self, offset, data):
        self._page[offset:offset + len(data)] = data

    def publish(self, **changes):
        """Publishes a state: what is not named is unknown, the level ample. Returns all its fields."""
        (sequence,) = struct.unpack_from("<I", self._page, 16)
        before = STATE.unpack_from(self._page, SLOTS + SLOT * (sequence & 1))
        state = {"updated_ns": time.monotonic_ns(), **NOTHING_KNOWN, **changes, "updates": before[-1] + 1}
        packed = STATE.pack(*(state[name] for name in FIELDS))
        self.put(SLOTS + SLOT * ((sequence + 1) & 1), packed + struct.pack("<Q", checksum(packed)))
        self.put(16, struct.pack("<I", (sequence + 1) & 0xFFFFFFFF))
        return state

    def close(self):
        self._page.close()


def read_page(path):
    """The state that was published last, as a dictionary; None if there is none. Taken only if its checksum is right."""
    with open(path, "rb") as file:
        page = file.read(PAGE)
    if page[:8] != MAGIC:
        return None
    (sequence,) = struct.unpack_from("<I", page, 16)
    begin = SLOTS + SLOT * (sequence & 1)
    packed, (summed,) = page[begin:begin + STATE.size], struct.unpack_from("<Q", page, begin + STATE.size)
    return dict(zip(FIELDS, STATE.unpack(packed))) if checksum(packed) == summed else None
