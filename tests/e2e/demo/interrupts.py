"""What ends a demo early: turned into an exception, so that everything it has started is ended on the way out."""

import signal
import sys

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(Exception):
    """Ctrl-C, SIGTERM or SIGHUP."""


def on_signal(number, _frame):
    for again in SIGNALS:
        signal.signal(again, signal.SIG_IGN)  # cleaning up is under way
    raise Interrupted(number)


def listen():
    for number in SIGNALS:
        signal.signal(number, on_signal)


def exit_code(interrupted):
    """Says what happened; the code a shell gives for that signal."""
    number = interrupted.args[0]
    print(f"\ndemo: interrupted ({signal.Signals(number).name}); everything it had started is ended", file=sys.stderr)
    return 128 + number
