"""What the tests of the memory condition in Java share: a program that uses the API, a page, and the daemon's door."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "agent"), os.path.join(HERE, "..", "..", "support")]

from agent_case import evidence, for_each_jdk, run_and_count  # noqa: E402,F401
from condition_page import PageWriter  # noqa: E402
from fake_door import FakeDoor, WireError  # noqa: E402,F401
from harness import built  # noqa: E402
from java_service import JavaService, jdks  # noqa: E402

CRITICAL, TIGHT, ADVISORY, AMPLE = 3, 2, 1, 0


def until(condition, what, within=20):
    """Waits until condition() gives something true, and returns it."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        got = condition()
        if got:
            return got
        time.sleep(0.005)
    raise TimeoutError(f"waited {within} s for {what}")


class Client(JavaService):
    """A JVM with ConditionClient. Its events are dictionaries."""

    def __init__(self, home, class_path, directory, jvm_args=()):
        super().__init__(home, class_path, ["-Xmx64m", "-Daerostat.runtime-dir=" + directory, *jvm_args], (), "ConditionClient")
        self.answer()

    def read(self):
        return self.tell("read")

    def threads(self):
        return [name for name in self.tell("threads")["names"].split("|") if name]

    def events(self, kind, **wanted):
        lines = [line.split()[1:] for line in list(self.lines) if line.startswith(kind + " ")]
        found = [dict(pair.split("=", 1) for pair in line) for line in lines]
        return [event for event in found if all(event[key] == value for key, value in wanted.items())]

    def event(self, kind, within=20, **wanted):
        """The first such event, waited for."""
        what = f"{kind} {wanted}; there are {self.lines[-5:]} {self.errors[-5:]}"
        return until(lambda: self.events(kind, **wanted), what, within)[0]


class ConditionCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.class_dir = tempfile.mkdtemp(prefix="aerostat-classes-")
        cls.addClassCleanup(shutil.rmtree, cls.class_dir, ignore_errors=True)
        cls.jar = built("lib", "aerostat.jar")
        cls.compile("ConditionClient.java", "GuestMemoryBean.java")
        cls.class_path = cls.class_dir + ":" + cls.jar

    @classmethod
    def compile(cls, *sources, extra=""):
        javac = os.path.join(jdks()[min(jdks())], "bin", "javac")
        subprocess.run([javac, "--release", "17", "-cp", cls.jar + extra, "-d", cls.class_dir,
                        *(os.path.join(HERE, source) for source in sources)], check=True)

    def directory(self):
        path = tempfile.mkdtemp(prefix="aerostat-condition-")
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path

    def page(self, directory, **options):
        writer = PageWriter(directory, **options)
        self.addCleanup(writer.close)
        return writer

    def door(self, directory):
        door = FakeDoor(directory)
        self.addCleanup(door.close)
        return door

    def client(self, major, directory, jvm_args=()):
        client = Client(jdks()[major], self.class_path, directory, jvm_args)
        self.addCleanup(client.stop)
        return client

    def watching(self, major, listen="listen a 1 level ok"):
        """A program that listens, its page and its door."""
        directory = self.directory()
        page, door = self.page(directory), self.door(directory)
        page.publish()
        client = self.client(major, directory)
        client.tell(listen)
        door.accept()
        return client, page, door
