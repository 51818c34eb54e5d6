"""What the memory condition costs in Java, a read and being told: a part of the bench `control`."""

import contextlib
import os
import subprocess
import tempfile

from common import ROOT, jdks

ROUNDS = {False: 400, True: 60}
WARMING = 50  # changes that a listener sees before the compilers are done


def api_jar():
    path = os.path.join(ROOT, os.environ.get("AEROSTAT_BUILD", "build/release"), "lib", "aerostat.jar")
    if not os.path.exists(path):
        raise SystemExit(f"{path} is missing: scripts/setup --for test builds it")
    return path


def compiled(home, name, classes):
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".java")
    subprocess.run([os.path.join(home, "bin", "javac"), "-cp", api_jar(), "-d", classes, source], check=True)
    return f"{classes}:{api_jar()}"


def read(runtime_dir, major=None, quick=False):
    """All figures of one JVM that reads the page in this directory, valid meanwhile. The oldest JDK unless named."""
    home = jdks()[major or min(jdks())]
    with tempfile.TemporaryDirectory(prefix="aerostat-classes-") as classes:
        path = compiled(home, "ConditionRead", classes)
        run = subprocess.run([os.path.join(home, "bin", "java"), "-Xmx64m", "-Daerostat.runtime-dir=" + runtime_dir,
                              "-cp", path, "ConditionRead", str(ROUNDS[quick])],
                             capture_output=True, text=True, check=False, timeout=120)
    if run.returncode != 0:
        raise SystemExit("the Java reader failed: " + run.stderr)
    return {key: float(value) for key, value in (pair.split("=") for pair in run.stdout.split())}


def java_read_ns(runtime_dir, quick=False):
    """{"java": nanoseconds a read, the median}."""
    return {"java": read(runtime_dir, quick=quick)["median_ns"]}


@contextlib.contextmanager
def listener(runtime_dir, major=None):
    """The command of a program that prints a line for each change of the host's level, as control.wake_ms() wants it."""
    home = jdks()[major or min(jdks())]
    with tempfile.TemporaryDirectory(prefix="aerostat-classes-") as classes:
        path = compiled(home, "ConditionWake", classes)
        java = os.path.join(home, "bin", "java")
        yield [java, "-Xmx64m", "-Daerostat.runtime-dir=" + runtime_dir, "-cp", path, "ConditionWake"]
