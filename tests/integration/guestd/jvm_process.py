"""The process behind a fake agent: it connects (so that the kernel names it as the peer), and holds memory that really shrinks.

Run by bed.FakeJvm with a socket as descriptor ARGV[1]; each message is a JSON object, each answer is one, too. It ends when
that socket closes.
"""

import json
import mmap
import os
import socket
import sys

MIB = 1 << 20


def connect(path):
    agent = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    agent.connect(path)
    return agent


def serve(door):
    held = []
    while True:
        data = door.recv(65536)
        if not data:
            return
        message = json.loads(data)
        descriptors = []
        try:
            if "connect" in message:
                descriptors = [connect(message["connect"])]
            if "uid" in message:
                os.setgroups(message["groups"])
                os.setgid(message["gid"])
                os.setuid(message["uid"])
            for _ in range(message.get("hold_mib", 0)):
                block = mmap.mmap(-1, MIB)
                block.write(b"x" * MIB)
                held.append(block)
            for _ in range(message.get("free_mib", 0)):
                held.pop().close()
            answer = {"held_mib": len(held)}
        except OSError as error:
            answer = {"error": str(error)}
        socket.send_fds(door, [json.dumps(answer).encode()], [d.fileno() for d in descriptors])
        for descriptor in descriptors:
            descriptor.close()


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
