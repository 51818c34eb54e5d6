#!/usr/bin/env python3
"""What hostd makes of what libvirt and QEMU tell of domains, and of what they do not."""

import sys

from fake_domains import MIB, Domains, expect, wait_until

from checks import run_all

RESERVE = {"bytes": 64 * MIB, "deadline_ms": 1500, "wait": True}


def reserve(domains):
    answer = domains.ask("reserve", **RESERVE)
    return answer.get("operation") or answer


def nothing_is_granted_while_a_domain_cannot_be_measured():
    with Domains(["seen", "unseen"], memory=4096, without_process=["unseen"]) as domains:
        wait_until(lambda: domains.view("seen"), 60, "the other to be measured")
        said = reserve(domains)
        expect(said["reason"] == "deadline" and "guest unseen" in said["detail"], said)
        expect("reserved_bytes" not in domains.ask("status")["status"], "nothing is kept")


def nothing_is_granted_before_libvirt_has_told_who_is_there():
    with Domains([], memory=4096, node="/nowhere/node.xml") as domains:
        said = reserve(domains)
        expect(said["reason"] == "deadline" and "has not told yet" in said["detail"], said)


def left_alone(domains, name):
    return [note for note in (domains.view(name) or {}).get("notes", []) if "left alone" in note]


def a_reboot_is_taken_for_nobodys_hand():
    with Domains(["web"], plays=True) as domains:
        domains.wait_all_here(60)
        wait_until(lambda: "ram_bytes" in domains.view("web"), 60, "its balloon to be seen")
        domains.play("set", "web", 512)
        wait_until(lambda: left_alone(domains, "web"), 60, "somebody else's hand to be seen")
        domains.ask("resume", target="web")
        wait_until(lambda: not left_alone(domains, "web"), 60, "it to be taken back")
        domains.play("reboot", "web")
        wait_until(lambda: 'what="rebooted"' in domains.log(), 60, "the reboot to be heard")
        domains.play("set", "web", 1024)
        wait_until(lambda: not domains.view("web").get("os_balloon_bytes"), 60, "the driver's new beginning to be seen")
        expect(not left_alone(domains, "web"), domains.view("web"))


def errors_in_memory_are_forgotten_with_their_guest():
    def lost():
        return domains.ask("status")["status"].get("lost_bytes", 0)

    with Domains(["web", "ill"], plays=True) as domains:
        domains.wait_all_here(60)
        before = lost()
        domains.play("fail", "ill")
        wait_until(lambda: any("errors in memory" in note for note in domains.view("ill").get("notes", [])), 60, "the error to be told")
        expect(lost() >= max(before, 4096), f"{before} before, {lost()} now")
        domains.play("destroy", "ill")
        domains.processes[1].kill()
        wait_until(lambda: domains.view("ill") is None, 60, "it to be gone")
        expect(lost() == before, f"{before} before, {lost()} now")


TESTS = [nothing_is_granted_while_a_domain_cannot_be_measured, nothing_is_granted_before_libvirt_has_told_who_is_there,
         a_reboot_is_taken_for_nobodys_hand, errors_in_memory_are_forgotten_with_their_guest]

if __name__ == "__main__":
    sys.exit(run_all([(test.__name__.replace("_", " "), test) for test in TESTS]))
