"""Warm guests: with their daemons and JVMs running, saved once and restored in a second, under any name, any number of times.

Works because a guest's disks are read-only, so that its memory is all its state, and because nobody is connected to hostd's
channel when it is saved.
"""

import dataclasses
import fcntl
import json
import os
import re
import shutil
import struct
import uuid

import accelerator
import cache
import guest_ram
from domain import Hardware
from harness import MIB, Trouble

HERE = os.path.dirname(os.path.abspath(__file__))

# libvirt's save file: magic, version, length of the description, whether it ran, compression, where the cookie begins, 14 spare;
# then the description (XML, 0, cookie XML, 0, zeros) and QEMU's stream, which knows no names.
MAGIC = b"LibvirtQemudSave"
HEADER = struct.Struct("=16s19I")
DESCRIPTION_LENGTH, COOKIE_OFFSET = 2, 5  # places in the unpacked header
STREAM_AT = 1 << 16  # we leave this much for header and description, so that another description fits in


@dataclasses.dataclass(frozen=True)
class Start:
    """One JVM of a recipe: a Service and the commands it is told before the guest is saved."""
    name: str = "app"
    options: tuple = ("-Xmx512m", "-XX:+UseG1GC")
    orders: tuple = ("live 100MiB",)
    arguments: str = ""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a guest is warmed up. Only data, so that the saved state can be found under what made it."""
    hardware: Hardware = Hardware()
    services: tuple = (Start(),)
    guestd_options: str = ""
    lines: tuple = ()  # shell lines, run last
    guest_name: str = "guest"  # what guestd calls itself; a host goes by the channel instead


def image_of(bed, recipe, made_of):
    """The directory of the saved state, which is made if it is not there."""
    tools = [accelerator.qemu_version(), bed.libvirtd.virsh("version"), *(os.path.basename(path) for path in made_of)]
    recipe_files = [("file", os.path.join(HERE, name)) for name in ("saved.py", "domain.py")]
    key = cache.hash_of(repr(recipe), *tools, *recipe_files)
    return cache.cached("warm", key, lambda directory: _make(bed, recipe, directory))


def _make(bed, recipe, directory):
    """On a bed of its own: a hostd on the caller's would see a domain nobody told it of, and connect to it."""
    with type(bed)(like=bed) as own:
        domain = own.boot("warm", **dataclasses.asdict(recipe.hardware))
        domain.start_guestd(recipe.guest_name, options=recipe.guestd_options)
        for start in recipe.services:
            service = domain.service(start.options, start.name, arguments=start.arguments)
            for order in start.orders:
                service.tell(order, within=120)
            domain.wait_registered(start.name)
        for line in recipe.lines:
            domain.run(line)
        facts = {"jobs": domain.jobs(), "name": domain.name, "place": domain.directory, "images": own.libvirtd.images}
        domain.shell.close()
        own.libvirtd.virsh("save", domain.name, os.path.join(own.inside(directory), "raw"))
        own.domains.clear()
        _take_apart(os.path.join(directory, "raw"), directory, facts)


def _take_apart(raw, directory, facts):
    """Makes of libvirt's file one with room for other descriptions (state), and what is needed to write them (facts)."""
    with open(raw, "rb") as file:
        header = list(HEADER.unpack(file.read(HEADER.size)))
        if header[0] != MAGIC:
            raise Trouble(f"{raw} is no saved domain as libvirt 9 writes it")
        description = file.read(header[DESCRIPTION_LENGTH])
        xml, _, rest = description.partition(b"\0")
        cookie = description[header[COOKIE_OFFSET]:].split(b"\0")[0] if header[COOKIE_OFFSET] else b""
        facts |= {"xml": xml.decode(), "cookie": cookie.decode(), "header": header[1:]}
        with open(os.path.join(directory, "state"), "wb") as out:
            out.seek(STREAM_AT)
            shutil.copyfileobj(file, out, 1 << 20)
    os.remove(raw)
    cache.write_json(os.path.join(directory, "facts.json"), facts)


def _description(facts, name, place, images):
    """Header and description for a domain of this name, with its files in `place`."""
    xml = re.sub(r"<uuid>[^<]*</uuid>", f"<uuid>{uuid.uuid4()}</uuid>", facts["xml"])
    xml = xml.replace(f"<name>{facts['name']}</name>", f"<name>{name}</name>")
    xml = xml.replace(facts["place"] + "/", place + "/").replace(facts["images"] + "/", images + "/")
    body = xml.encode() + b"\0"
    header = [MAGIC, *facts["header"]]
    header[DESCRIPTION_LENGTH] = STREAM_AT - HEADER.size
    header[COOKIE_OFFSET] = len(body) if facts["cookie"] else 0
    body += facts["cookie"].encode() + b"\0"
    if HEADER.size + len(body) > STREAM_AT:
        raise Trouble(f"the description of {name} has {len(body)} bytes, more than there is room for")
    return HEADER.pack(*header) + body.ljust(STREAM_AT - HEADER.size, b"\0")


def restore(bed, name, recipe, directory):
    """Starts a domain from the saved state. The file is written to (its description) for a moment only, under a lock."""
    with open(os.path.join(directory, "facts.json"), encoding="utf-8") as file:
        facts = json.load(file)
    domain = bed.new_domain(name, recipe.hardware)
    with open(os.path.join(directory, "state"), "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(_description(facts, name, domain.directory, bed.libvirtd.images))
        file.flush()
        bed.libvirtd.virsh("restore", os.path.join(bed.inside(directory), "state"), "--paused")
    bed.domains[name] = domain
    guest_ram.drop_zero_pages(domain.qemu_pid, recipe.hardware.memory_mib * MIB)
    bed.libvirtd.virsh("resume", name)
    domain.take_up(facts["jobs"])
    domain.shell.connect()
    domain.set_clock()
    return domain
