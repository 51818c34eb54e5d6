#!/usr/bin/env python3
"""What applications say to a real guestd, and are told: client.sock and pressure."""

import ctypes
import os
import select
import socket

from bed import MIB, Bed, Connection, WireError, expect, main, wait_until
from condition_reader import NO_HOST, RECLAIM, ReclaimerOptions, library, page_of, squeeze_out


def a_reclaimer_is_asked_when_it_is_tight():
    asked = []

    def reclaim(_, wanted, within_ms):
        asked.append((wanted, within_ms))
        return wanted // 2

    with Bed() as bed:
        jvm, lib, handle = bed.jvm("shop"), library(), ctypes.c_void_p()
        callback = RECLAIM(reclaim)
        options = ReclaimerOptions(struct_size=ctypes.sizeof(ReclaimerOptions), runtime_dir=bed.runtime.encode(),
                                   name=b"pictures", reclaim=callback, releasable_bytes=64 * MIB, price=0.01)
        expect(lib.aerostat_reclaimer_register(ctypes.byref(options), ctypes.byref(handle)) == 0, "registered")
        with Connection.to(os.path.join(bed.runtime, "client.sock")) as dear:
            dear.send("reclaimer", reclaimer="dear", releasable_bytes=64 * MIB * 1024, price=5.0)
            wait_until(lambda: squeeze_out(jvm) or asked, 5, "the request")
            wanted, within = asked[0]
            expect(wanted == 64 * MIB and 0 < within <= 10_000, asked)
            order = dear.receive()
            expect(order["type"] == "reclaim" and order["wanted_bytes"] > 0, "the dearer one gives the rest")
            dear.send("reclaimed", order["id"], reclaimer="dear", released_bytes=order["wanted_bytes"])
        expect(lib.aerostat_reclaimer_fd(handle) == -5, "it has a thread of its own")
        lib.aerostat_reclaimer_unregister(handle)


def the_pressure_door_speaks_systemds_protocol():
    with Bed() as bed:
        jvm = bed.jvm("shop")
        usual, early = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(2)]
        with usual, early:
            for door, written in ((usual, b"some 150000 2000000\0"), (early, b"advisory")):
                door.connect(os.path.join(bed.runtime, "pressure"))
                door.sendall(written)
            expect(not select.select([usual, early], [], [], 0.5)[0], "quiet while there is no pressure")
            squeeze_out(jvm)
            for door in (usual, early):
                expect(select.select([door], [], [], 2)[0], "readable when it is tight")
                expect(door.recv(4096) == b"tight\n", "the level, on a line")
            squeeze_out(jvm)
            expect(select.select([usual], [], [], 4)[0], "again while it lasts")


def answers(door):
    try:
        with Connection.to(door) as asking:
            asking.send("watch", changes="none")
            return asking.receive()["type"] == "memory"
    except (WireError, OSError):
        return False


def hostile_applications_do_no_harm():
    with Bed() as bed:
        page = page_of(bed)
        door = os.path.join(bed.runtime, "client.sock")
        crowd = []
        for _ in range(1000):
            knocking = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            knocking.settimeout(0.2)
            try:
                knocking.connect(door)
            except OSError:
                pass
            crowd.append(knocking)
        before = page.read()["updates"]
        wait_until(lambda: page.read()["updates"] >= before + 2, 5, "the page to be written all the same")
        for knocking in crowd:
            knocking.close()
        wait_until(lambda: answers(door), 8, "the door to be free again")
        for nonsense in (b"{}\n" * 50, b"\x00\xff" * 2000 + b"\n", b"x" * 300_000,
                         b'{"v":1,"type":"reclaimer","id":"a","reclaimer":"x","releasable_bytes":-1}\n',
                         b'{"v":1,"type":"reclaimer","id":"a","reclaimer":"../x","releasable_bytes":1}\n',
                         b'{"v":1,"type":"reclaimed","id":"a","reclaimer":"x","released_bytes":9223372036854775807}\n',
                         b'{"v":1,"type":"watch","id":"half'):
            with Connection.to(door) as hostile:
                hostile.send_raw(nonsense)
        with Connection.to(door) as greedy:
            for number in range(40):
                greedy.send("reclaimer", reclaimer=f"c{number}", releasable_bytes=1 << 62, price=0.0)
            codes = [greedy.receive()["code"] for _ in range(8)]
            expect(codes == ["busy"] * 8, codes)
            greedy.send("set_heap_target", session="s", op="o", target_bytes=1, deadline_ms=1)
            expect(greedy.receive()["code"] == "refused", "not from an application")
        with Connection.to(door) as flood:
            try:
                flood.send_raw(b'{"v":1,"type":"watch","id":"w"}\n' * 20_000)
                while True:
                    flood.receive(5)
            except (WireError, OSError):
                pass
        expect(answers(door) and bed.answers(), "all doors are open")
        expect(page.read()["validity"] == NO_HOST, "and the page is written")


def whoever_wants_nothing_loses_its_place():
    with Bed() as bed, Connection.to(os.path.join(bed.runtime, "client.sock")) as silent:
        notice = silent.receive(8)
        expect(notice["type"] == "error" and "nothing was asked" in notice["message"], notice)


TESTS = [a_reclaimer_is_asked_when_it_is_tight, the_pressure_door_speaks_systemds_protocol, hostile_applications_do_no_harm,
         whoever_wants_nothing_loses_its_place]

if __name__ == "__main__":
    main(TESTS)
