#!/usr/bin/env python3
"""The metrics that Prometheus fetches: real scrapes, what the documents promise, and callers who mean no good."""

import os
import re
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request

from host_world import MIB, Host, expect, wait_until

from checks import Skip, run_all
from harness import ROOT

METRICS = '[metrics]\nlisten = "{}"\n'
SAMPLE = re.compile(r'^([a-z_][a-z0-9_]*)(\{[^}]*\})? (\S+)$')


def address_of(host):
    """Where hostd says that it listens, last."""
    return re.findall(r"metrics listen=(\S+)", host.log())[-1]


def with_metrics(listen="127.0.0.1:0", **settings):
    settings.setdefault("guests", '[guest."*"]\n')
    settings["guests"] += METRICS.format(listen)
    return Host(**settings)


def fetch(address, path="/metrics", method="GET"):
    request = urllib.request.Request(f"http://{address}{path}", method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.headers, answer.read().decode()


def samples(page):
    """{name: [({label: text}, value)]}; fails on a line that is none."""
    found = {}
    for line in page.splitlines():
        if line.startswith("#"):
            continue
        sample = SAMPLE.match(line)
        expect(sample, f"no sample: {line!r}")
        labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', sample.group(2) or ""))
        found.setdefault(sample.group(1), []).append((labels, float(sample.group(3))))
    return found


def value(found, name, **labels):
    return next((number for have, number in found.get(name, []) if labels.items() <= have.items()), None)


def documented():
    with open(os.path.join(ROOT, "docs", "metrics.md"), encoding="utf-8") as file:
        return set(re.findall(r"^\| `([a-z_0-9]+)", file.read(), re.MULTILINE))


def everything_shown():
    """A page of a host that has done all there is to do: what can be on a page is on it."""
    with with_metrics(memory=600, reserve=64, guests='[guest."*"]\nmin = "32MiB"\nmax = "500MiB"\n') as host:
        host.guest("shop", web=(150, 32, 200, 1e8))
        host.wait_joined("shop")
        done = host.ask("squeeze", target="shop", bytes=50 * MIB)["operation"]
        expect(done["reason"] == "met", done)
        found, status = samples(fetch(address_of(host))[1]), host.status()
        return found, status, done


def a_scrape_tells_what_status_tells():
    found, status, done = everything_shown()
    expect(value(found, "aerostat_memory_bytes") == status["memory_bytes"] == 600 * MIB, found)
    expect(abs(value(found, "aerostat_guest_charged_bytes", guest="shop") - status["guests"][0]["charged_bytes"]) < 8 * MIB, found)
    expect(value(found, "aerostat_jvm_footprint_bytes", guest="shop", jvm="web") == 100 * MIB, found)
    expect(value(found, "aerostat_jvm_operator_ceiling_bytes", jvm="web") == 100 * MIB, found)
    expect(value(found, "aerostat_operations_total", command="squeeze", reason="met") == 1, found)
    expect(value(found, "aerostat_operation_obtained_bytes_total", command="squeeze") == done["obtained"], found)
    expect(value(found, "aerostat_operation_verified_bytes_total", command="squeeze") == done["verified"], found)
    expect(value(found, "aerostat_guest_state", guest="shop", state="connected") == 1, found)
    expect(value(found, "process_resident_memory_bytes") > 1 * MIB, found)


def the_document_names_what_there_is_and_nothing_else():
    found = set(everything_shown()[0])
    # Of virtual machines, and what these fake JVMs do not say.
    elsewhere = {"aerostat_guest_ram_bytes", "aerostat_guest_os_balloon_bytes", "aerostat_jvm_pause_p99_seconds",
                 "aerostat_jvm_full_gcs_total", "aerostat_jvm_curve_seen_seconds"}
    expect(found - documented() == set(), f"not in docs/metrics.md: {found - documented()}")
    expect(documented() - found <= elsewhere, f"only in docs/metrics.md: {documented() - found - elsewhere}")


def the_example_alerts_use_metrics_that_there_are():
    path = os.path.join(ROOT, "packaging", "aerostat-alerts.yml")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    expressions = re.findall(r"^ +expr: (.+)$", text, re.MULTILINE)
    names = re.findall(r"^ +- alert: (\w+)$", text, re.MULTILINE)
    expect(len(expressions) == len(names) > 5 and len(set(names)) == len(names), f"{len(expressions)} expressions, {names}")
    used = set(re.findall(r"\b((?:aerostat|process)_\w+)", " ".join(expressions)))
    expect(used and used <= documented(), f"not in docs/metrics.md: {used - documented()}")
    expect(all(expression.count("(") == expression.count(")") for expression in expressions), expressions)
    in_text = set(re.findall(r"{{ \$labels\.(\w+) }}", text))
    expect(in_text <= {"guest", "jvm", "instance", "command"}, f"labels that no metric has: {in_text}")


def promtool_accepts_page_and_alerts():
    try:
        subprocess.run(["promtool", "--version"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Skip("promtool is not here (Debian's package prometheus has it)") from error
    alerts = subprocess.run(["promtool", "check", "rules", os.path.join(ROOT, "packaging", "aerostat-alerts.yml")],
                            capture_output=True, text=True, check=False)
    expect(alerts.returncode == 0, alerts.stdout + alerts.stderr)
    with with_metrics() as host:
        host.guest("shop", web=(50, 32, 100, 0))
        host.wait_joined("shop")
        host.ask("squeeze", target="shop", bytes=10 * MIB)
        page = fetch(address_of(host))[1]
    checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, check=False)
    expect(checked.returncode == 0, checked.stdout + checked.stderr)


def other_paths_and_methods_have_their_answers():
    with with_metrics() as host:
        address = address_of(host)
        headers, page = fetch(address)
        expect(headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8", headers)
        expect(page.startswith("# HELP aerostat_build_info"), page[:200])
        headers, nothing = fetch(address, method="HEAD")
        expect(nothing == "" and int(headers["Content-Length"]) > 1000, headers)
        expect("/metrics" in fetch(address, "/")[1], "no hint")
        for path, method, code in (("/etc/passwd", "GET", 404), ("/metrics", "POST", 405)):
            try:
                fetch(address, path, method)
                raise AssertionError(f"{method} {path} was answered")
            except urllib.error.HTTPError as error:
                expect(error.code == code, f"{method} {path}: {error.code}")


def without_the_section_nothing_listens():
    with Host() as host:
        expect("metrics listen" not in host.log(), host.log())
        with open(f"/proc/{host.daemon.pid}/net/tcp", encoding="ascii") as file:
            listening = {line.split()[9] for line in file.readlines()[1:] if line.split()[3] == "0A"}
        files = f"/proc/{host.daemon.pid}/fd"
        ours = {os.readlink(os.path.join(files, fd)) for fd in os.listdir(files) if os.path.exists(os.path.join(files, fd))}
        expect(not any(f"socket:[{inode}]" in ours for inode in listening), "a TCP socket listens")


def an_address_that_is_taken_is_told_and_taken_as_soon_as_it_is_free():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        listen = f"127.0.0.1:{other.getsockname()[1]}"
        with with_metrics(listen) as host:
            expect(any(f"no metrics: listening for metrics at {listen}: Address already in use" in one
                       for one in host.status()["warnings"]), host.status())
            host.guest("shop", web=(50, 32, 100, 0))
            host.wait_joined("shop")  # the rest works
            other.close()
            wait_until(lambda: f"metrics listen={listen}" in host.log(), 60, "the address to be taken")
            expect(value(samples(fetch(listen)[1]), "aerostat_guests", state="connected") == 1, "a scrape")
            expect(not host.status().get("warnings"), host.status())


def a_reload_moves_it_and_switches_it_off():
    with with_metrics() as host:
        first = address_of(host)
        host.configure(guests='[guest."*"]\n[metrics]\nlisten = "[::1]:0"\n')
        host.daemon.send_signal(1)
        wait_until(lambda: address_of(host) != first, 10, "the other address")
        fetch(address_of(host))
        host.configure(guests='[guest."*"]\n')
        host.daemon.send_signal(1)
        wait_until(lambda: host.log().count("configuration reloaded") == 2, 10, "the second reload")
        try:
            fetch(address_of(host))
            raise AssertionError("it still listens")
        except urllib.error.URLError:
            pass


def status_times(host, rounds):
    took = []
    for _ in range(rounds):
        began = time.monotonic()
        host.status()
        took.append(time.monotonic() - began)
    return took


class Crowd:
    """Callers of every bad kind at once: half requests, garbage, long lines, readers that do not read, and plain too many."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.where, self.sockets = (host, int(port)), []

    def come(self, number):
        said = (b"GET /metrics HT", b"\x00\xffgarbage\n" * 100, b"GET /metrics HTTP/1.1\r\nX: " + b"y" * 20000,
                b"GET /metrics HTTP/1.1\r\n\r\n", b"")
        for i in range(number):
            caller = socket.socket()
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            caller.setblocking(False)
            caller.connect_ex(self.where)
            self.sockets.append((caller, said[i % len(said)]))
        for caller, text in self.sockets[-number:]:
            try:
                caller.send(text)
            except OSError:
                pass  # cut off, or not let in yet

    def go(self):
        for caller, _ in self.sockets:
            caller.close()


def callers_who_mean_no_good_delay_neither_the_loop_nor_the_scraper():
    with with_metrics(memory=600, reserve=64) as host:
        host.guest("shop", web=(100, 32, 200, 1e8))
        host.wait_joined("shop")
        alone = status_times(host, 10)
        address = address_of(host)
        late_before = value(samples(fetch(address)[1]), "aerostat_tick_delay_seconds_total")
        crowd = Crowd(address)
        beside, scraped = [], []
        for _ in range(3):
            crowd.come(100)
            beside += status_times(host, 6)
            began = time.monotonic()
            scrape = samples(fetch(address)[1])
            scraped.append(time.monotonic() - began)
        late = value(scrape, "aerostat_tick_delay_seconds_total") - late_before
        with open(f"/proc/{host.daemon.pid}/status", encoding="ascii") as file:
            threads = int(re.search(r"Threads:\s+(\d+)", file.read()).group(1))
        files = value(scrape, "process_open_fds")
        crowd.go()
        print(f"FIGURE status answered within {max(beside) * 1e3:.1f} ms (median {statistics.median(beside) * 1e3:.1f}; alone "
              f"{max(alone) * 1e3:.1f} and {statistics.median(alone) * 1e3:.1f}) beside 300 bad callers at the metrics; scrapes "
              f"within {max(scraped):.1f} s; the loop late by {late * 1e3:.0f} ms in all; {files:.0f} files, {threads} threads")
        expect(max(beside) < 2, f"the operators' door took {max(beside):.2f} s")
        expect(files < 64, f"{files} open files")
        expect(host.view("shop")["state"] == "connected", host.view("shop"))


TESTS = [a_scrape_tells_what_status_tells, the_document_names_what_there_is_and_nothing_else,
         the_example_alerts_use_metrics_that_there_are, promtool_accepts_page_and_alerts, other_paths_and_methods_have_their_answers,
         without_the_section_nothing_listens, an_address_that_is_taken_is_told_and_taken_as_soon_as_it_is_free,
         a_reload_moves_it_and_switches_it_off, callers_who_mean_no_good_delay_neither_the_loop_nor_the_scraper]

if __name__ == "__main__":
    sys.exit(run_all([(test.__name__.replace("_", " "), test) for test in TESTS]))
