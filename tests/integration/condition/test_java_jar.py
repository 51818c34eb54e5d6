"""aerostat.jar itself: documented, built alike twice, Java 17, no dependency; and what its socket may bring."""

import hashlib
import os
import re
import shutil
import subprocess
import zipfile

from condition_case import ConditionCase, evidence, for_each_jdk, jdks, run_and_count, time
from harness import build_directory

FUZZ_MILLIS = 3000


class Jar(ConditionCase):
    def tool(self, name):
        return os.path.join(jdks()[min(jdks())], "bin", name)

    def target(self, name):
        run = subprocess.run(["ninja", "-C", build_directory(), name], capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        return run.stdout + run.stderr

    def test_every_public_name_is_documented(self):
        said = self.target("aerostat-javadoc")
        self.assertNotIn("warning:", said.replace("ninja: warning:", ""))
        pages = os.listdir(os.path.join(build_directory(), "javadoc", "org.aerostat", "org", "aerostat"))
        self.assertEqual({page.removesuffix(".html") for page in pages if page[0].isupper()},
                         {"MemoryCondition", "MemoryCondition.Level", "MemoryCondition.Trend", "MemoryCondition.Validity",
                          "MemoryConditions", "MemoryReclaimer", "Registration"})

    def test_the_same_sources_make_the_same_bytes(self):
        def digest():
            with open(self.jar, "rb") as file:
                return hashlib.sha256(file.read()).hexdigest()

        before = digest()
        os.utime(self.jar, (0, 0))  # older than its sources: it is built again
        time.sleep(2)  # the resolution of times in an archive
        self.target("aerostat-jar")
        self.assertEqual(digest(), before)

    def test_it_is_java_17_and_needs_java_base_only(self):
        with zipfile.ZipFile(self.jar) as jar:
            classes = [name for name in jar.namelist() if name.endswith(".class")]
            versions = {int.from_bytes(jar.read(name)[6:8], "big") for name in classes}
        self.assertEqual(versions, {61})
        self.assertFalse([name for name in classes if name.startswith("org/aerostat/agent/")])
        needs = subprocess.run([self.tool("jdeps"), "--print-module-deps", self.jar], capture_output=True, text=True, check=True)
        self.assertEqual(needs.stdout.strip(), "java.base")
        described = subprocess.run([self.tool("jar"), "--describe-module", "--file", self.jar], capture_output=True, text=True,
                                   check=True).stdout
        self.assertRegex(described, r"org\.aerostat@[0-9.]+")
        self.assertEqual(re.findall(r"^exports (.*)$", described, re.M), ["org.aerostat"])

    @for_each_jdk
    def test_it_works_as_a_module_in_a_runtime_with_nothing_else(self, major):
        directory = self.directory()
        self.page(directory).publish(level=2)
        command = [os.path.join(jdks()[major], "bin", "java"), "--limit-modules", "java.base,org.aerostat",
                   "--module-path", self.jar, "--add-modules", "org.aerostat", "-cp", self.class_dir,
                   "-Daerostat.runtime-dir=" + directory]
        run = subprocess.run([*command, "ConditionClient"], input="listen a 1 level ok\nread\nquit\n", capture_output=True,
                             text=True, check=False, timeout=60)
        self.assertIn("level=TIGHT", run.stdout, run.stderr)
        self.assertEqual(run.stderr, "")

    @for_each_jdk
    def test_the_directory_may_be_named_in_the_environment(self, major):
        directory = self.directory()
        self.page(directory).publish(level=2)
        run = subprocess.run([os.path.join(jdks()[major], "bin", "java"), "-cp", self.class_path, "ConditionClient"],
                             env={**os.environ, "AEROSTAT_RUNTIME_DIR": directory}, input="read\nquit\n", capture_output=True,
                             text=True, check=False, timeout=60)
        self.assertIn("level=TIGHT", run.stdout, run.stderr)

    def test_whatever_comes_over_the_socket_is_a_message_or_refused(self):
        self.compile(os.path.join("org", "aerostat", "DoorFuzz.java"))
        self.addCleanup(shutil.rmtree, os.path.join(self.class_dir, "org"))
        seed = int(os.environ.get("AEROSTAT_FUZZ_SEED", time.monotonic_ns()))
        run = subprocess.run([self.tool("java"), "-cp", self.class_path, "org.aerostat.DoorFuzz", str(seed), str(FUZZ_MILLIS)],
                             capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(run.returncode, 0, f"seed {seed}: {run.stderr}")
        counts = dict(pair.split("=") for pair in run.stdout.split())
        evidence("condition.java_door_fuzz", seed=seed, **counts)
        for count in ("lines", "objects", "answered", "too_long"):
            self.assertGreater(int(counts[count]), 10, counts)


if __name__ == "__main__":
    run_and_count()
