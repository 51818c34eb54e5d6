"""What benches share: their command line, the JVMs to run on, tables, and figures for machines."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "integration", "agent"))

from java_service import GIB, MIB, agent_library, compile_workloads, jdks  # noqa: E402

__all__ = ["GIB", "MIB", "ROOT", "Layer", "agent_library", "arguments", "classes", "jdks", "layers", "spread", "table", "tool",
           "write_json"]

NAMES = {"G1": "g1", "Z": "zgc", "Shenandoah": "shenandoah", "Parallel": "parallel", "Serial": "serial"}


class Layer:
    """One collector of one JDK."""

    def __init__(self, major, collector):
        self.major, self.collector, self.home = major, collector, jdks()[major]
        self.name = f"{NAMES[collector]}_{major}"
        self.flags = [f"-XX:+Use{collector}GC"]

    def starts(self, *flags):
        command = [os.path.join(self.home, "bin", "java"), *self.flags, *flags, "-version"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def arguments(doc, extra=lambda parser: None):
    """The command line all benches understand. `doc` is the program's own description."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs: shows that it works, proves little")
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    parser.add_argument("--jdks", default="17,25", help="default: 17,25")
    parser.add_argument("--collectors", default=",".join(NAMES), help="default: " + ",".join(NAMES))
    extra(parser)
    options = parser.parse_args()
    unknown = set(options.collectors.split(",")) - set(NAMES)
    if unknown:
        parser.error(f"unknown collector {', '.join(sorted(unknown))}: choose from {', '.join(NAMES)}")
    return options


def layers(options):
    """The layers asked for; what this machine does not have is skipped loudly."""
    found = []
    for major in (int(text) for text in options.jdks.split(",")):
        if major not in jdks():
            print(f"SKIP JDK {major}: not found under /usr/lib/jvm nor in AEROSTAT_JDKS", flush=True)
            continue
        for collector in options.collectors.split(","):
            layer = Layer(major, collector)
            if layer.starts():
                found.append(layer)
            else:
                print(f"SKIP {layer.name}: this JDK has no {collector}", flush=True)
    if not found:
        raise SystemExit("nothing to measure: none of the JDKs and collectors asked for is here")
    return found


class classes:  # pylint: disable=invalid-name
    """The compiled workloads, for the length of a with statement."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="aerostat-classes-")
        return compile_workloads(self.path)

    def __exit__(self, *failure):
        shutil.rmtree(self.path, ignore_errors=True)


def tool(name):
    """A program that the build makes for benches."""
    build = os.path.join(ROOT, os.environ.get("AEROSTAT_BUILD", "build/release"))
    path = os.path.join(build, "bin", name)
    if not os.path.exists(path):
        raise SystemExit(f"{path} is missing: scripts/setup --for test builds it")
    return path


def spread(values):
    """min, median and max, as tables and files show them."""
    values = list(values)
    return {"min": min(values), "median": statistics.median(values), "max": max(values), "runs": len(values)}


def table(head, rows):
    """Columns as wide as they need; the first is text, the others are numbers."""
    texts = [head] + [[cell if isinstance(cell, str) else f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row]
                      for row in rows]
    widths = [max(len(row[i]) for row in texts) for i in range(len(head))]
    for row in texts:
        print("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(row, widths))).rstrip(), flush=True)


def write_json(options, name, figures):
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({name: figures}, file, indent=1, sort_keys=True)
            file.write("\n")
