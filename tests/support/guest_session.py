"""The first process of a guest in tests: a session of its own, in which others are started on request.

The local backend takes all processes of a session for one guest, and only a member of a session can start another member.
Run by harness.GuestSession with a socket as descriptor ARGV[1]: each message is JSON with three descriptors (stdin, stdout,
stderr) for the program to start. When the socket closes, for whatever reason, everything here is ended: a test that dies
leaves nothing running.
"""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def start(message, descriptors):
    stdin, stdout, stderr = descriptors
    process = subprocess.Popen(message["argv"], stdin=stdin, stdout=stdout, stderr=stderr, cwd=message.get("cwd"),
                               env={**os.environ, **message.get("env", {})}, preexec_fn=die_with_parent)
    return process


def end_all(processes):
    for process in processes:
        if process.poll() is None:
            process.terminate()
    until = time.monotonic() + 3
    for process in processes:
        try:
            process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def serve(door, processes):
    while True:
        data, descriptors, _, _ = socket.recv_fds(door, 65536, 3)
        if not data:
            return
        message = json.loads(data)
        try:
            if "argv" in message:
                processes.append(start(message, descriptors))
                answer = {"pid": processes[-1].pid}
            else:
                answer = {"codes": {str(process.pid): process.poll() for process in processes}}
        except OSError as error:
            answer = {"error": str(error)}
        for descriptor in descriptors:
            os.close(descriptor)
        door.send(json.dumps(answer).encode())


def main():
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the end comes with the socket
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    processes = []
    try:
        serve(socket.socket(fileno=int(sys.argv[1])), processes)
    except ConnectionError:
        pass
    finally:
        end_all(processes)


if __name__ == "__main__":
    main()
