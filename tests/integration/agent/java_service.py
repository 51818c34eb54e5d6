"""Starts the workload program tests/workloads/Service.java in a JVM under test, and steers it."""

import contextlib
import glob
import hashlib
import os
import queue
import re
import shutil
import subprocess
import tempfile
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
MIB = 1 << 20
GIB = 1 << 30


def agent_library():
    """AEROSTAT_AGENT, the library in AEROSTAT_BUILD, or the newest build."""
    named = os.environ.get("AEROSTAT_AGENT")
    build = os.environ.get("AEROSTAT_BUILD")
    if build and not named:
        named = os.path.join(ROOT, build, "lib", "libaerostat-jvm.so")
    found = [named] if named else glob.glob(os.path.join(ROOT, "build", "*", "lib", "libaerostat-jvm.so"))
    found = [path for path in found if os.path.exists(path)]
    if not found:
        raise SystemExit("no libaerostat-jvm.so: build it, or name it in AEROSTAT_AGENT")
    return max(found, key=os.path.getmtime)


def jdks():
    """{major: home}, from AEROSTAT_JDKS ("path:path") or /usr/lib/jvm."""
    named = os.environ.get("AEROSTAT_JDKS")
    homes = named.split(":") if named else sorted(glob.glob("/usr/lib/jvm/*"))
    found = {}
    for home in homes:
        java = os.path.join(home, "bin", "java")
        if not os.path.exists(java):
            continue
        text = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
        version = re.search(r'version "(\d+)', text)
        if version:
            found[int(version.group(1))] = os.path.realpath(home)
    return found


def compile_workloads(directory):
    """The classes of tests/workloads/*.java, in `directory`, which is returned. They are compiled once, with any JDK found, for
    as long as the sources are what they are."""
    home = jdks()[min(jdks())]
    sources = sorted(glob.glob(os.path.join(ROOT, "tests", "workloads", "*.java")))
    content = hashlib.sha256(home.encode())
    for source in sources:
        with open(source, "rb") as file:
            content.update(file.read())
    kept = os.path.join(ROOT, "build", "workloads", content.hexdigest()[:16])
    if not os.path.isdir(kept):
        os.makedirs(os.path.dirname(kept), exist_ok=True)
        with tempfile.TemporaryDirectory(dir=os.path.dirname(kept)) as fresh:
            made = os.path.join(fresh, "classes")
            subprocess.run([os.path.join(home, "bin", "javac"), "--release", "17", "-d", made, *sources], check=True)
            with contextlib.suppress(OSError):  # somebody else was quicker
                os.rename(made, kept)
    return shutil.copytree(kept, directory, dirs_exist_ok=True)


def process_memory(pid, field="Pss"):
    """Bytes by the kernel's own books, from outside the process."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        for line in file:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    raise ValueError(field)


class JavaService:
    """One JVM running a workload. Every line it prints is kept in `lines`."""

    def __init__(self, home, classes, jvm_args, program_args=(), main="Service"):
        self.home = home
        command = [os.path.join(home, "bin", "java"), *jvm_args, "-cp", classes, main, *program_args]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, bufsize=1)
        self.pid = self.process.pid
        self.lines, self.errors = [], []
        self._answers = queue.Queue()
        self._readers = [threading.Thread(target=self._read, args=(self.process.stdout, self.lines, self._answers), daemon=True),
                         threading.Thread(target=self._read, args=(self.process.stderr, self.errors, None), daemon=True)]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(stream, lines, answers):
        for line in stream:
            lines.append(line.rstrip("\n"))
            if answers and line.split(" ")[0] in ("ready", "done"):
                answers.put(line)

    def answer(self, within=120):
        return dict(pair.split("=", 1) for pair in self._answers.get(timeout=within).split() if "=" in pair)

    def tell(self, command, within=120):
        """Sends one command and returns its answer's key=value pairs."""
        self.start(command)
        return self.answer(within)

    def start(self, command):
        self.process.stdin.write(command + "\n")

    def jcmd(self, *words):
        run = subprocess.run([os.path.join(self.home, "bin", "jcmd"), str(self.pid), *words], capture_output=True, text=True,
                             timeout=60, check=False)
        return run.stdout + run.stderr

    def finish(self, within=30):
        """Waits for the end of the JVM; returns its exit code."""
        code = self.process.wait(within)
        for reader in self._readers:
            reader.join(10)
        return code

    def stop(self):
        if self.process.poll() is None:
            try:
                self.process.communicate("quit\n", timeout=20)
            except (subprocess.TimeoutExpired, BrokenPipeError, ValueError):
                self.process.kill()
        self.process.wait(10)
