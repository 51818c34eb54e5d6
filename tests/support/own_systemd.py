"""systemd as PID 1 of a clean tree, in namespaces of its own: services start as they do on a machine."""

import os
import subprocess

from checks import Skip, wait_until
NAMESPACES = ["--mount", "--pid", "--net", "--ipc", "--uts"]
SUPPORT = os.path.dirname(os.path.abspath(__file__))


def hierarchy():
    """Where systemd keeps its cgroups: the unified hierarchy, or beside hierarchies of version 1 one by its name."""
    for folder in ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup"):
        if os.access(os.path.join(folder, "cgroup.procs"), os.W_OK):
            return folder
    raise Skip("no cgroup hierarchy that systemd could use can be written to")


class OwnSystemd:
    def __init__(self, tree):
        self._tree = tree
        self._cgroup = os.path.join(hierarchy(), f"aerostat-test-{os.getpid()}")
        os.mkdir(self._cgroup)
        self._log = tree.file("tmp", "systemd.log")
        with open(self._log, "w", encoding="utf-8") as log:
            boot = [os.path.join(SUPPORT, "boot_tree"), tree.path, self._cgroup]
            self._outer = subprocess.Popen(["unshare", *NAMESPACES, "--fork", "--kill-child", *boot], stdin=subprocess.DEVNULL,
                                           stdout=log, stderr=log)
        try:
            wait_until(lambda: self.systemctl("is-system-running")[1].strip() in ("running", "degraded"), 60, "systemd")
        except AssertionError as why:
            self.close()
            with open(self._log, encoding="utf-8") as log:
                raise Skip(f"systemd does not come up in namespaces here: {log.read()[-500:]}") from why

    def _first_process(self):
        with open(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children", encoding="ascii") as file:
            return file.read().split()[0]

    def run(self, *argv):
        """(exit code, output) of a command in there."""
        try:
            enter = ["nsenter", "--target", self._first_process(), *NAMESPACES, "--root", "--wd"]
        except (OSError, IndexError):
            return 255, ""
        done = subprocess.run([*enter, *argv], capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout + done.stderr

    def systemctl(self, *words):
        return self.run("systemctl", "--no-pager", *words)

    def journal(self, unit):
        return self.run("journalctl", "--no-pager", "-o", "cat", "-u", unit)[1]

    def close(self):
        self._outer.kill()
        self._outer.wait(20)
        wait_until(lambda: not os.path.exists(self._cgroup) or self._remove_cgroups(), 20, "the end of systemd's processes")

    def _remove_cgroups(self):
        for folder, _, _ in os.walk(self._cgroup, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                return False
        return True
