"""What events go through on their way in: a part of the sensor, fewer pixels, one polarity, no noise."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from .._arguments import count, is_time, shown
from .arrays import EventArray


class AbstractEventFilter(abc.ABC):
    """Takes events and gives events, piece by piece: what it remembers is handed from one piece to the next."""

    def start(self, sensor_size: tuple[int, int, int]) -> Any:
        """What it remembers before the first event; None for nothing."""
        return None

    @abc.abstractmethod
    def step(self, events: EventArray, memory: Any) -> tuple[EventArray, Any]:
        """The events after it, and what it remembers."""

    def __call__(self, events: EventArray) -> EventArray:
        """A whole recording."""
        return self.step(events, self.start(events.sensor_size))[0]


def filtered(pieces: Iterable[EventArray], filters: Iterable[AbstractEventFilter]) -> Iterator[EventArray]:
    """Pieces of a recording, each through all filters."""
    filters = (filters,) if isinstance(filters, AbstractEventFilter) else tuple(filters)
    for one in filters:
        if not isinstance(one, AbstractEventFilter):
            raise ValueError(f"Got a filter {shown(one)}, expected one such as Crop(x=(0, 64)).")
    return _through(pieces, filters) if filters else iter(pieces)


def _through(pieces: Iterable[EventArray], filters: tuple[AbstractEventFilter, ...]) -> Iterator[EventArray]:
    memories: list[Any] | None = None
    for events in pieces:
        if memories is None:
            memories, size = [], events[:0]
            for one in filters:
                memories.append(one.start(size.sensor_size))
                size = one(size)
        for i, one in enumerate(filters):
            events, memories[i] = one.step(events, memories[i])
        yield events


@dataclasses.dataclass(frozen=True)
class Crop(AbstractEventFilter):
    """The events of a part of the sensor, which becomes the sensor, and of a part of the time.

    **Arguments:** `x`, `y`: first column or row, and the one after the last. `t`: ms, from the first time on to before
    the second; times stay as they are. None for all.
    """

    x: tuple[int, int] | None = None
    y: tuple[int, int] | None = None
    t: tuple[float, float] | None = None

    def __post_init__(self):
        for name in "xyt":
            given = getattr(self, name)
            if given is not None and not (isinstance(given, tuple | list) and len(given) == 2 and given[0] < given[1]):
                raise ValueError(f"Crop.{name} is {shown(given)}, expected (first, end).")

    def step(self, events, memory):
        width, height, polarities = events.sensor_size
        (left, right), (top, bottom) = self.x or (0, width), self.y or (0, height)
        if not (0 <= left < right <= width and 0 <= top < bottom <= height):
            raise ValueError(f"{self} reaches beyond the sensor of {width} x {height} pixels.")
        keep = (events.x >= left) & (events.x < right) & (events.y >= top) & (events.y < bottom)
        if self.t is not None:
            keep &= (events.t >= self.t[0] * 1000) & (events.t < self.t[1] * 1000)
        t, x, y, p = (getattr(events, name)[keep] for name in "txyp")
        size = (right - left, bottom - top, polarities)
        return EventArray(t, x - np.uint16(left), y - np.uint16(top), p, size), None


@dataclasses.dataclass(frozen=True)
class Downsample(AbstractEventFilter):
    """Blocks of `factor` x `factor` pixels as one pixel: the integer part of `x / factor` and `y / factor`.

    **Arguments:** `factor`: a whole number; of channels, which lie in one row, only `x` is divided.
    """

    factor: int

    def __post_init__(self):
        count(self.factor, "Downsample.factor", "a positive whole number")

    def step(self, events, memory):
        width, height, polarities = events.sensor_size
        size = (-(-width // self.factor), -(-height // self.factor), polarities)
        x, y = (each // np.uint16(self.factor) for each in (events.x, events.y))
        return EventArray(events.t, x, y, events.p, size), None


@dataclasses.dataclass(frozen=True)
class MergePolarities(AbstractEventFilter):
    """On and off events as events of one polarity, in one channel."""

    def step(self, events, memory):
        return EventArray(events.t, events.x, events.y, np.zeros_like(events.p), (*events.sensor_size[:2], 1)), None


@dataclasses.dataclass(frozen=True)
class OnlyPolarity(AbstractEventFilter):
    """The events of one polarity, in one channel.

    **Arguments:** `p`: 1 for on, 0 for off.
    """

    p: int = 1

    def __post_init__(self):
        if self.p not in (0, 1):
            raise ValueError(f"OnlyPolarity.p is {shown(self.p)}, expected 1 (on) or 0 (off).")

    def step(self, events, memory):
        return MergePolarities().step(events[events.p == self.p], memory)


@dataclasses.dataclass(frozen=True)
class Denoise(AbstractEventFilter):
    """Without events that stand alone: an event stays if one of the four pixels beside it, of any polarity, had its
    last event less than `window` ms before.

    Tonic: `Denoise`, which also keeps events of the first `window` after time 0.

    **Arguments:** `window`: ms.
    **Source:** Delbruck, Proc. Int. Symp. Secure-Life Electronics (2008): background activity filter.
    """

    window: float

    def __post_init__(self):
        if not (is_time(self.window) and 0 < self.window < np.inf):
            raise ValueError(f"Denoise.window is {shown(self.window)}, expected a positive number of ms.")

    def start(self, sensor_size):
        width, height, _ = sensor_size
        return np.full((height + 2) * (width + 2), -(2**62), np.int64)  # the last event of each pixel; an empty border

    def step(self, events, memory):
        width, n = events.sensor_size[0] + 2, len(events)
        pixel = (events.y.astype(np.int64) + 1) * width + events.x + 1
        order = np.argsort(pixel, kind="stable")  # by pixel, then as they came
        placed = pixel[order] * (n + 1) + order
        newest = np.full(n, -(2**62), np.int64)
        for beside in (-1, 1, -width, width):
            other = pixel + beside
            found = np.searchsorted(placed, other * (n + 1) + np.arange(n)) - 1
            before = order[np.maximum(found, 0)]
            here = (found >= 0) & (pixel[before] == other)
            np.maximum(newest, np.where(here, events.t[before], memory[other]), out=newest)
        memory = memory.copy()
        memory[pixel[order]] = events.t[order]  # of one pixel the last is written last
        return events[events.t - newest < self.window * 1000], memory
