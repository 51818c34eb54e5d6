#!/usr/bin/env python3
"""The Debian packages: installed on a clean Debian, services run there as their units shut them in, removed without a trace.

Needs root, mmdebstrap and Debian's mirror (once: the clean tree is kept below ~/.cache/aerostat/packages).
"""

import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
SCRIPT = os.path.join(ROOT, "scripts", "package")
SUPPORT = os.path.join(ROOT, "tests", "support")
sys.path.insert(0, SUPPORT)

from checks import Skip, expect, run_all, wait_until  # noqa: E402
from clean_tree import CleanTree, base_of, field, run  # noqa: E402
from harness import Trouble, compile_java, jdks  # noqa: E402
from own_systemd import OwnSystemd  # noqa: E402

PACKAGES = {"aerostat-host", "aerostat-guest", "aerostat-cli", "aerostat-agent", "libaerostat1", "libaerostat-dev",
            "libaerostat-java"}
UNITS = {"aerostat-hostd": "hostd.toml", "aerostat-guestd": "guestd.toml"}
WORST_EXPOSURE = 5.0  # of 10, by systemd-analyze; a root daemon without a sandbox has 9.6
HEAP_BYTES = 256 << 20
WAITER = "class Waiter { public static void main(String[] arguments) throws Exception { while (System.in.read() >= 0) { } } }"
STATE = {}


def tree():
    if "tree" not in STATE:
        raise Skip("the packages are not installed")
    return STATE["tree"]


def unit_of(daemon):
    return tree().file("lib/systemd/system", daemon + ".service")


def scripts_package_builds_all_packages_with_the_version_of_cmake():
    run([SCRIPT, *(["--no-build"] if os.environ.get("AEROSTAT_PACKAGE_NO_BUILD") else [])], within=1800)
    debs = sorted(glob.glob(os.path.join(ROOT, "build", "package", "debs", "*.deb")))
    expect({field(deb, "Package") for deb in debs} == PACKAGES, debs)
    with open(os.path.join(ROOT, "CMakeLists.txt"), encoding="utf-8") as file:
        version = re.search(r"project\(aerostat VERSION ([\d.]+)", file.read()).group(1)
    expect({field(deb, "Version") for deb in debs} == {version}, version)
    STATE["debs"] = debs


def lintian_has_no_complaint():
    if not shutil.which("lintian"):
        raise Skip("lintian is not installed (scripts/setup --for package installs it)")
    run([SCRIPT, "--no-build", "--lint"])


def they_install_on_a_clean_debian_and_every_library_is_found():
    if os.geteuid() != 0:
        raise Skip("needs root")
    if not shutil.which("mmdebstrap"):
        raise Skip("mmdebstrap is not installed (scripts/setup --for package installs it)")
    try:
        base = base_of(STATE["debs"])
    except (Trouble, subprocess.TimeoutExpired) as why:
        raise Skip(f"no clean Debian can be had: {str(why)[-300:]}") from why
    clean = CleanTree(base)
    clean.install(STATE["debs"])
    STATE["tree"] = clean
    programs = [clean.file(path) for path in ("usr/sbin/aerostat-hostd", "usr/sbin/aerostat-guestd", "usr/bin/aerostatctl",
                                              "usr/sbin/aerostat-libvirt-hook", "usr/lib/aerostat/libaerostat-jvm.so")]
    for program in programs + glob.glob(clean.file("usr/lib/*/libaerostat.so.1")):
        needs = clean.run("ldd", program.removeprefix(clean.path))
        expect("libc.so" in needs and "not found" not in needs, needs)


def configuration_is_left_alone_and_checked():
    for daemon, name in UNITS.items():
        package = {"hostd.toml": "aerostat-host", "guestd.toml": "aerostat-guest"}[name]
        conffiles = tree().run("dpkg-query", "-W", "-f", "${Conffiles}", package)
        expect(f"/etc/aerostat/{name}" in conffiles, conffiles)
        tree().run("/usr/sbin/" + daemon, "--config", "/etc/aerostat/" + name, "--check-config")
        example = glob.glob(tree().file(f"usr/share/doc/{package}/examples/*.toml"))
        tree().run("/usr/sbin/" + daemon, "--config", example[0].removeprefix(tree().path), "--check-config")


def maintainer_scripts_may_run_again():
    with open(tree().file("etc/aerostat/hostd.toml"), "a", encoding="utf-8") as file:
        file.write("# the operator's own line\n")
    tree().install(STATE["debs"])
    expect("the operator's own line" in tree().read("etc/aerostat/hostd.toml"), "an operator's change was overwritten")
    for group in ("aerostat-read", "aerostat-operate", "aerostat-guest"):
        expect(len(re.findall(rf"^{group}:", tree().read("etc/group"), re.MULTILINE)) == 1, f"group {group}")


def units_are_sound_and_shut_in():
    for daemon in UNITS:
        complaints = tree().run("systemd-analyze", "verify", "--man=no", f"/lib/systemd/system/{daemon}.service")
        expect(not complaints.strip(), complaints)
        report = run(["systemd-analyze", "security", "--no-pager", "--offline=true", unit_of(daemon)])
        level = float(re.search(r"Overall exposure level for .*: ([\d.]+)", report).group(1))
        print(f"FIGURE {daemon}.service: exposure {level} of 10 (systemd-analyze security)")
        expect(level <= WORST_EXPOSURE, report)


def aerostat_punch_is_started_again_however_often_it_dies():
    unit = tree().read("lib/systemd/system/aerostat-punch.service")
    for line in ("Restart=always", "StartLimitIntervalSec=0"):
        expect(line in unit.splitlines(), f"a guest that it has stopped waits for the next one: {line} is missing")


class Unit:
    """A unit's program, running as the unit shuts it in; `notices` is what it has told systemd."""

    def __init__(self, daemon):
        self.daemon, self.notices = daemon, []
        path = tree().file("run/notify")
        if os.path.exists(path):
            os.unlink(path)
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._door.bind(path)
        self._door.setblocking(False)
        self._log = tree().file("tmp", daemon + ".log")
        with open(self._log, "w", encoding="utf-8") as log:
            run_unit = [sys.executable, os.path.join(SUPPORT, "run_unit.py"), unit_of(daemon), tree().path]
            environment = {"PATH": os.environ["PATH"], "NOTIFY_SOCKET": "/run/notify"}
            self.process = subprocess.Popen(["unshare", "--mount", "--net", *run_unit], env=environment, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)

    def log(self):
        with open(self._log, encoding="utf-8") as log:
            return log.read()

    def has_said(self, notice):
        try:
            self.notices.append(self._door.recv(4096).decode())
        except BlockingIOError:
            pass
        if self.process.poll() is not None:
            raise AssertionError(f"{self.daemon} ended with {self.process.returncode}:\n{self.log()}")
        return notice in self.notices

    def kernels_view(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return file.read()

    def ask(self, *words):
        return tree().run("aerostatctl", *words, within=30)

    def close(self):
        self.process.terminate()
        code = self.process.wait(20)
        self._door.close()
        return code


def roles_are_kept(unit):
    """What each group may, as the exit codes of aerostatctl: 0 met, 5 denied."""
    def codes(group):
        ask = ["chroot", f"--userspec=nobody:{group}", tree().path, "aerostatctl"]
        return [subprocess.run([*ask, word], capture_output=True, timeout=30, check=False).returncode
                for word in ("status", "pause")]
    seen = {group: codes(group) for group in ("nogroup", "aerostat-read", "aerostat-operate")}
    expect(seen == {"nogroup": [5, 5], "aerostat-read": [0, 5], "aerostat-operate": [0, 0]}, seen)
    unit.ask("resume")


def runs_shut_in(daemon, look):
    unit = Unit(daemon)
    try:
        wait_until(lambda: unit.has_said("READY=1"), 20, f"{daemon} to be ready\n{unit.log()}")
        state = json.loads(unit.ask("status", "--json"))
        roles_are_kept(unit)
        unit.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "reloaded" in unit.log(), 10, f"the reload\n{unit.log()}")
        look(state, unit)
    finally:
        code = unit.close()
    expect(code == 0, f"{daemon} ended with {code}:\n{unit.log()}")
    expect(tree().has("run/aerostat"), "the runtime directory is gone")


def hostd_runs_as_installed_in_its_sandbox():
    def look(state, unit):
        expect(state.get("mode") == "advise", state)
    runs_shut_in("aerostat-hostd", look)


def hostd_measures_guests_of_other_users_from_its_sandbox():
    config = tree().read("etc/aerostat/hostd.toml")
    with open(tree().file("etc/aerostat/hostd.toml"), "w", encoding="utf-8") as file:
        file.write(config.replace('backend = "libvirt"', 'backend = "local"'))

    def look(_, unit):
        guestd = ["/usr/sbin/aerostat-guestd", "--runtime-dir", "/tmp/guest", "--host", "unix:/run/aerostat/guest.sock"]
        with open(tree().file("tmp", "guest.log"), "w", encoding="utf-8") as log:
            guest = subprocess.Popen(["chroot", "--userspec=nobody:aerostat-guest", tree().path, *guestd], start_new_session=True,
                                     stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def charged():
            expect(guest.poll() is None, tree().read("tmp/guest.log"))
            return sum(one["charged_bytes"] for one in json.loads(unit.ask("status", "--json"))["guests"]) > 0
        try:
            wait_until(charged, 20, f"the guest to be measured\n{unit.log()}")
        finally:
            guest.terminate()
            guest.wait(20)
    runs_shut_in("aerostat-hostd", look)


def guestd_runs_as_installed_in_its_sandbox_and_misses_nothing():
    def look(state, unit):
        expect(tree().has("run/aerostat/condition"), "there is no condition page")
        missing = [warning for warning in state["warnings"] if not warning.startswith("the host is silent")]
        if "is not allowed here" in unit.log():  # said by run_unit.py: this machine has not all the rights that systemd has
            missing = [warning for warning in missing if "CAP_SYS_RESOURCE" not in warning]
        expect(not missing, missing)
        expect(int(re.search(r"VmLck:\s+(\d+)", unit.kernels_view()).group(1)) > 0, unit.kernels_view())
        expect("Seccomp:\t2" in unit.kernels_view() and "NoNewPrivs:\t1" in unit.kernels_view(), unit.kernels_view())
        a_jvm_of_another_user_is_measured(unit)
    runs_shut_in("aerostat-guestd", look)


def a_jvm_of_another_user_is_measured(unit):
    """On ZGC, whose committed memory is seen only through another user's /proc/PID/fd."""
    homes = jdks()
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        os.chmod(directory, 0o755)
        with open(os.path.join(directory, "Waiter.java"), "w", encoding="ascii") as file:
            file.write(WAITER)
        compile_java(homes[min(homes)], file.name, directory)
        library, runtime_dir = tree().file("usr/lib/aerostat/libaerostat-jvm.so"), tree().file("run/aerostat")
        agent = f"-agentpath:{library}=runtime-dir={runtime_dir},name=waiter"
        java = [homes[min(homes)] + "/bin/java", "-XX:+UseZGC", f"-Xms{HEAP_BYTES}", f"-Xmx{HEAP_BYTES}", agent]
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        waiter = subprocess.Popen([*nobody, *java, "-cp", directory, "Waiter"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)

        def measured():
            seen = [jvm for guest in json.loads(unit.ask("jvms", "--json"))["guests"] for jvm in guest["jvms"]]
            return [jvm for jvm in seen if jvm.get("pss_bytes", 0) > HEAP_BYTES]
        try:
            wait_until(measured, 30, f"the JVM's {HEAP_BYTES} bytes to be measured\n{unit.log()}")
        finally:
            waiter.stdin.close()
            waiter.wait(20)


def a_service_lives(systemd, daemon, control):
    def answers():
        return systemd.run("aerostatctl", "--socket", control, "status")[0] == 0
    expect(systemd.systemctl("is-active", daemon)[1].strip() == "active", systemd.journal(daemon))
    expect(answers(), systemd.journal(daemon))
    expect(systemd.systemctl("reload", daemon)[0] == 0, systemd.journal(daemon))
    wait_until(lambda: "configuration reloaded" in systemd.journal(daemon), 10, f"the reload of {daemon}")
    systemd.systemctl("kill", "--signal=KILL", daemon)
    wait_until(lambda: systemd.systemctl("show", "-P", "NRestarts", daemon)[1].strip() == "1" and answers(), 20,
               f"the restart of {daemon}")
    expect(systemd.systemctl("stop", daemon)[0] == 0, systemd.journal(daemon))
    expect(systemd.systemctl("is-failed", daemon)[1].strip() == "inactive", systemd.journal(daemon))


def services_come_up_under_systemd_and_start_again_after_a_crash():
    """Both on one machine, so hostd has a directory of its own."""
    config = tree().file("etc/aerostat/hostd.toml")
    with open(config, encoding="utf-8") as file:
        text = re.sub('^runtime_dir.*', 'runtime_dir = "/run/aerostat/host"', file.read(), flags=re.MULTILINE)
    with open(config, "w", encoding="utf-8") as file:
        file.write(text)
    systemd = OwnSystemd(tree())
    try:
        a_service_lives(systemd, "aerostat-guestd", "/run/aerostat/control.sock")
        a_service_lives(systemd, "aerostat-hostd", "/run/aerostat/host/control.sock")
        expect(systemd.run("test", "-s", "/run/aerostat/condition")[0] == 0, "the condition page is gone after the stop")
    finally:
        systemd.close()


def programs_are_built_with_the_development_package():
    compiler = shutil.which("cc")
    source = tree().file("tmp", "reader.c")
    with open(source, "w", encoding="ascii") as file:
        file.write("#include <aerostat/memory_condition.h>\n#include <stdio.h>\n"
                   "int main(void) { puts(aerostat_version()); return 0; }\n")
    directories = glob.glob(tree().file("usr/lib/*/pkgconfig"))
    environment = {**os.environ, "PKG_CONFIG_LIBDIR": directories[0], "PKG_CONFIG_SYSROOT_DIR": tree().path}
    flags = run(["pkg-config", "--cflags", "--libs", "aerostat"], env=environment).split()
    run([compiler, "-std=c11", "-Wall", "-Werror", source, "-o", tree().file("tmp", "reader"), *flags])
    expect(tree().run("/tmp/reader").strip(), "no version")


def they_are_removed_without_a_trace():
    tree().run("dpkg", "--purge", *sorted(PACKAGES))
    left = tree().run("find", "/etc", "/usr", "/lib/systemd", "/var/lib", "-xdev", "-name", "*aerostat*").split()
    expect(not left, left)


TESTS = [scripts_package_builds_all_packages_with_the_version_of_cmake, lintian_has_no_complaint,
         they_install_on_a_clean_debian_and_every_library_is_found, configuration_is_left_alone_and_checked,
         maintainer_scripts_may_run_again, units_are_sound_and_shut_in, aerostat_punch_is_started_again_however_often_it_dies,
         hostd_runs_as_installed_in_its_sandbox, hostd_measures_guests_of_other_users_from_its_sandbox,
         guestd_runs_as_installed_in_its_sandbox_and_misses_nothing,
         services_come_up_under_systemd_and_start_again_after_a_crash, programs_are_built_with_the_development_package,
         they_are_removed_without_a_trace]

if __name__ == "__main__":
    if os.geteuid() == 0 and "--in-namespace" not in sys.argv:
        os.execvp("unshare", ["unshare", "--mount", sys.executable, __file__, "--in-namespace"])
    sys.exit(run_all([(test.__name__, test) for test in TESTS]))
