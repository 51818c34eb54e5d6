"""A tiny aerostat-guestd for tests: listens on agent.sock, speaks the wire protocol, and keeps what the agent says."""

import json
import os
import queue
import socket
import threading
import time


class Gone(Exception):
    """The agent closed the connection."""


class FakeGuestd:
    """Serves one agent at a time. `reports`, `results` and `pressures` keep everything that came, with arrival times."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "agent.sock")
        self.reports, self.results, self.pressures, self.errors = [], {}, [], []
        self.hello = None
        self.session = None
        self._changed = threading.Condition()
        self._connection = None
        self._ids = 0
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.path)
        self._listener.listen(4)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connection = connection
            try:
                for line in connection.makefile("rb"):
                    self._take(json.loads(line))
            except (OSError, ValueError):
                pass
            with self._changed:
                self.session = None
                self._changed.notify_all()

    def _take(self, message):
        kind = message["type"]
        message["at"] = time.monotonic()
        if kind == "hello":
            self.send({"type": "welcome", "session": message["session"], "name": message["name"], "lease_ms": 30000})
        with self._changed:
            if kind == "hello":
                self.hello, self.session = message, message["session"]
            elif kind == "report":
                self.reports.append(message)
            elif kind == "result":
                self.results[message["op"]] = message
            elif kind == "pressure":
                self.pressures.append(message)
            elif kind == "error":
                self.errors.append(message)
            self._changed.notify_all()

    def send(self, body):
        self._ids += 1
        self._connection.sendall((json.dumps({"v": 1, "id": f"t{self._ids}", **body}) + "\n").encode())

    def wait_for(self, condition, within, what):
        """Waits until condition() gives something true, and returns it."""
        until = time.monotonic() + within
        with self._changed:
            while True:
                got = condition()
                if got:
                    return got
                left = until - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"waited {within} s for {what}")
                self._changed.wait(left)

    def wait_session(self, within=20):
        return self.wait_for(lambda: self.session, within, "the agent's hello")

    def wait_report(self, condition=lambda report: True, within=10, what="a report"):
        """A report that came after this call and satisfies the condition."""
        seen = len(self.reports)
        return self.wait_for(lambda: next((r for r in self.reports[seen:] if condition(r)), None), within, what)

    def order(self, op, target_bytes, deadline_ms=5000, **more):
        self.wait_session()
        self.send({"type": "set_heap_target", "session": more.pop("session", self.session), "op": op,
                   "target_bytes": int(target_bytes), "deadline_ms": deadline_ms, "lease_ms": 30000, **more})

    def result(self, op, within=30):
        return self.wait_for(lambda: self.results.get(op), within, f"the result of {op}")

    def drop(self):
        """Ends the connection; the agent is expected to come again."""
        self._connection.shutdown(socket.SHUT_RDWR)

    def close(self):
        self._listener.close()
        if self._connection:
            self._connection.close()
        if os.path.exists(self.path):
            os.unlink(self.path)
