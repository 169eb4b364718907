"""The base of file formats of events."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np

from ..arrays import EventArray, trusted
from ..source import Source


@dataclasses.dataclass(frozen=True)
class AbstractEventFormat(abc.ABC):
    """How events lie in a file. `chunks` reads a part of it at a time, and carries over what the next part depends on.

    **Arguments:** `sensor`: width and height, pixels; None for what the file says, or else what such files have.
    """

    sensor: tuple[int, int] | None = None

    what: ClassVar[str]  # for errors: "a file of ..."
    whole: ClassVar[int] = 2**24  # bytes at a time where all events are kept anyway

    @abc.abstractmethod
    def chunks(self, source: Source, chunk: int) -> Iterator[EventArray]:
        """The events, `chunk` bytes of the file at a time."""

    def within(
        self,
        source: Source,
        events: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
        sensor: tuple[int, int],
        at: Callable[[int], int],
    ) -> EventArray:
        """Events `(t, x, y, p)`; an error for the first outside the sensor, whose byte is `at(its number)`."""
        t, x, y, p = events
        width, height = sensor
        if len(x) and (x.max() >= width or y.max() >= height):
            i = int(np.argmax((x >= width) | (y >= height)))
            raise source.fail(
                f"an event at x = {x[i]}, y = {y[i]} lies outside the sensor of {width} x {height}; the file is "
                f"damaged, or of another camera: {type(self).__name__}(sensor=(width, height))",
                at(i),
            )
        return trusted(t, x, y, p, (width, height, 2))


def number(at: Any, i: int) -> int:
    """Which word the event `i` is, of those chosen by a slice of all or by their numbers."""
    return i if isinstance(at, slice) else int(at[i])
