"""EVT 3.0, a raw format of Prophesee's cameras: 16-bit words, each of which changes a part of the next event."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import NamedTuple

import numpy as np

from ..source import unwrapped
from .base import AbstractEventFormat
from .evt2 import known
from .header import percent_header

_Y, _X, _BASE, _VECTOR_12, _VECTOR_8, _LOW, _HIGH = 0, 2, 3, 4, 5, 6, 8
_KNOWN = (_Y, _X, _BASE, _VECTOR_12, _VECTOR_8, _LOW, 7, _HIGH, 10, 14, 15)  # the others: triggers and messages


@dataclasses.dataclass(frozen=True)
class EVT3(AbstractEventFormat):
    """Files `.raw` of Prophesee in EVT 3.0: 16-bit words, the highest four bits of which say what they set.

    0: `y`. 2: an event at `x`, with its polarity. 3: polarity and first `x` of vectors; 4 and 5: a vector of 12 or 8
    pixels, a bit for each with an event, after which the first `x` moves on. 6 and 8: the low and the high 12 bits of
    the time; a new high part begins with a low part of 0. Triggers and messages are left out, and so are events before
    the first high part or the first `y`. Times that begin again at 0 after 2^24 microseconds go on.

    **Arguments:** `sensor`: as of `AbstractEventFormat`; where the file does not say it, 1280 x 720.
    """

    what = "a .raw file of Prophesee in EVT 3.0"

    def chunks(self, source, chunk):
        header = percent_header(source)
        sensor, state = self.sensor or header.size or (1280, 720), _State()
        while len(words := source.words("<u2", chunk)):
            begin = source.at - 2 * len(words)
            known(source, words >> 12, _KNOWN, begin, 2)
            events, at, state = _decoded(words, state)
            yield self.within(source, events, sensor, lambda i, begin=begin, at=at: begin + 2 * int(at[i]))


_Events = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


class _State(NamedTuple):
    """What the words before have set; -1 for what none has."""

    high: int = -1  # of the time, gone on
    low: int = 0
    y: int = -1
    base: int = 0  # the first x of the next vector
    polarity: int = 0


def _decoded(words: np.ndarray, state: _State) -> tuple[_Events, np.ndarray, _State]:
    """Events `(t, x, y, p)`, the word of each, and what the words leave behind."""
    kind, content = words >> 12, (words & 0xFFF).astype(np.int32)
    at = np.flatnonzero((kind == _X) | (kind == _VECTOR_12) | (kind == _VECTOR_8))
    with_end = np.append(at, len(words))  # the last entry is what the next words begin with

    def last(of: np.ndarray, values: np.ndarray, before: int) -> np.ndarray:
        """The value that the last word of a kind (those at `of`) has set, for each event and for the end."""
        return np.append(before, values)[np.searchsorted(of, with_end)]

    rows = np.flatnonzero(kind == _Y)
    y = last(rows, content[rows] & 0x7FF, state.y)

    clock = np.flatnonzero(kind == _HIGH)
    high = unwrapped(content[clock], 12, max(state.high, 0))
    changed = np.diff(high, prepend=state.high) != 0
    ticks = np.flatnonzero((kind == _LOW) | (kind == _HIGH))
    low = np.where(kind[ticks] == _LOW, content[ticks], 0)
    kept = np.ones(len(ticks), bool)
    kept[np.searchsorted(ticks, clock[~changed])] = False  # the same high part again: the low part stays
    low = last(ticks[kept], low[kept], state.low)
    high = last(clock, high, state.high)

    bases = np.flatnonzero(kind == _BASE)
    wide = np.cumsum(np.where(kind[at] == _VECTOR_12, 12, np.where(kind[at] == _VECTOR_8, 8, 0)))
    before = np.append(0, wide)  # pixels of vectors before each event, and before the end
    passed = last(bases, before[np.searchsorted(at, bases)], 0)
    base = last(bases, content[bases] & 0x7FF, state.base) + before - passed
    polarity = last(bases, content[bases] >> 11, state.polarity)

    single = kind[at] == _X
    some = content[at]
    bits = np.where(single, 1, np.where(kind[at] == _VECTOR_8, some & 0xFF, some))
    x = np.where(single, some & 0x7FF, base[:-1])
    p = np.where(single, some >> 11, polarity[:-1])
    after = _State(*(int(values[-1]) for values in (high, low, y, base, polarity)))

    bits[(y[:-1] < 0) | (high[:-1] < 0)] = 0  # nothing has said when or where
    which, offset = _ones(bits)
    t = (high[which] << 12) + low[which]
    return (t, x[which] + offset, y[which], p[which]), at[which], after


def _ones(bits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Entry and place of every bit that is set, in order."""
    if not np.any(bits > 1):
        which = np.flatnonzero(bits)
        return which, np.zeros(len(which), np.int32)
    counts, places = _table()
    count = counts[bits]
    which = np.repeat(np.arange(len(bits)), count)
    nth = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    return which, places[bits[which], nth]


@cache
def _table() -> tuple[np.ndarray, np.ndarray]:
    """For each of the 4096 vectors the number of its bits, and their places in order."""
    set_ = (np.arange(4096)[:, None] >> np.arange(12) & 1).astype(bool)
    return set_.sum(1), np.argsort(~set_, axis=1, kind="stable").astype(np.int32)
