"""A virtual machine: what it is made of, and how tests look into it."""

import dataclasses
import os
import signal
import time
import uuid

import guest_ram
from cache import politely
from guest_shell import GuestService, GuestShell, GuestTool
from harness import MIB, Trouble, built, tail, wait_for

HOST_PORT = "org.aerostat.guest.0"  # hostd's; the bed never connects to it
TEST_PORT = "org.aerostat.test.0"   # the bed's own

COMMAND_LINE = "console=ttyS0 quiet panic=-1 mitigations=off tsc=reliable no_timer_check 8250.nr_uarts=1 nokaslr"

# Emulated: a model without ERMS. With it the guest clears pages by `rep stosb`, which TCG runs byte by byte: a JVM takes half as
# long again. The code cache is bounded, else it may take a gigabyte of the host for itself.
CPU = {"kvm": "<cpu mode='host-passthrough'/>",
       "tcg": "<cpu mode='custom' match='exact' check='none'><model fallback='forbid'>Nehalem</model></cpu>"}
FEATURES = {"kvm": "<acpi/>", "tcg": "<acpi/><tcg><tb-cache unit='MiB'>256</tb-cache></tcg>"}

DOMAIN = """<domain type='{type}'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>{memory_mib}</memory>
  <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
  <vcpu>{vcpus}</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>{base}/vmlinux</kernel>
    <initrd>{base}/initramfs</initrd>
    <cmdline>{command_line}</cmdline>
  </os>
  <features>{features}</features>
  {cpu}
  <clock offset='utc'><timer name='hpet' present='no'/></clock>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>{on_reboot}</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/><source file='{base}/base.ext4'/><target dev='vda' bus='virtio'/><readonly/>
    </disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/><source file='{ours}/ours.ext4'/><target dev='vdb' bus='virtio'/><readonly/>
    </disk>
    <controller type='usb' model='none'/>
    <serial type='file'><source path='{directory}/console.log'/><target type='isa-serial' port='0'/></serial>
    <channel type='unix'><source mode='bind' path='{directory}/host.sock'/><target type='virtio' name='{host_port}'/></channel>
    <channel type='unix'><source mode='bind' path='{directory}/test.sock'/><target type='virtio' name='{test_port}'/></channel>
    {balloon}
  </devices>
</domain>
"""

BALLOON = """<memballoon model='virtio' autodeflate='{autodeflate}' freePageReporting='{reporting}'>
      <stats period='{stats_period}'/>
    </memballoon>"""
NO_BALLOON = "<memballoon model='none'/>"


@dataclasses.dataclass(frozen=True)
class Hardware:
    """What a domain is given; part of the name under which its saved state is found again."""
    memory_mib: int = 1024
    vcpus: int = 1
    autodeflate: bool = True
    free_page_reporting: bool = True
    stats_period_s: int = 1
    kernel_options: str = ""  # e.g. transparent_hugepage=madvise
    balloon: bool = True
    restarts: bool = False  # on a reboot; else that ends it, as a panic does


def domain_xml(name, hardware, directory, base, ours, accelerator):
    balloon = (BALLOON if hardware.balloon else NO_BALLOON).format(
        autodeflate="on" if hardware.autodeflate else "off", reporting="on" if hardware.free_page_reporting else "off",
        stats_period=hardware.stats_period_s)
    return DOMAIN.format(type="kvm" if accelerator == "kvm" else "qemu", name=name, uuid=uuid.uuid4(), base=base, ours=ours,
                         memory_mib=hardware.memory_mib, vcpus=hardware.vcpus, directory=directory,
                         command_line=f"{COMMAND_LINE} {hardware.kernel_options}".strip(), features=FEATURES[accelerator],
                         cpu=CPU[accelerator], host_port=HOST_PORT, test_port=TEST_PORT,
                         balloon=balloon, on_reboot="restart" if hardware.restarts else "destroy")


def guestd_knows_virtio():
    """Whether the guestd under test can be told to talk to the host through a virtio-serial port."""
    return "virtio:" in politely(built("bin", "aerostat-guestd"), "--help")


class Domain:
    """A running domain and the connection to its control agent. Made by Bed.boot and Bed.warm."""

    def __init__(self, libvirtd, name, directory, hardware):
        self.name, self.hardware, self.directory = name, hardware, directory
        self.channel_path = os.path.join(directory, "host.sock")  # where hostd finds this guest; libvirt's XML names it too
        self.console_log = os.path.join(directory, "console.log")
        self._libvirtd = libvirtd
        self._qemu_pid = None
        self._hostd_port = guestd_knows_virtio()
        self.services, self.guestd = {}, None
        self.shell = self._new_shell(first_job=1)
        self.tool = GuestTool(self.shell)

    def _new_shell(self, first_job):
        return GuestShell(os.path.join(self.directory, "test.sock"), self._evidence, first_job)

    def _evidence(self):
        return f"{self.name}'s console:\n{self.console_tail()}"

    # What libvirt and the host's kernel say of it.

    @property
    def uuid(self):
        return self._libvirtd.virsh("domuuid", self.name).strip()

    @property
    def qemu_pid(self):
        if self._qemu_pid is None:
            self._qemu_pid = self._libvirtd.qemu_of(self.name)
        return self._qemu_pid

    def console_tail(self, lines=30):
        return tail(self.console_log, lines)

    def guest_ram_resident(self):
        """Host memory behind the guest's RAM, in bytes."""
        return guest_ram.resident_bytes(self.qemu_pid, self.hardware.memory_mib * MIB)

    def memory_stats(self):
        """libvirt's statistics of the balloon, in bytes where they are sizes: actual, unused, usable, available, …"""
        pairs = (line.split() for line in self._libvirtd.virsh("dommemstat", self.name).splitlines())
        counts = ("major_fault", "minor_fault", "last_update", "hugetlb_pgalloc", "hugetlb_pgfail")
        return {key: int(value) * (1 if key in counts else 1024) for key, value in pairs}

    def balloon_actual(self):
        """What the balloon leaves to the guest, in bytes."""
        return self.memory_stats()["actual"]

    def set_balloon(self, left_mib, within=30):
        """Leaves the guest this much, and waits until that is so."""
        self._libvirtd.virsh("setmem", self.name, f"{left_mib}MiB", "--live")
        wait_for(lambda: abs(self.balloon_actual() - left_mib * MIB) <= MIB, within,
                 f"the balloon of {self.name} to leave {left_mib} MiB")

    # What the guest does.

    def run(self, line, within=60):
        """The output of a shell line in the guest, which must succeed; try_run gives (exit code, stdout, stderr)."""
        return self.shell.run(line, within)

    def try_run(self, line, within=60):
        return self.shell.try_run(line, within)

    def meminfo(self):
        """The guest's /proc/meminfo, in bytes."""
        return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in self.run("cat /proc/meminfo").splitlines()}

    def mem_available(self):
        return self.meminfo()["MemAvailable"]

    def start_guestd(self, name=None, host=True, options=""):
        """Starts guestd and waits until it answers. It is to talk to a host if it knows how to."""
        to_host = f"--host virtio:{HOST_PORT}" if host and self._hostd_port else ""
        line = (f"exec aerostat-guestd --runtime-dir /run/aerostat --name {name or self.name} {to_host} {options} "
                ">>/run/log/guestd.log 2>&1")
        self.guestd = self.shell.start(line)
        wait_for(self._guestd_answers, 30, "guestd in the guest to answer")
        return self.guestd

    def _guestd_answers(self):
        if self.guestd.code is not None:
            raise Trouble(f"guestd in {self.name} ended with {self.guestd.code}\n{self.guestd_log()}")
        return self.tool.run("status")[0] == 0

    def guestd_log(self):
        # Only shown, never judged; it does not exist before guestd was started once.
        return self.run("cat /run/log/guestd.log 2>/dev/null || true", within=5)

    def evidence(self):
        """What a test that failed wants to see of the guest."""
        try:
            log = self.guestd_log()
        except Trouble:
            log = "(the guest does not answer)\n"
        return f"--- {self.name}: the end of its console\n{self.console_tail()}--- {self.name}: guestd's log\n{log}"

    def service(self, options, name="app", agent=True, arguments=""):
        """Starts the Service workload in a JVM with these options; returns it when it is ready for commands."""
        attach = f"-agentpath:/opt/aerostat/libaerostat-jvm.so=runtime-dir=/run/aerostat,name={name}" if agent else ""
        line = f"exec java {attach} {' '.join(options)} -cp /opt/aerostat/classes Service {arguments}"
        service = self.services[name] = GuestService(self.shell.start(line), name)
        service.pid = int(service.next_answer(90)["pid"])
        return service

    def jvm_view(self, name):
        """The JVM as guestd sees it; None while it has no figures of it."""
        code, document = self.tool.json("jvms")
        views = [jvm for guest in document.get("guests", []) for jvm in guest["jvms"]] if code == 0 else []
        return next((view for view in views if view.get("report", {}).get("name") == name), None)

    def wait_registered(self, name="app", within=30):
        """Waits until guestd knows the JVM and its figures, and returns what it knows."""
        return wait_for(lambda: self.jvm_view(name), within, f"{name} to be known to guestd in {self.name}")

    # For saving: the jobs go on in the saved guest, known by their numbers.

    def jobs(self):
        return {"next": self.shell.next_number(), "guestd": self.guestd.number if self.guestd else None,
                "services": {name: {"job": service.job.number, "pid": service.pid} for name, service in self.services.items()}}

    def take_up(self, jobs):
        self.shell = self._new_shell(jobs["next"])
        self.tool = GuestTool(self.shell)
        self.guestd = self.shell.known_job(jobs["guestd"]) if jobs["guestd"] else None
        self.services = {name: GuestService(self.shell.known_job(known["job"]), name, known["pid"])
                         for name, known in jobs["services"].items()}

    def meet_again(self):
        """Connects to a guest that was away: saved, or migrated. Its jobs have gone on."""
        jobs = self.jobs()
        self.shell.close()
        self._qemu_pid = None
        self.take_up(jobs)
        self.shell.connect()

    def meet_anew(self):
        """Connects to a guest that has booted again: nothing of what ran there is left."""
        self.shell.close()
        self.services, self.guestd = {}, None
        self.shell = self._new_shell(first_job=1)
        self.tool = GuestTool(self.shell)
        self.shell.connect()

    def set_clock(self):
        """A restored guest believes it is the moment it was saved."""
        self.run(f"date -s @{time.time():.0f}")

    def destroy(self):
        self.shell.close()
        self._libvirtd.virsh("destroy", self.name, may_fail=True)

    def kill_guestd(self, number=signal.SIGKILL):
        self.guestd.signal(number)
        return self.guestd.wait(10)
