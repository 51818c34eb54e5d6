#!/usr/bin/env python3
"""The manual pages and the completion say what the programs' own help says: nothing less, nothing more."""

import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
sys.path.insert(0, os.path.join(ROOT, "tests", "integration", "cli"))

from checks import Skip, expect, run_all  # noqa: E402
from fake_daemon import FakeDaemon, guest, jvm, status  # noqa: E402
from harness import built, jdks  # noqa: E402

COMPLETION = os.path.join(ROOT, "packaging", "completion", "aerostatctl")
FRAMEWORK = "/usr/share/bash-completion/bash_completion"
TYPE = """source {framework}; source {completion}
read -r -a COMP_WORDS <<<"$1"
[[ $1 == *" " ]] && COMP_WORDS+=('')
COMP_LINE=$1 COMP_POINT=${{#1}} COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_aerostatctl
printf '%s\\n' "${{COMPREPLY[@]}}" """


def page(name):
    with open(os.path.join(ROOT, "packaging", "man", name + ".scd"), encoding="utf-8") as file:
        return file.read()


def help_of(program, *command):
    done = subprocess.run([built("bin", program), *command, "--help"], capture_output=True, text=True, timeout=20, check=True)
    return done.stdout


def options_in_help(text):
    return set(re.findall(r"^ +(?:-\w,)?(--[a-z-]+)", text, re.MULTILINE))


def commands():
    block = re.search(r"^Subcommands:\n((?:  .*\n)+)", help_of("aerostatctl"), re.MULTILINE)
    return re.findall(r"^  ([a-z-]+) ", block.group(1), re.MULTILINE)


def options_in_page(text):
    return set(re.findall(r"(--[a-z-]+)", text))


def same(of_help, of_page, what):
    expect(of_help, f"{what}: the help was not understood")
    unwritten, invented = sorted(of_help - of_page), sorted(of_page - of_help)
    expect(not unwritten and not invented, f"{what}: only in the help {unwritten}, only in the manual {invented}")


def each_option_of_a_daemon_is_in_its_manual_and_the_other_way_round():
    for daemon in ("aerostat-hostd", "aerostat-guestd", "aerostat-punch", "aerostat-balloon", "aerostat-libvirt-hook"):
        same(options_in_help(help_of(daemon)), options_in_page(page(daemon + ".8")), daemon)


def described_commands():
    """{command: its part of the page}, from the sections COMMANDS TO …."""
    sections = re.findall(r"^# COMMANDS TO .*?(?=^# )", page("aerostatctl.1"), re.MULTILINE | re.DOTALL)
    parts = re.split(r"^\*([a-z-]+)\*", "".join(sections), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2]))


def each_command_of_aerostatctl_and_its_options_are_in_the_manual_and_the_other_way_round():
    described = described_commands()
    same(set(commands()), set(described), "aerostatctl")
    for command in commands():
        heads = options_in_page(described[command].replace("*--help*", ""))
        same(options_in_help(help_of("aerostatctl", command)) | {"--help"}, heads | {"--help"}, f"aerostatctl {command}")
    common = re.search(r"^# OPTIONS.*?(?=^# )", page("aerostatctl.1"), re.MULTILINE | re.DOTALL).group()
    same(options_in_help(help_of("aerostatctl")), options_in_page(common), "aerostatctl")


def each_option_of_the_agent_is_in_its_manual_and_the_other_way_round():
    java = os.path.join(jdks()[min(jdks())], "bin", "java")
    done = subprocess.run([java, f"-agentpath:{built('lib', 'libaerostat-jvm.so')}=help", "-version"], capture_output=True,
                          text=True, timeout=60, check=False)
    of_help = set(re.findall(r"^  ([a-z-]+)(?:=|  )", done.stdout + done.stderr, re.MULTILINE))
    options = re.search(r"^# OPTIONS.*?(?=^# )", page("libaerostat-jvm.7"), re.MULTILINE | re.DOTALL).group()
    same(of_help, set(re.findall(r"^\*([a-z-]+)=?\*", options, re.MULTILINE)), "libaerostat-jvm")


def completed(line, control_socket="/nonexistent/control.sock"):
    if not os.path.exists(FRAMEWORK):
        raise Skip("bash-completion is not installed (scripts/setup --for test installs it)")
    script = TYPE.format(framework=FRAMEWORK, completion=COMPLETION)
    environment = {**os.environ, "PATH": os.path.dirname(built("bin", "aerostatctl")) + ":" + os.environ["PATH"],
                   "AEROSTAT_SOCKET": control_socket}
    done = subprocess.run(["bash", "-c", script, "bash", line], capture_output=True, text=True, timeout=30, check=False,
                          env=environment)
    expect(not done.stderr.strip(), done.stderr)
    return done.stdout.split()


def completion_offers_each_command_and_each_option():
    expect(sorted(completed("aerostatctl ")) == sorted(commands()), completed("aerostatctl "))
    common = options_in_help(help_of("aerostatctl"))
    for command in commands():
        offered = set(completed(f"aerostatctl {command} --"))
        wanted = options_in_help(help_of("aerostatctl", command)) | common
        expect(offered == wanted, f"{command}: {sorted(offered ^ wanted)}")


def completion_offers_the_values_of_an_option():
    expect(completed("aerostatctl squeeze shop 1GiB --on-shortfall ") == ["keep", "rollback"], "the values of --on-shortfall")
    expect(completed("aerostatctl squeeze shop 1GiB --deadline ") == [], "a time is nobody's guess")
    expect("/usr" in completed("aerostatctl --socket /us"), "the folder of a socket")


def completion_offers_the_targets_that_the_daemon_knows():
    at_host = status()
    at_host["status"]["guests"] = [guest("orders", jvms=[jvm("api"), jvm("batch")]), guest("web", jvms=[jvm("shop")])]
    at_guest = status()
    at_guest["status"].update(daemon="guestd", guests=[guest("orders", jvms=[jvm("api"), jvm("batch")])])
    wanted = {"orders", "orders/api", "orders/batch", "web", "web/shop"}
    for answer, offered in ((at_host, wanted), (at_guest, {"api", "batch"})):
        with tempfile.TemporaryDirectory() as directory:
            daemon = FakeDaemon(directory, {"status": [answer], "jvms": [answer]})
            try:
                expect(set(completed("aerostatctl squeeze ", daemon.path)) == offered, offered)
                named = f"aerostatctl --socket {daemon.path} --json pause "
                expect(set(completed(named)) == offered, "the socket is that of the command line")
                expect(not completed("aerostatctl ops ", daemon.path), "ops has no target")
            finally:
                daemon.close()


TESTS = [each_option_of_a_daemon_is_in_its_manual_and_the_other_way_round,
         each_command_of_aerostatctl_and_its_options_are_in_the_manual_and_the_other_way_round,
         each_option_of_the_agent_is_in_its_manual_and_the_other_way_round, completion_offers_each_command_and_each_option,
         completion_offers_the_values_of_an_option, completion_offers_the_targets_that_the_daemon_knows]

if __name__ == "__main__":
    sys.exit(run_all([(test.__name__, test) for test in TESTS]))
