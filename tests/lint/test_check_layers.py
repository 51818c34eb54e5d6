#!/usr/bin/env python3
"""The lint itself: each forbidden include and link must be found, each allowed one passed over."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

LINT = pathlib.Path(__file__).with_name("check_layers.py")


class CheckLayers(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.directory.name)
        for header in ("contract/units.h", "wire/listener.h", "procfs/maps.h", "daemon/service.h", "jvm-agent/jvm/chunk.h",
                       "jvm-agent/sense/gc.h", "jvm-agent/act/inflate.h", "jvm-agent/decide/guard.h",
                       "guest-balloon/decide/book.h", "host-controller/decide/plan.h", "host-controller/local/group.h",
                       "tests/support/builders.h"):
            self.write(header, "#pragma once\n")

    def tearDown(self):
        self.directory.cleanup()

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run_lint(self):
        return subprocess.run([sys.executable, LINT, self.root], capture_output=True, text=True)

    def expect_refused(self, name, text, reason):
        self.write(name, text)
        result = self.run_lint()
        self.assertEqual(result.returncode, 1, f"{name} with {text!r} passed")
        self.assertIn(reason, result.stdout)
        (self.root / name).unlink()

    def test_allowed_directions_pass(self):
        self.write("jvm-agent/app/agent.cpp", '#include "jvm-agent/sense/gc.h"\n#include "jvm-agent/act/inflate.h"\n#include "wire/listener.h"\n')
        self.write("jvm-agent/jvm/vm.cpp", "#include <jvmti.h>\n")
        self.write("jvm-agent/decide/guard.cpp", '#include "jvm-agent/decide/guard.h"\n#include "contract/units.h"\n#include <cmath>\n')
        self.write("jvm-agent/CMakeLists.txt", "aerostat_layer(aerostat_agent_sense LINKS aerostat_agent_decide aerostat_procfs)\n")
        result = self.run_lint()
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_a_program_of_two_folders_is_one(self):
        self.write("application-balloon/contract/frames.h", "#pragma once\n")
        self.write("application-balloon/host/act/punch.h", "#pragma once\n")
        self.write("application-balloon/guest/decide/a.cpp", '#include "application-balloon/contract/frames.h"\n')
        result = self.run_lint()
        self.assertEqual(result.returncode, 0, result.stdout)
        own = '#include "application-balloon/host/act/punch.h"'
        self.expect_refused("application-balloon/guest/act/a.cpp", own, "programs meet only in contract/")
        self.expect_refused("host-controller/act/a.cpp", own, "programs meet only in contract/")
        self.expect_refused("application-balloon/host/decide/a.cpp", own, "decide may not use act")
        self.expect_refused("application-balloon/contract/a.cpp", own, "programs meet only in contract/")

    def test_forbidden_includes_are_found(self):
        cases = [
            ("jvm-agent/sense/a.cpp", '#include "jvm-agent/act/inflate.h"', "sense may not use act"),
            ("jvm-agent/act/a.cpp", '#include "jvm-agent/sense/gc.h"', "act may not use sense"),
            ("jvm-agent/decide/a.cpp", '#include "jvm-agent/jvm/chunk.h"', "decide may not use jvm"),
            ("jvm-agent/decide/a.cpp", '#include "procfs/maps.h"', "may not use procfs"),
            ("jvm-agent/decide/a.cpp", '#include "wire/listener.h"', "may not use wire"),
            ("jvm-agent/decide/a.cpp", "#include <thread>", "pure"),
            ("jvm-agent/act/a.cpp", "#include <jni.h>", "only jvm-agent/jvm"),
            ("jvm-agent/app/a.cpp", '#include "daemon/service.h"', "may not use daemon"),
            ("host-controller/decide/a.cpp", '#include "host-controller/local/group.h"', "decide may not use local"),
            ("host-controller/act/a.cpp", '#include "guest-balloon/decide/book.h"', "programs meet only"),
            ("contract/a.cpp", '#include "wire/listener.h"', "may not use wire"),
            ("procfs/a.cpp", '#include "wire/listener.h"', "may not use wire"),
            ("wire/a.cpp", "#include <spdlog/spdlog.h>", "daemon, "),
            ("wire/a.cpp", '#include "tests/support/builders.h"', "test code"),
            ("wire/a.cpp", '#include "listener.h"', "start at the root"),
        ]
        for name, text, reason in cases:
            with self.subTest(include=text, of=name):
                self.expect_refused(name, text + "\n", reason)

    def test_forbidden_links_are_found(self):
        cases = [
            ("jvm-agent/CMakeLists.txt", "aerostat_layer(aerostat_agent_decide SOURCES a.cpp\n  LINKS aerostat_procfs)", "may not use procfs"),
            ("jvm-agent/CMakeLists.txt", "target_link_libraries(aerostat_agent_act PRIVATE aerostat_agent_sense)", "act may not use sense"),
            ("wire/CMakeLists.txt", "aerostat_layer(aerostat_wire LINKS aerostat_daemon)", "may not use daemon"),
        ]
        for name, text, reason in cases:
            with self.subTest(link=text):
                self.expect_refused(name, text + "\n", reason)

    def test_an_empty_tree_is_not_a_success(self):
        with tempfile.TemporaryDirectory() as empty:
            self.assertEqual(subprocess.run([sys.executable, LINT, empty], capture_output=True).returncode, 2)


if __name__ == "__main__":
    unittest.main()
