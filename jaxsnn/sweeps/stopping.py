"""Signals that stop a command, and lines that it says."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Stop:
    """What a signal does: the first one stops, and those after it are ignored, as what follows is saving."""

    def __init__(self) -> None:
        self.number, self.deaf, self.ignored = int(signal.SIGINT), False, 0

    def __call__(self, number: int, frame: Any) -> None:
        if not self.deaf:
            self.number, self.deaf = number, True
            raise KeyboardInterrupt
        self.ignored += 1
        if self.ignored > 3:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def stoppable() -> Iterator[Stop]:
    """SIGTERM and SIGHUP stop as Ctrl-C does."""
    stop, before = Stop(), {}
    try:
        if threading.current_thread() is threading.main_thread():
            for name in ("SIGINT", "SIGTERM", "SIGHUP"):
                if hasattr(signal, name):
                    number = getattr(signal, name)
                    before[number] = signal.signal(number, stop)
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def say(line: str) -> None:
    """On stdout, if anybody still reads it."""
    _write(line, sys.stdout)


def complain(line: str) -> None:
    """On stderr, one line, if anybody still reads it."""
    _write(f"jaxsnn: {line}", sys.stderr)


def _write(line: str, stream: Any) -> None:
    try:
        print(line, file=stream, flush=True)
    except (OSError, ValueError):  # the reader went away, as `head` does; what is still to come goes nowhere
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        except (OSError, ValueError):
            return
