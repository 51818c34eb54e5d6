#!/usr/bin/env python3
"""Fails on an include or a link that runs against the direction of dependencies.

Read from the sources themselves: every `#include "…"` and every aerostat_layer()/target_link_libraries() in the
CMakeLists.txt files. The rule (docs/architecture.md):

    app -> {sense, act, control, metrics, sim, link} -> adapters (virt, local, jvm) -> backend -> decide -> contract

(`backend` is what the host controller's adapters have in common: the port they implement.)

`sense` and `act` never include each other, `decide` knows only `contract`, programs meet only in the shared leaves, and
foreign headers stay with their adapters.
"""
import pathlib
import re
import sys

# Each end of the application balloon is a program of its own; what they share are leaves.
PROGRAMS = {"jvm-agent", "guest-balloon", "host-controller", "cli", "application-balloon/guest", "application-balloon/host"}

# Shared folders, and which other shared folders each may use.
SHARED = {
    "contract": set(),
    "procfs": {"contract"},
    "wire": {"contract"},
    "daemon": {"contract", "wire"},
    "application-balloon/contract": {"contract"},
    "application-balloon/link": {"contract", "wire"},
}

# Which stages of its own program a stage may include, besides itself.
STAGES = {
    "app": {"sense", "act", "control", "metrics", "sim", "link", "virt", "local", "jvm", "backend", "decide"},
    "sense": {"virt", "local", "jvm", "backend", "decide"},
    "act": {"virt", "local", "jvm", "backend", "decide"},
    "control": {"decide"},
    "metrics": {"decide"},
    "sim": {"decide"},
    "link": {"decide"},
    "virt": {"backend", "decide"},
    "local": {"backend", "decide"},
    "backend": {"decide"},
    "jvm": {"decide"},
    "decide": set(),
    "client": set(),
}

# Shared folders a stage may use; `decide` links only the contract: no clock to read, no I/O, no log.
SHARED_FOR = {
    "decide": {"contract", "application-balloon/contract"},
    "sim": {"contract"},
    "client": {"contract"},
}
SHARED_OF_PROGRAM = {
    "jvm-agent": {"contract", "procfs", "wire"},
    "guest-balloon": {"contract", "procfs", "wire", "daemon", "application-balloon/contract", "application-balloon/link"},
    "host-controller": {"contract", "procfs", "wire", "daemon", "application-balloon/contract", "application-balloon/link"},
    "application-balloon/guest": {"contract", "procfs", "wire", "daemon", "application-balloon/contract",
                                  "application-balloon/link"},
    "application-balloon/host": {"contract", "procfs", "wire", "daemon", "application-balloon/contract",
                                 "application-balloon/link"},
    "cli": {"contract", "wire", "daemon"},
}

# Foreign headers and the only places that may include them.
FOREIGN = [
    (re.compile(r"^(jni|jvmti|jni_md)\.h$"), {"jvm-agent/jvm"}),
    (re.compile(r"^libvirt/"), {"host-controller/virt", "application-balloon/host/virt"}),
    (re.compile(r"^toml\+\+/"), {"daemon"}),
    (re.compile(r"^nlohmann/"), {"contract", "host-controller/app"}),
    (re.compile(r"^CLI/"), {"cli", "guest-balloon/app", "host-controller/app", "application-balloon/guest/app",
                            "application-balloon/host/app"}),
    (re.compile(r"^spdlog/"), {"daemon", "guest-balloon/app", "host-controller/app", "application-balloon/guest/app",
                               "application-balloon/host/app"}),
    (re.compile(r"^asio"), {"wire", "daemon", "application-balloon/link", "application-balloon/guest/app",
                            "application-balloon/host/app", "jvm-agent/app", "guest-balloon/app", "guest-balloon/link", "guest-balloon/act",
                            "guest-balloon/sense", "host-controller/app", "host-controller/act", "host-controller/sense",
                            "host-controller/control", "host-controller/local", "host-controller/virt",
                            "host-controller/backend", "host-controller/metrics"}),
    (re.compile(r"^prometheus/"), {"host-controller/metrics"}),
    (re.compile(r"^sodium"), {"application-balloon/contract"}),
    (re.compile(r"^linux/io_uring"), {"application-balloon/guest/act"}),
    (re.compile(r"^pugixml"), {"host-controller/virt", "application-balloon/host/virt"}),
]

# A pure stage may not reach for the world through the standard library either.
IMPURE = re.compile(r"^(iostream|fstream|thread|mutex|future|ctime|filesystem|unistd\.h|time\.h|fcntl\.h|sys/(?!types\.h).*|random)$")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
SOURCES = {".h", ".cpp", ".cc", ".hpp", ".c"}


def place(path: str):
    """(program or shared folder, stage or '') of a path relative to the root; None for tests and the like."""
    parts = path.split("/")
    for length in (1, 2):
        unit = "/".join(parts[:length])
        if unit in SHARED:
            return unit, ""
        if unit in PROGRAMS:
            return unit, parts[length] if len(parts) > length + 1 and parts[length] in STAGES else ""
    return None


def verdict(source: str, target: str):
    """Why a file at `source` may not use one at `target`; None if it may."""
    here, there = place(source), place(target)
    if here is None:
        return None
    if target.startswith("tests/"):
        return "the product may not use test code"
    if there is None:
        return None
    (unit, stage), (other, other_stage) = here, there
    if unit == other:
        if stage and other_stage and stage != other_stage and other_stage not in STAGES[stage]:
            return f"{stage} may not use {other_stage}"
        if stage and not other_stage and stage != "app":
            return f"{stage} may not use the program's own top level"
        return None
    if other in PROGRAMS:
        return "programs meet only in contract/ and the shared leaves"
    allowed = SHARED[unit] if unit in SHARED else SHARED_FOR.get(stage, SHARED_OF_PROGRAM[unit])
    return None if other in allowed else f"{unit}/{stage or '*'} may not use {other}"


def check_file(root: pathlib.Path, path: pathlib.Path):
    name = path.relative_to(root).as_posix()
    here = place(name)
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        kind, header = found.groups()
        why = verdict(name, header) if kind == '"' else None
        if kind == '"' and not (root / header).exists():
            why = "included by a path that does not start at the root"
        if here:
            for pattern, places in FOREIGN:
                if pattern.match(header) and not any(name.startswith(p + "/") for p in places):
                    why = f"only {', '.join(sorted(places))} may include {header}"
            if here[1] in ("decide", "sim") and kind == "<" and IMPURE.match(header):
                why = f"{here[1]} is pure: no <{header}>"
        if why:
            yield f"{name}:{number}: {line.strip()}: {why}"


LAYER = re.compile(r"aerostat_layer\(\s*(\w+)(.*?)\)", re.S)
LINK = re.compile(r"target_link_libraries\(\s*(\S+)(.*?)\)", re.S)
SHORT = {"aerostat_agent_": "jvm-agent/", "aerostat_guest_": "guest-balloon/", "aerostat_host_": "host-controller/",
         "aerostat_holder_": "application-balloon/guest/", "aerostat_punch_": "application-balloon/host/"}
SHARED_TARGETS = {"aerostat_balloon_contract": "application-balloon/contract/x.h",
                  "aerostat_balloon_pattern": "application-balloon/contract/x.h",
                  "aerostat_balloon_link": "application-balloon/link/x.h"}


def folder_of(target: str):
    """The folder a library target stands for, as a path for verdict()."""
    if target in SHARED_TARGETS:
        return SHARED_TARGETS[target]
    if target.removeprefix("aerostat_") in SHARED:
        return target.removeprefix("aerostat_") + "/x.h"
    for prefix, folder in SHORT.items():
        stage = target.removeprefix(prefix)
        if target.startswith(prefix) and stage in STAGES:
            return f"{folder}{stage}/x.h"
    return None


def check_links(root: pathlib.Path, path: pathlib.Path):
    name = path.relative_to(root).as_posix()
    text = re.sub(r"#.*", "", path.read_text())
    for pattern in (LAYER, LINK):
        for found in pattern.finditer(text):
            source = folder_of(found.group(1))
            if not source:
                continue
            for target in re.findall(r"\baerostat_\w+", found.group(2)):
                wanted = folder_of(target)
                why = verdict(source, wanted) if wanted else None
                if why:
                    yield f"{name}: {found.group(1)} links {target}: {why}"


def main() -> int:
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    problems, files = [], 0
    for top in sorted(PROGRAMS | set(SHARED) | {"tests"}):
        for path in sorted((root / top).rglob("*")):
            if path.suffix in SOURCES:
                files += 1
                problems += check_file(root, path)
            elif path.name == "CMakeLists.txt":
                problems += check_links(root, path)
    for problem in problems:
        print(problem)
    print(f"layers: {files} files, {len(problems)} problems")
    if files == 0:
        print("layers: nothing was checked", file=sys.stderr)
        return 2
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
