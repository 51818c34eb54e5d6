"""A Debian kernel package, made ready for QEMU: an ELF kernel, and an initramfs with the modules that disks need."""

import glob
import lzma
import os
import re
import shutil
import struct
import subprocess
import zlib

from harness import Trouble

HERE = os.path.dirname(os.path.abspath(__file__))

# What the cloud kernel has as modules; ext4 and cgroups are built in.
MODULES = ["virtio_pci", "virtio_blk", "virtio_console", "virtio_balloon"]


def _piped(*command):
    # Tools complain about what follows the compressed data; whether all came out is seen from its length.
    return lambda data: subprocess.run(command, input=data, capture_output=True, check=False).stdout


UNPACKERS = {
    b"\x02\x21\x4c\x18": _piped("lz4", "-dc"),
    b"\x28\xb5\x2f\xfd": _piped("zstd", "-dc"),
    b"\xfd7zXZ": lambda data: lzma.LZMADecompressor().decompress(data),
    b"\x1f\x8b": lambda data: zlib.decompressobj(31).decompress(data),
}


def unpack(bzimage, elf):
    """Writes the ELF kernel inside a bzImage: QEMU enters it directly (PVH), and the guest has nothing to decompress, which
    under emulation is a good part of a boot. Where it lies is told by the setup header (Documentation/arch/x86/boot.rst)."""
    with open(bzimage, "rb") as file:
        image = file.read()
    sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    begin = (sectors + 1) * 512 + offset
    payload = image[begin:begin + length]
    unpacked_size = struct.unpack("<I", payload[-4:])[0]
    unpacker = next((how for magic, how in UNPACKERS.items() if payload.startswith(magic)), None)
    if unpacker is None:
        raise Trouble(f"{bzimage}: compressed in a way not known here (starts with {payload[:6].hex()})")
    try:
        kernel = unpacker(payload[:-4])
    except (lzma.LZMAError, zlib.error):
        kernel = unpacker(payload)  # some compressors' own trailer is what holds the size
    if len(kernel) != unpacked_size or not kernel.startswith(b"\x7fELF"):
        raise Trouble(f"{bzimage}: unpacked to {len(kernel)} bytes instead of an ELF file of {unpacked_size}")
    with open(elf, "wb") as out:
        out.write(kernel)


def with_dependencies(modules, names):
    """Paths of modules, each after those it needs. The package has no modules.dep; every module names its own needs."""
    found = glob.glob(modules + "/**/*.ko", recursive=True)
    paths = {os.path.basename(path).removesuffix(".ko").replace("-", "_"): path for path in found}
    ordered = {}

    def add(name):
        if name in ordered or name not in paths:  # not there: built in
            return
        with open(paths[name], "rb") as file:
            needs = re.search(rb"\0depends=([^\0]*)\0", file.read())
        for need in (needs.group(1).decode().split(",") if needs else []):
            add(need.replace("-", "_"))
        ordered[name] = paths[name]

    for name in names:
        add(name)
    return list(ordered.values())


def initramfs(work, package_root, busybox, archive):
    """Writes the initramfs: busybox, the modules, guest/init."""
    tree = os.path.join(work, "initramfs")
    for directory in ("bin", "proc", "sys", "dev", "root", "modules"):
        os.makedirs(os.path.join(tree, directory))
    shutil.copy(busybox, os.path.join(tree, "bin", "busybox"))
    shutil.copy(os.path.join(HERE, "guest", "init"), os.path.join(tree, "init"))
    for number, path in enumerate(with_dependencies(os.path.join(package_root, "lib", "modules"), MODULES)):
        shutil.copy(path, os.path.join(tree, "modules", f"{number:02}-{os.path.basename(path)}"))
    names = "".join(os.path.relpath(os.path.join(folder, name), tree) + "\n"
                    for folder, folders, files in sorted(os.walk(tree)) for name in sorted(folders + files))
    with open(archive, "wb") as out:
        command = ["cpio", "-o", "-H", "newc", "--quiet", "-R", "0:0"]
        subprocess.run(command, cwd=tree, input=names.encode(), stdout=out, check=True)
