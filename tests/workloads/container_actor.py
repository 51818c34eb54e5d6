"""A program in a container: holds memory (`hold MIB`), reads a file so many times (`read FILE TIMES SECONDS`; TIMES 0: for ever,
once in SECONDS, and twice to begin with), or takes memory as it is told by lines of MiB (`take`). Says "ready" when it has what it
begins with."""

import mmap
import os
import sys
import time

MIB = 1 << 20


def filled(size):
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for page in range(0, size, 4096):
        memory[page] = 1
    return memory


def read_once(descriptor, buffer):
    offset = 0
    while True:
        got = os.preadv(descriptor, [buffer], offset)
        if got == 0:
            return
        offset += got


def read(file, times, seconds):
    descriptor, buffer = os.open(file, os.O_RDONLY), bytearray(256 << 10)
    for _ in range(times or 2):
        read_once(descriptor, buffer)
    print("ready", flush=True)
    while times == 0:
        began = time.monotonic()
        read_once(descriptor, buffer)
        time.sleep(max(0.0, began + seconds - time.monotonic()))
    sys.stdin.read()


def take():
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")  # whoever is killed, it is this one
    held = []
    print("ready", flush=True)
    for line in sys.stdin:
        held.append(filled(int(float(line) * MIB)))
        print("taken", flush=True)


def main():
    if sys.argv[1] == "read":
        return read(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
    if sys.argv[1] == "take":
        return take()
    held = filled(int(sys.argv[2]) * MIB)
    print("ready", flush=True)
    sys.stdin.read()
    held.close()
    return None


if __name__ == "__main__":
    main()
