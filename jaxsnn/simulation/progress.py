"""Progress of what takes long, on stderr."""

from __future__ import annotations

import abc
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import equinox as eqx

__all__ = ["Bar", "Quiet"]


class AbstractProgress(eqx.Module):
    """How progress is shown."""

    @abc.abstractmethod
    def task(self, label: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        """A context whose value is called with the number of units just done."""

    def compiling(self, label: str) -> AbstractContextManager[None]:
        """A context around what may have to be compiled first; by default nothing is said."""
        return nullcontext()

    def say(self, line: str) -> None:
        """A line on what is about to be done; by default nothing is said."""


class Quiet(AbstractProgress):
    """Not at all."""

    @contextmanager
    def task(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        yield lambda done: None


class Bar(AbstractProgress):
    """A line once something has been compiling for `quick` seconds, and a bar once a task has taken `patience` seconds.

    Both go to stderr. Where that is no terminal, such as in a log file, there is no bar.
    """

    patience: float = eqx.field(default=2.0, static=True)
    quick: float = eqx.field(default=1.0, static=True)

    def __check_init__(self):
        for name in ("patience", "quick"):
            if not (isinstance(value := getattr(self, name), int | float) and value >= 0):
                raise ValueError(f"Got Bar({name}={value!r}), expected a number of seconds, 0 or more.")

    @contextmanager
    def compiling(self, label: str) -> Iterator[None]:
        timer = threading.Timer(self.quick, _say, (f"{label}: compiling ...",))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def say(self, line: str) -> None:
        _say(line)

    @contextmanager
    def task(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        begin, done = time.monotonic(), 0
        bar = _Shown(label, total)

        def advance(count: int) -> None:
            nonlocal done
            done += count
            if time.monotonic() - begin >= self.patience and sys.stderr is not None and sys.stderr.isatty():
                bar.update(done)

        try:
            yield advance
        finally:
            bar.stop()


class _Shown:
    """A bar that is made when it is first needed, and given up where nobody reads it any more."""

    def __init__(self, label: str, total: int):
        self.label, self.total = label, total
        self.bar: Any = None
        self.given_up = False
        self.begin = time.monotonic()

    def update(self, done: int) -> None:
        if self.given_up:
            return
        try:
            if self.bar is None:
                self.bar = _bar()
                self.bar.start()
                self.row = self.bar.add_task(self.label, total=self.total, rate="")
            rate = f"{done / max(1e-9, time.monotonic() - self.begin):.3g}/s"
            self.bar.update(self.row, completed=done, rate=rate)
        except (OSError, ValueError):  # a terminal that went away
            self.given_up = True

    def stop(self) -> None:
        try:
            if self.bar is not None:
                self.bar.stop()
        except (OSError, ValueError):
            self.given_up = True


def _bar() -> Any:
    from rich import progress
    from rich.console import Console

    shown = (progress.TextColumn("{task.description}"), progress.BarColumn(), progress.MofNCompleteColumn())
    times = (progress.TextColumn("{task.fields[rate]}"), progress.TimeElapsedColumn(), progress.TimeRemainingColumn())
    return progress.Progress(*shown, *times, console=Console(stderr=True))


def _say(line: str) -> None:
    try:
        print(line, file=sys.stderr, flush=True)
    except (OSError, ValueError):  # nobody reads it any more
        pass
