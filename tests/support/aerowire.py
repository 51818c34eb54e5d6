"""The wire for tests: JSON lines, version 1, over unix sockets. See docs/protocol.md."""

import itertools
import json
import math
import socket
import struct
import time

LINE_LIMIT = 64 * 1024
_ids = itertools.count(1)


class WireError(Exception):
    """The peer closed the connection, stayed silent or sent what is no message."""


def encode(kind, message_id=None, **fields):
    """One message as a line with its newline."""
    return (json.dumps({"v": 1, "type": kind, "id": message_id or f"t{next(_ids)}", **fields}) + "\n").encode()


class Connection:
    """A connected unix socket that speaks lines."""

    def __init__(self, connected):
        self._socket = connected
        self._buffer = b""

    @classmethod
    def to(cls, path, within=5.0):
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # The kernel's own time limit, which waits for a place in a full queue. Python's does not.
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", math.ceil(within), 0))
        connected.connect(path)
        connected.settimeout(within)
        return cls(connected)

    def fileno(self):
        return self._socket.fileno()

    def has_line(self):
        """A whole message has been read already: select() does not see it."""
        return b"\n" in self._buffer

    def send(self, kind, message_id=None, **fields):
        self.send_raw(encode(kind, message_id, **fields))

    def send_raw(self, data):
        self._socket.sendall(data)

    def receive(self, within=5.0):
        """The next message, as a dictionary. Raises WireError at the end of the stream or of the time."""
        until = time.monotonic() + within
        while b"\n" not in self._buffer:
            left = until - time.monotonic()
            if left <= 0:
                raise WireError(f"no message within {within} s")
            self._socket.settimeout(left)
            try:
                got = self._socket.recv(65536)
            except TimeoutError as error:
                raise WireError(f"no message within {within} s") from error
            except ConnectionError as error:
                raise WireError("the peer closed the connection") from error
            if not got:
                raise WireError("the peer closed the connection")
            self._buffer += got
        line, self._buffer = self._buffer.split(b"\n", 1)
        return json.loads(line) if line else self.receive(max(0.0, until - time.monotonic()))  # empty lines mean nothing

    def ask(self, command, within=10.0, **fields):
        """Sends a control request; returns its reply, the parts of a long one joined."""
        request_id = f"t{next(_ids)}"
        self.send("request", request_id, command=command, **fields)
        whole = None
        while True:
            part = self.receive(within)
            if part.get("id") != request_id:
                continue
            whole = part if whole is None else join_parts(whole, part)
            if not part.get("more"):
                return whole

    def close(self):
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def join_parts(so_far, part):
    """Appends the list of a following part of a reply to what has been received."""
    for key, rows in (("status", "guests"), ("plan", "rows"), ("operations", "operations")):
        if key in so_far and key in part:
            so_far[key][rows] += part[key][rows]
    return so_far
