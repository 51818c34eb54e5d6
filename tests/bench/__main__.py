"""Runs benches one after another and puts their figures into one file. A bench is a program NAME.py in this folder that
understands --quick, --json FILE, --jdks and --collectors; NAME_PART.py is a part of it: asking for NAME runs all parts. What else a
bench understands is given after "--", which runs it alone, without its parts: NAME -- --help tells."""

import argparse
import ast
import glob
import json
import os
import subprocess
import sys
import tempfile
import time

from common import jdks

HERE = os.path.dirname(os.path.abspath(__file__))


def benches():
    """{name: first line of its description}; modules that are no programs are left out."""
    found = {}
    for path in sorted(glob.glob(os.path.join(HERE, "[a-z]*.py"))):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if '\nif __name__ == "__main__":' in text:
            found[os.path.basename(path)[:-3]] = (ast.get_docstring(ast.parse(text)) or "").split("\n")[0]
    return found


def field(path, key):
    with open(path, encoding="utf-8") as file:
        return next((line.split(":", 1)[1].strip() for line in file if line.startswith(key)), "unknown")


def machine():
    """What figures depend on."""
    huge = "/sys/kernel/mm/transparent_hugepage/enabled"
    with open(huge, encoding="ascii") if os.path.exists(huge) else open(os.devnull, encoding="ascii") as file:
        pages = file.read().strip() or "unknown"
    return {"cpu": field("/proc/cpuinfo", "model name"), "cores": len(os.sched_getaffinity(0)),
            "ram_gib": round(int(field("/proc/meminfo", "MemTotal").split()[0]) / (1 << 20), 1),
            "kernel": os.uname().release, "transparent_huge_pages": pages,
            "jdks": {str(major): version(home) for major, home in sorted(jdks().items())}}


def version(home):
    with open(os.path.join(home, "release"), encoding="utf-8") as file:
        facts = dict(line.strip().split("=", 1) for line in file if "=" in line)
    return " ".join(facts.get(key, "").strip('"') for key in ("IMPLEMENTOR", "JAVA_RUNTIME_VERSION")).strip()


def run(name, passed_on):
    """One bench; returns its figures and whether it ended well."""
    with tempfile.TemporaryDirectory(prefix="aerostat-bench-") as directory:
        file = os.path.join(directory, name + ".json")
        print(f"\n== {name}", flush=True)
        began = time.monotonic()
        command = [sys.executable, os.path.join(HERE, name + ".py"), "--json", file, *passed_on]
        status = subprocess.run(command, check=False).returncode
        print(f"   ({time.monotonic() - began:.0f} s)", flush=True)
        if not os.path.exists(file):
            return {}, False
        with open(file, encoding="utf-8") as written:
            return json.load(written), status == 0


def chosen(names, known):
    """The programs that the names stand for, in the order asked for; a name that stands for none is returned second."""
    programs, unknown = [], []
    for name in names or known:
        found = [one for one in known if one == name or one.startswith(name + "_")]
        programs += [one for one in found if one not in programs]
        unknown += [] if found else [name]
    return programs, unknown


def split(words):
    """(the runner's own arguments, those for one bench, None without "--")."""
    if "--" not in words:
        return words, None
    at = words.index("--")
    return words[:at], words[at + 1:]


def merge(into, more):
    """Parts of a bench write below the same key."""
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value


def main():
    known = benches()
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all; " + ", ".join(known))
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs: shows that it works, proves little")
    parser.add_argument("--json", metavar="FILE", help="write machine and figures there")
    parser.add_argument("--jdks", metavar="17,25")
    parser.add_argument("--collectors", metavar="G1,Z,…")
    parser.add_argument("--list", action="store_true", help="name the benches and end")
    ours, its_own = split(sys.argv[1:])
    options = parser.parse_args(ours)
    programs, unknown = chosen(options.names, known)
    if unknown:
        parser.error(f"no bench {', '.join(unknown)}; there are {', '.join(known)}")
    if its_own is not None:
        if len(options.names) != 1 or options.names[0] not in known:
            parser.error('what follows "--" is for one bench: name it, and no other')
        programs = options.names
        if {"-h", "--help"} & set(its_own):
            return subprocess.run([sys.executable, os.path.join(HERE, programs[0] + ".py"), "--help"], check=False).returncode
    if options.list:
        for name, what in known.items():
            print(f"{name:12} {what}")
        return 0
    passed_on = (["--quick"] if options.quick else []) + [
        word for key in ("jdks", "collectors") if getattr(options, key) for word in ("--" + key, getattr(options, key))] + (its_own or [])
    figures, failed = {"machine": machine()}, []
    for key, value in figures["machine"].items():
        print(f"{key:22} {value if not isinstance(value, dict) else ', '.join(f'{k}: {v}' for k, v in value.items())}")
    for name in programs:
        got, well = run(name, passed_on)
        merge(figures, got)
        failed += [] if well else [name]
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=1, sort_keys=True)
            file.write("\n")
    print(f"\n{len(programs) - len(failed)} benches ran" + (f", FAILED: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
