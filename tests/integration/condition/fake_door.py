"""guestd's door for applications, spoken for by the test: client.sock, as docs/protocol.md has it."""

import os
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "support"))

from aerowire import Connection, WireError  # noqa: E402,F401
from condition_page import LEVELS  # noqa: E402


class FakeDoor:
    """Serves one application at a time. To be closed."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "client.sock")
        self.line = None
        self.open()

    def open(self):
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._door.bind(self.path)
        self._door.listen(8)

    def accept(self, within=20):
        """The next application that comes; returns its first message."""
        self._door.settimeout(within)
        accepted, _ = self._door.accept()
        self.line = Connection(accepted)
        return self.line.receive()

    def expect(self, kind, within=10.0):
        """Its next message of this kind; others are passed over."""
        while True:
            message = self.line.receive(within)
            if message["type"] == kind:
                return message

    def tell(self, state):
        """That the page says something new, with what it says."""
        self.line.send("memory", level=LEVELS[state["level"]], trend="steady", validity="valid", session=str(state["session"]))

    def hang_up(self):
        """The daemon is gone, and its socket with it."""
        if self.line:
            self.line.close()
        self.line = None
        self._door.close()
        if os.path.exists(self.path):
            os.unlink(self.path)

    close = hang_up
