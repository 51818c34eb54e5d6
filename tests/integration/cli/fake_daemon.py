"""A control socket that answers as it is told: what aerostatctl makes of a daemon can be tested without one."""

import json
import os
import socket
import threading

MIB = 1 << 20


def jvm(name="api", **report):
    return {"report": {"name": name,
                       "facts": {"java_version": "17.0.21", "collector": "G1", "max_heap_bytes": 2048 * MIB,
                                 "initial_heap_bytes": 64 * MIB, "can_balloon": True},
                       "footprint_bytes": 900 * MIB, "committed_bytes": 1000 * MIB, "used_bytes": 700 * MIB,
                       "live_bytes": 300 * MIB, "floor_bytes": 400 * MIB, "ceiling_bytes": 2048 * MIB,
                       "non_heap_bytes": 80 * MIB, "balloon_bytes": 100 * MIB, "balloon_verified_bytes": 100 * MIB,
                       "releasable_bytes": 200 * MIB, "gc_cpu": 0.031, "full_gcs": 0,
                       "curve": [[400 * MIB, 1.0], [2048 * MIB, 0.0]], **report},
            "report_age_ms": 40, "target_bytes": 950 * MIB, "price": 0.25}


def guest(name, **fields):
    return {"name": name, "identity": "session:4711", "state": "connected", "charged_bytes": 1000 * MIB, "fixed_bytes": 90 * MIB,
            "memory_available_bytes": 4096 * MIB, "jvms": [jvm()], **fields}


def status(*names, **fields):
    return {"status": {"daemon": "hostd", "name": "rack1", "software": "0.1.0", "mode": "act", "paused": False,
                       "memory_bytes": 4096 * MIB, "guests": [guest(name) for name in names], **fields}}


def operation(**fields):
    return {"operation": {"op": "op-17", "command": "squeeze", "target": "orders/api", "running": False, "asked": 512 * MIB,
                          "obtained": 512 * MIB, "verified": 509 * MIB, "shortfall": 0, "reason": "met", "deadline_ms": 5000,
                          "elapsed_ms": 840, **fields}}


def error(code, message):
    return {"error": {"code": code, "message": message}}


class FakeDaemon:
    """`answers` maps a command to a list of reply bodies (parts of one reply), to bytes sent as they are, or to a
    function of the request that gives either. `requests` keeps what was asked."""

    def __init__(self, directory, answers):
        self.path = os.path.join(directory, "control.sock")
        self.answers, self.requests = answers, []
        self.changed = threading.Condition()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.path)
        self._listener.listen(8)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            for line in connection.makefile("rb"):
                request = json.loads(line)
                with self.changed:
                    self.requests.append(request)
                    self.changed.notify_all()
                answer = self.answers.get(request["command"], [error("unsupported", "not here")])
                answer = answer(request) if callable(answer) else answer
                try:
                    connection.sendall(answer if isinstance(answer, bytes) else self._lines(request, answer))
                except OSError:
                    return
                if answer == b"":
                    return

    @staticmethod
    def _lines(request, parts):
        lines = []
        for index, part in enumerate(parts):
            more = {"more": True} if index + 1 < len(parts) else {}
            lines.append(json.dumps({"v": 1, "type": "reply", "id": request["id"], **more, **part}) + "\n")
        return "".join(lines).encode()

    def close(self):
        self._listener.close()
        if os.path.exists(self.path):
            os.unlink(self.path)
