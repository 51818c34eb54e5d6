"""An agent that hardly gets any CPU: its thread shares one core with a program that takes all of it."""

import contextlib
import os
import subprocess
import sys

AGENT_THREAD = "Aerostat"


def thread_of(pid, name):
    for tid in map(int, os.listdir(f"/proc/{pid}/task")):
        with open(f"/proc/{pid}/task/{tid}/comm", encoding="utf-8") as file:
            if file.read().strip() == name:
                return tid
    raise LookupError(f"process {pid} has no thread {name}")


@contextlib.contextmanager
def starved_agent(pid):
    """At SCHED_IDLE beside a busy program it gets about a third of a percent of a core."""
    core = {min(os.sched_getaffinity(0))}
    spinner = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        os.sched_setaffinity(spinner.pid, core)
        tid = thread_of(pid, AGENT_THREAD)
        os.sched_setaffinity(tid, core)
        os.sched_setscheduler(tid, os.SCHED_IDLE, os.sched_param(0))
        yield
    finally:
        spinner.kill()
        spinner.wait()
