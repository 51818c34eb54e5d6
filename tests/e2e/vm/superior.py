"""hostd's place at a guest's channel, taken by a test: it gives orders that no hostd would."""

import itertools
import time

from aerowire import Connection, WireError
from harness import Trouble

LEASE_MS = 600000
_numbers = itertools.count(1)  # an order of a known number is not carried out again


class Superior:
    """Connected to the channel, which takes one connection. Every hello is answered: `sessions` are those that were said."""

    def __init__(self, path):
        self._line = Connection.to(path)
        self._line.send_raw(b"\n")  # ends what another one has left unfinished
        self.sessions, self.results, self.report = [], {}, None

    def hear(self, condition, within, what):
        """Takes messages until condition() gives something true, and returns it."""
        until = time.monotonic() + within
        while not (got := condition()):
            left = until - time.monotonic()
            if left <= 0:
                raise Trouble(f"waited {within} s for {what}")
            try:
                self._take(self._line.receive(min(left, 1.0)))
            except WireError as error:
                if "no message" not in str(error):
                    raise
        return got

    def _take(self, message):
        if message["type"] == "hello":
            self.sessions.append(message["session"])
            self.report = None  # the next one is of this session
            self._line.send("welcome", message["id"], session=message["session"], name="guest", lease_ms=LEASE_MS)
        elif message["type"] == "report":
            self.report = message
        elif message["type"] == "result":
            self.results[message["op"]] = message

    def next_session(self, within=60):
        """The session of a hello that is still to come, once the guest has reported its JVM in it."""
        known = len(self.sessions)
        self.hear(lambda: len(self.sessions) > known and self.report and self.report["jvms"], within, "a new session and its JVM")
        return self.sessions[-1]

    def footprint(self):
        return self.report["jvms"][0]["footprint_bytes"]

    def target(self):
        """Of the first JVM; None: unrestrained, or not reported yet."""
        return self.report["jvms"][0].get("target_bytes") if self.report and self.report["jvms"] else None

    def order(self, session, target_bytes, deadline_ms=20000):
        """The id of an order to the first JVM."""
        op = f"test~{next(_numbers)}"
        heap = {"jvm": self.report["jvms"][0]["name"], "target_bytes": target_bytes}
        self._line.send("apply", session=session, op=op, deadline_ms=deadline_ms, lease_ms=LEASE_MS, on_shortfall="keep",
                        cap="firm", jvms=[heap])
        return op

    def close(self):
        self._line.close()
