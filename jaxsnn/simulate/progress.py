"""Progress of what takes long."""

from __future__ import annotations

import abc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import equinox as eqx


class AbstractProgress(eqx.Module):
    """How progress is shown."""

    @abc.abstractmethod
    def task(self, label: str, total: int) -> contextmanager:
        """A context whose value is called with the number of units just done."""


class Quiet(AbstractProgress):
    """Not at all."""

    @contextmanager
    def task(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        yield lambda done: None


class Bar(AbstractProgress):
    """A bar on the terminal, once something has taken longer than `patience` seconds."""

    patience: float = eqx.field(default=2.0, static=True)

    @contextmanager
    def task(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        begin, done, bar, row = time.monotonic(), 0, None, None

        def advance(count: int) -> None:
            nonlocal done, bar, row
            done += count
            if bar is None and time.monotonic() - begin >= self.patience:
                columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
                bar = Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn())
                bar.start()
                row = bar.add_task(label, total=total)
            if bar is not None:
                bar.update(row, completed=done)

        try:
            yield advance
        finally:
            if bar is not None:
                bar.stop()
