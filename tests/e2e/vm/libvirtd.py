"""A libvirtd of our own, with all its virtual machines in one process namespace: what ends that ends everything in it."""

import os
import shutil
import signal
import subprocess
import uuid

import cache
from harness import Trouble, is_alive, tail, wait_for

# The system's libvirt may be in use, or not installed as a service at all: every place libvirtd writes to is ours here. Whole
# folders are covered, because libvirt's own ones need not exist.
PRIVATE = {"run": "/run", "lib": "/var/lib", "cache": "/var/cache", "log": "/var/log", "etc": "/etc/libvirt"}

# libvirtd looks its QEMU user up even if told to use another; only the package of the system-wide service makes it.
ACCOUNTS = {"passwd": "libvirt-qemu:x:0:0::/:/bin/false", "group": "libvirt-qemu:x:0:"}

# tini as process 1 of the namespace reaps QEMU, which daemonizes: libvirt waits for it to vanish, at every start and stop.
# When libvirtd ends, all ends; unless it is to be started again: the fifo says when.
START = """set -e
{mounts}
exec tini -- sh {directory}/run-libvirtd
"""
RUN = """libvirtd -f {directory}/libvirtd.conf -p {directory}/libvirtd.pid
while [ -e {directory}/again ]; do
    cat {directory}/again
    rm {directory}/again
    libvirtd -f {directory}/libvirtd.conf -p {directory}/libvirtd.pid
done
"""

DAEMON_CONFIG = """unix_sock_dir = "{directory}"
unix_sock_group = "root"
unix_sock_rw_perms = "0700"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "3:file:{directory}/libvirtd.log"
host_uuid = "{host_uuid}"
"""

# stdio_handler: without it QEMU's output goes to virtlogd, one more daemon. The rest: nothing is owned by others, labelled or
# hidden, and no control groups are left behind on the machine.
QEMU_CONFIG = """stdio_handler = "file"
user = "{user}"
group = "{group}"
security_driver = "none"
dynamic_ownership = 0
remember_owner = 0
namespaces = [ ]
cgroup_controllers = [ ]
"""

NEEDED = ["qemu-system-x86_64", "libvirtd", "virsh", "tini", "unshare", "setpriv", "cpio", "mkfs.ext4", "g++", "strip", "lz4",
          "zstd"]


def search_path():
    """PATH with the daemons' folders, which a plain user's lacks."""
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def check_needs():
    missing = [name for name in NEEDED if not shutil.which(name, path=search_path())]
    if missing:
        raise cache.Unavailable(f"{', '.join(missing)} not here (scripts/setup --for vm installs them)")
    tried = subprocess.run([*namespaces(), "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        raise cache.Unavailable(f"no namespaces of our own allowed here: {tried.stderr.strip()}")


def namespaces():
    # A plain user may have them only inside a user namespace, in which it stays who it is: libvirtd then keeps to user folders.
    mapped = [] if os.geteuid() == 0 else ["--map-current-user"]
    return ["unshare", *mapped, "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]


class Libvirtd:
    """Runs from start to stop(). Should the thread that made it die in whatever way, the kernel ends all of it: that thread,
    unshare, process 1 of the namespace, everything. So no earlier run is in the way of this one, or leaves processes."""

    def __init__(self, directory, hook=None):
        """`hook` is a script that libvirt calls when domains start and stop (as root only: a user's libvirtd has none)."""
        self.directory, self._hook = directory, hook
        self._is_root = os.geteuid() == 0
        self.uri = f"qemu+unix:///{'system' if self._is_root else 'session'}?socket={directory}/libvirt-sock"
        # The cache, as seen from inside: what is covered may be above it.
        self.images = os.path.join(directory, "images") if self._is_root else cache.cache_directory()
        self._log = os.path.join(directory, "libvirtd.log")
        self._write_configuration()
        script = START.format(directory=directory, mounts=self._mounts() if self._is_root else "")
        command = ["nice", "-n", "5", "setpriv", "--pdeathsig", "KILL", "--", *namespaces(), "sh", "-c", script]
        with open(os.path.join(directory, "libvirtd.out"), "w", encoding="utf-8") as out:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                                             env=self._environment())
        try:
            wait_for(self._answers, 30, "libvirtd to answer", self._log)
        except BaseException:
            self.stop()
            raise

    def _write_configuration(self):
        for name in PRIVATE:
            os.makedirs(os.path.join(self.directory, "private", name))
        os.makedirs(self.images, exist_ok=True)
        os.symlink("etc", os.path.join(self.directory, "private", "libvirt"))  # its name as a user's folder
        # As of a host of its own: libvirt migrates to none that seems to be the same.
        files = {"libvirtd.conf": DAEMON_CONFIG.format(directory=self.directory, host_uuid=uuid.uuid4()),
                 "run-libvirtd": RUN.format(directory=self.directory),
                 "private/etc/qemu.conf": QEMU_CONFIG.format(user=f"+{os.geteuid()}", group=f"+{os.getegid()}")}
        for name, text in files.items():
            with open(os.path.join(self.directory, name), "w", encoding="ascii") as file:
                file.write(text)
        for name, line in ACCOUNTS.items():
            with open(f"/etc/{name}", encoding="utf-8") as file:
                known = "".join(old for old in file if not old.startswith("libvirt-qemu:"))
            with open(f"{self.directory}/private/{name}", "w", encoding="utf-8") as file:
                file.write(known + line + "\n")
        if self._hook:
            hook = os.path.join(self.directory, "private", "etc", "hooks", "qemu.d", "aerostat")
            os.makedirs(os.path.dirname(hook))
            with open(hook, "w", encoding="utf-8") as file:
                file.write(self._hook)
            os.chmod(hook, 0o755)
        # What libvirtd has learned of QEMU is worth a second at the next start.
        os.makedirs(os.path.join(cache.cache_directory(), "libvirt"), exist_ok=True)

    def _environment(self):
        environment = {**os.environ, "PATH": search_path()}
        if not self._is_root:
            private = os.path.join(self.directory, "private")
            folders = {"HOME": private, "XDG_CONFIG_HOME": private, "XDG_RUNTIME_DIR": os.path.join(private, "run"),
                       "XDG_CACHE_HOME": cache.cache_directory()}
            environment.update(folders)
        return environment

    def _mounts(self):
        binds = [(cache.cache_directory(), self.images)]
        binds += [(f"{self.directory}/private/{name}", path) for name, path in PRIVATE.items()]
        binds += [(f"{self.directory}/private/{name}", f"/etc/{name}") for name in ACCOUNTS]
        lines = [f"mount --bind '{source}' '{path}'" for source, path in binds]
        return "\n".join([*lines, "mkdir -p /var/cache/libvirt", f"mount --bind '{self.images}/libvirt' /var/cache/libvirt"])

    def _answers(self):
        if self._process.poll() is not None:
            out = tail(os.path.join(self.directory, "libvirtd.out"))
            raise Trouble(f"libvirtd ended at once (exit {self._process.returncode})\n{out}{tail(self._log)}")
        return os.path.exists(f"{self.directory}/libvirt-sock") and self.virsh("version", may_fail=True) is not None

    def virsh(self, *words, within=60, may_fail=False):
        """Output of a virsh command; a failure is Trouble, or None if it may fail."""
        done = subprocess.run(["virsh", "-q", "-c", self.uri, *words], capture_output=True, text=True, timeout=within,
                              check=False, stdin=subprocess.DEVNULL)
        if done.returncode == 0:
            return done.stdout
        if may_fail:
            return None
        raise Trouble(f"virsh {' '.join(words)}: {done.stderr.strip()}\n{tail(self._log, 5)}")

    @property
    def state(self):
        """Where libvirtd keeps what it must know of running domains, should it be started again. Only root's is here."""
        return os.path.join(self.directory, "private", "run", "libvirt", "qemu")

    def die_and_start_again(self, while_dead=lambda: None):
        """Kills libvirtd, and waits until another one answers. Domains run on."""
        again, dying = os.path.join(self.directory, "again"), self._pid()
        os.mkfifo(again)
        os.kill(dying, signal.SIGKILL)
        wait_for(lambda: not is_alive(dying), 30, "libvirtd to die", self._log)
        while_dead()
        with open(again, "w", encoding="ascii"):
            pass
        wait_for(self._answers, 60, "libvirtd to answer again", self._log)

    def _pid(self):
        """libvirtd's own, as seen here."""
        for pid in self.processes():
            try:
                with open(f"/proc/{pid}/comm", encoding="ascii") as file:
                    if file.read().strip() == "libvirtd":
                        return pid
            except OSError:
                continue
        raise Trouble("no libvirtd runs here")

    def processes(self):
        """Pids, as seen here, of everything in the namespace."""
        first = self._first()
        return _in_namespace_of(first) if first else []

    def qemu_of(self, name):
        """The pid, as seen here, of a domain's QEMU."""
        for pid in self.processes():
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            if b"qemu-system" in words[0] and any(word.startswith(f"guest={name},".encode()) for word in words):
                return pid
        raise Trouble(f"domain {name} has no QEMU process")

    def _first(self):
        """Process 1 of the namespace: unshare's only child."""
        for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
            try:
                with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
                    if int(file.read().rsplit(")", 1)[1].split()[1]) == self._process.pid:
                        return pid
            except OSError:
                continue
        return None

    def stop(self):
        """Ends libvirtd and all domains. Guests have nothing to lose: their disks are read-only. When process 1 of a namespace
        has ended, nothing of it is left."""
        if self._process.poll() is None:
            first = self._first()
            if first:
                os.kill(first, 9)
            else:
                self._process.kill()
        self._process.wait(30)


def _in_namespace_of(first):
    found = []
    try:
        namespace = os.readlink(f"/proc/{first}/ns/pid")
    except OSError:
        return found
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        try:
            if os.readlink(f"/proc/{pid}/ns/pid") == namespace and is_alive(pid):
                found.append(pid)
        except OSError:
            continue
    return found
