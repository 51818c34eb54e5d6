"""The guest's files: a base made of Debian packages, and a small second disk with what this project builds.

Both are cached, apart from each other: a rebuilt daemon costs a tenth of a second, not a new base. Nothing is mounted, no root
is needed, and packages come from wherever this machine's apt gets them.
"""

import os
import shutil
import tempfile

import kernel
from cache import Unavailable, cached, filesystem, hash_of, politely
from harness import ROOT, Trouble, compile_java, jdks
from packages import base_packages, our_programs

HERE = os.path.dirname(os.path.abspath(__file__))
JAVA = "/usr/lib/jvm/java-17-openjdk-amd64/bin/java"


# The base.

def make_base(directory, names):
    with tempfile.TemporaryDirectory(prefix="aerostat-base-") as work:
        os.chmod(work, 0o755)
        root, of_kernel, debs = (os.path.join(work, name) for name in ("root", "kernel", "debs"))
        for path in (root, of_kernel, debs):
            os.mkdir(path)
        try:
            politely("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", *names, cwd=debs)
        except Trouble as error:
            raise Unavailable(f"packages cannot be downloaded: {error}") from error
        for deb in sorted(os.listdir(debs)):
            politely("dpkg", "-x", os.path.join(debs, deb), of_kernel if deb.startswith("linux-image") else root)
        furnish(root)
        image = next(name for name in os.listdir(os.path.join(of_kernel, "boot")) if name.startswith("vmlinuz-"))
        kernel.unpack(os.path.join(of_kernel, "boot", image), os.path.join(directory, "vmlinux"))
        kernel.initramfs(work, of_kernel, os.path.join(root, "bin", "busybox"), os.path.join(directory, "initramfs"))
        filesystem(root, os.path.join(directory, "base.ext4"), 512 << 20)


def furnish(root):
    """Makes unpacked packages a root: mount points, busybox's commands, who root is."""
    for unused in ("doc", "man", "locale", "lintian", "bug", "gdb"):
        shutil.rmtree(os.path.join(root, "usr", "share", unused), ignore_errors=True)
    for path in ("proc", "sys", "dev", "tmp", "run", "root", "etc", "usr/bin", "opt/aerostat"):
        os.makedirs(os.path.join(root, path), exist_ok=True)
    busybox = os.path.join(root, "bin", "busybox")
    for path in politely(busybox, "--list-full").split():
        link = os.path.join(root, "bin", os.path.basename(path))
        if not os.path.lexists(link):
            os.symlink("busybox", link)
    os.symlink(JAVA, os.path.join(root, "usr", "bin", "java"))
    texts = {"passwd": "root:x:0:0:root:/tmp:/bin/sh\n", "group": "root:x:0:\n", "hosts": "127.0.0.1 localhost\n"}
    for name, text in texts.items():
        with open(os.path.join(root, "etc", name), "w", encoding="ascii") as file:
            file.write(text)


def base():
    """The directory of vmlinux, initramfs and base.ext4."""
    packages = base_packages()
    recipe = [("file", os.path.join(HERE, name)) for name in ("image.py", "kernel.py", "guest/init")]
    key = hash_of(*recipe, *(" ".join(package) for package in packages))
    return cached("base", key, lambda directory: make_base(directory, [package[0] for package in packages]))


# Ours.

def make_tools(directory, sources):
    agent = os.path.join(HERE, "guest", "control_agent.cpp")
    politely("g++", "-std=c++20", "-O2", "-Wall", "-Wextra", agent, "-o", os.path.join(directory, "control-agent"))
    homes = jdks()
    if 17 not in homes:
        raise Unavailable("no JDK 17 here to compile the guest's workload with")
    for source in sources:
        compile_java(homes[17], source, os.path.join(directory, "classes"))


def tools():
    """The directory of what only tests have in a guest: its end of the test channel, the workloads."""
    sources = [os.path.join(ROOT, "tests", "workloads", "Service.java")]  # what guests run of them
    parts = [*sources, os.path.join(HERE, "guest", "control_agent.cpp"), os.path.join(HERE, "image.py")]
    key = hash_of(*(("file", path) for path in parts))
    return cached("tools", key, lambda directory: make_tools(directory, sources))


def make_ours(directory, of_tools):
    with tempfile.TemporaryDirectory(prefix="aerostat-ours-") as work:
        shutil.copytree(of_tools, work, dirs_exist_ok=True, ignore=shutil.ignore_patterns("made.json"))
        shutil.copy(os.path.join(HERE, "guest", "rc"), work)
        for program in our_programs():
            politely("strip", "--strip-debug", "-o", os.path.join(work, os.path.basename(program)), program)
        filesystem(work, os.path.join(directory, "ours.ext4"), 64 << 20)


def ours():
    """The directory of ours.ext4: daemon, tool and agent, and the tests' own tools."""
    of_tools = tools()
    parts = [*our_programs(), os.path.join(HERE, "guest", "rc"), os.path.join(HERE, "image.py")]
    key = hash_of(of_tools, *(("file", path) for path in parts))
    return cached("ours", key, lambda directory: make_ours(directory, of_tools))
