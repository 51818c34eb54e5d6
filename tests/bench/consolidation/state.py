"""Finished cells in a file, so that an interrupted run goes on where it was: a line of JSON for each, after one that says what
they are cells of."""

import json
import os


class OtherRun(Exception):
    """The file holds cells of a run with other settings; the message is for people."""


class State:
    def __init__(self, path, settings):
        """`path` None: nothing is kept. Fails: OtherRun."""
        self._path = path
        self.calibration, self.cells = None, []
        lines = read_lines(path) if path else []
        if lines and lines[0] != {"settings": settings}:
            raise OtherRun(f"{path} holds cells of a run with other settings (plan, JDK, build or load): "
                           "go on with those, or begin anew with --fresh")
        for line in lines[1:]:
            self._take(line)
        if path and not lines:
            self._rewrite([{"settings": settings}])
        elif path:
            self._rewrite(lines)  # without what was torn

    def _take(self, line):
        if "calibration" in line:
            self.calibration = line["calibration"]
        elif "cell" in line:
            self.cells.append(line["cell"])

    def _rewrite(self, lines):
        os.makedirs(os.path.dirname(os.path.abspath(self._path)), exist_ok=True)
        with open(self._path + ".new", "w", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
        os.replace(self._path + ".new", self._path)

    def add(self, line):
        """One that was finished: {"calibration": …} or {"cell": …}. On disk when this returns."""
        line = json.loads(json.dumps(line))  # as it will be read again
        self._take(line)
        if self._path:
            with open(self._path, "a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
                file.flush()
                os.fsync(file.fileno())

    def runs(self):
        """{(system, share): how many were finished}."""
        counted = {}
        for cell in self.cells:
            key = (cell["system"], cell["share"])
            counted[key] = counted.get(key, 0) + 1
        return counted

    def of(self, system, share):
        return [cell for cell in self.cells if (cell["system"], cell["share"]) == (system, share)]


def read_lines(path):
    """The lines up to the first that is torn; none if there is no file."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        return []
    lines = []
    for line in text.split("\n")[:-1]:  # what has no end is torn
        try:
            lines.append(json.loads(line))
        except ValueError:
            break
    return lines
