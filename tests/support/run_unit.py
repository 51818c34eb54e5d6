#!/usr/bin/env python3
"""run_unit.py UNIT TREE: runs a unit's program in the installed tree TREE, shut in as the unit says, where there is no systemd.

Of the sandbox it makes: a read-only file system with the runtime directory writable, the capability bounding set, no new
privileges, the system call filter, the limits and the OOM score. Needs root and namespaces of its own (unshare --mount --net).
"""

import configparser
import ctypes
import os
import re
import resource
import shlex
import subprocess
import sys

PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
ALLOW, FAIL_WITH_EPERM = 0x7FFF0000, 0x00050000 | 1
COMPARE_EQUAL = 4
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}
LIMITS = {"LimitNOFILE": resource.RLIMIT_NOFILE, "LimitMEMLOCK": resource.RLIMIT_MEMLOCK}


def capability_number(name):
    with open("/usr/include/linux/capability.h", encoding="ascii") as file:
        return int(re.search(rf"#define {name}\s+(\d+)", file.read()).group(1))


def read_service(path):
    """Later lines win, as they do for the keys that are used here."""
    unit = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    unit.optionxform = str
    unit.read(path)
    return unit["Service"]


def close_the_file_system(tree, service):
    runtime = os.path.join(tree, "run", service["RuntimeDirectory"])
    os.makedirs(runtime, exist_ok=True)
    os.chmod(runtime, int(service["RuntimeDirectoryMode"], 8))
    for command in (["mount", "--bind", runtime, runtime], ["mount", "-o", "remount,bind,ro", tree]):
        subprocess.run(command, check=True)


def prctl(*arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(*(ctypes.c_ulong(a) for a in (*arguments, *[0] * (5 - len(arguments))))) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {arguments}")


def keep_capabilities(wanted):
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
        last = int(file.read())
    kept = {capability_number(name) for name in wanted}
    for number in range(last + 1):
        if number not in kept:
            prctl(PR_CAPBSET_DROP, number)


def calls_of(group):
    show = ["systemd-analyze", "--no-pager", "syscall-filter", group]
    text = subprocess.run(show, capture_output=True, text=True, check=True).stdout
    names = re.findall(r"^    ([@\w-]+)$", text, re.MULTILINE)
    return {call for name in names for call in (calls_of(name) if name.startswith("@") else [name])}


class Comparison(ctypes.Structure):
    _fields_ = [("argument", ctypes.c_uint), ("operator", ctypes.c_int), ("first", ctypes.c_uint64), ("second", ctypes.c_uint64)]


class CallFilter:
    """Allows a group of system calls, and sockets of these families; all else fails with EPERM."""

    def __init__(self, group, families):
        self._library = ctypes.CDLL("libseccomp.so.2")
        self._library.seccomp_init.restype = ctypes.c_void_p
        self._filter = ctypes.c_void_p(self._library.seccomp_init(ctypes.c_uint32(FAIL_WITH_EPERM)))
        for call in calls_of(group):
            number = self._library.seccomp_syscall_resolve_name(call.encode())
            if number < 0:
                continue
            for rules in [[Comparison(0, COMPARE_EQUAL, FAMILIES[one], 0)] for one in families] if call == "socket" else [[]]:
                array = (Comparison * len(rules))(*rules)
                self._library.seccomp_rule_add_array(self._filter, ctypes.c_uint32(ALLOW), number, len(rules), array)

    def load(self):
        if self._library.seccomp_load(self._filter) != 0:
            raise OSError("the system call filter was refused")


def raise_limits(service):
    """As far as we may: systemd may always."""
    for key, limit in LIMITS.items():
        if key in service:
            wanted = resource.RLIM_INFINITY if service[key] == "infinity" else int(service[key])
            try:
                resource.setrlimit(limit, (wanted, wanted))
            except ValueError:
                print(f"run_unit: {key}={service[key]} is not allowed here", file=sys.stderr)
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write(service["OOMScoreAdjust"])
    except PermissionError:
        print(f"run_unit: OOMScoreAdjust={service['OOMScoreAdjust']} is not allowed here", file=sys.stderr)


def main(unit, tree):
    service = read_service(unit)
    call_filter = CallFilter(service["SystemCallFilter"], service["RestrictAddressFamilies"].split())
    close_the_file_system(tree, service)
    raise_limits(service)
    keep_capabilities(service["CapabilityBoundingSet"].split())  # from exec on
    os.chroot(tree)
    os.chdir("/")
    program = shlex.split(service["ExecStart"])
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    call_filter.load()
    os.execv(program[0], program)


if __name__ == "__main__":
    main(*sys.argv[1:])
