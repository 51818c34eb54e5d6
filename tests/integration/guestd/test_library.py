#!/usr/bin/env python3
"""libaerostat as it is installed: what it exports and needs, and what is built with it."""

import os
import shutil
import subprocess
import sys

from bed import ROOT, Bed, Skip, expect, main
from condition_reader import BUILD, LIBRARY


def the_library_exports_its_interface_and_nothing_else():
    command = ["nm", "-D", "--defined-only", "--with-symbol-versions", LIBRARY]
    symbols = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    names = sorted(line.split()[-1] for line in symbols.splitlines() if " A " not in line)
    with open(os.path.join(ROOT, "guest-balloon", "client", "libaerostat.map"), encoding="ascii") as file:
        wanted = sorted(line.strip(" ;\n") + "@@AEROSTAT_1" for line in file if line.strip().startswith("aerostat_"))
    expect(names == wanted, f"{names} instead of {wanted}")
    needs = subprocess.run(["objdump", "-p", LIBRARY], capture_output=True, text=True, check=True).stdout
    needed = {line.split()[1] for line in needs.splitlines() if "NEEDED" in line}
    expect(needed <= {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2", "libpthread.so.0"}, needed)
    expect("SONAME               libaerostat.so.1" in needs, "the SONAME")


def the_installed_library_builds_programs_and_the_examples_run():
    if not shutil.which("cc") or not shutil.which("pkg-config"):
        raise Skip("needs cc and pkg-config")
    with Bed() as bed:
        root = os.path.join(bed.directory, "root")
        for component in ("library", "development"):
            done = subprocess.run(["cmake", "--install", BUILD, "--component", component], env={**os.environ, "DESTDIR": root},
                                  capture_output=True, text=True, check=False)
            expect(done.returncode == 0, done.stderr)
        found = subprocess.run(["find", root, "-name", "aerostat.pc"], capture_output=True, text=True, check=True).stdout.split()
        expect(len(found) == 1, found)
        places = {**os.environ, "PKG_CONFIG_PATH": os.path.dirname(found[0]), "PKG_CONFIG_SYSROOT_DIR": root}
        libraries = os.path.dirname(os.path.dirname(found[0]))
        source, program = os.path.join(ROOT, "examples", "c", "cache.c"), os.path.join(bed.directory, "cache")
        for extra in ("", "-DAEROSTAT_NO_OP -lpthread"):
            line = (f"cc -std=c99 -Wall -Wextra -Wpedantic -Werror {source} -o {program} "
                    f"$(pkg-config --cflags --libs aerostat) {extra}")
            built = subprocess.run(["sh", "-c", line], env=places, capture_output=True, text=True, check=False)
            expect(built.returncode == 0, built.stderr)
            where = {**os.environ, "AEROSTAT_RUNTIME_DIR": bed.runtime, "LD_LIBRARY_PATH": libraries}
            ran = subprocess.run(["timeout", "-s", "INT", "1", program], env=where, capture_output=True, text=True, check=False)
            expect(("no-daemon" if extra else "no-host, ample") in ran.stdout, ran)
        python = os.path.join(ROOT, "examples", "python", "condition.py")
        ran = subprocess.run([sys.executable, python, "--once"], env={**where, "AEROSTAT_LIBRARY": LIBRARY}, capture_output=True,
                             text=True, check=False)
        expect(ran.stdout.startswith("no-host ample available "), ran)


TESTS = [the_library_exports_its_interface_and_nothing_else, the_installed_library_builds_programs_and_the_examples_run]

if __name__ == "__main__":
    main(TESTS)
