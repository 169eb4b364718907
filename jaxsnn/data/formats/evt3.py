"""EVT 3.0, a raw format of Prophesee's cameras: 16-bit words, each of which changes a part of the next event."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

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
    whole = 2**21  # a word may be twelve events

    def chunks(self, source, chunk):
        header = percent_header(source)
        sensor, state = self.sensor or header.size or (1280, 720), _State()
        while len(words := source.words("<u2", chunk)):
            begin, kind = source.at - 2 * len(words), (words >> 12).astype(np.uint8)
            known(source, kind, _KNOWN, begin, 2)
            events, at, state = _decoded(words & 0xFFF, kind, state)
            yield self.within(source, events, sensor, lambda i, begin=begin, at=at: begin + 2 * int(at[i]))


_Events = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


class _State(NamedTuple):
    """What the words before have set; -1 for what none has."""

    high: int = -1  # of the time, gone on
    low: int = 0
    y: int = -1
    base: int = 0  # the first x of the next vector
    polarity: int = 0


def _decoded(content: np.ndarray, kind: np.ndarray, state: _State) -> tuple[_Events, np.ndarray, _State]:
    """Events `(t, x, y, p)`, the word of each, and what the words leave behind."""
    event = (kind == _X) | (kind == _VECTOR_12) | (kind == _VECTOR_8)
    at = np.flatnonzero(event)
    with_end = np.append(at, len(kind) - 1)  # the last entry is what the next words begin with

    def last(of: np.ndarray, values: np.ndarray, before: int) -> np.ndarray:
        """The value that the last of some words has set, for each event and for the end."""
        if not len(values):
            return np.full(len(with_end), before)
        return np.append(before, values)[np.cumsum(of, dtype=np.int32)[with_end]]

    y = last(kind == _Y, content[kind == _Y] & 0x7FF, state.y)
    t, high, low = _times(content, kind, last, state)
    after = state._replace(high=high, low=low, y=int(y[-1]))
    valid = np.flatnonzero((y[:-1] >= 0) & (t[:-1] >= 0)) if state.y < 0 or state.high < 0 else slice(None)

    bits = content[at]
    if (kind[at] == _X).all() and not (kind == _BASE).any():
        at, some = at[valid], bits[valid]
        return (t[:-1][valid], some & 0x7FF, y[:-1][valid], some >> 11), at, after
    base, polarity = _vectors(content, kind, event, at, last, state)
    after = after._replace(base=int(base[-1]), polarity=int(polarity[-1]))
    single = kind[at] == _X
    x = np.where(single, bits & 0x7FF, base[:-1]).astype(np.uint16)
    p = np.where(single, bits >> 11, polarity[:-1]).astype(np.uint8)
    bits = np.where(single, 1, np.where(kind[at] == _VECTOR_8, bits & 0xFF, bits))[valid]
    places = np.unpackbits(bits.astype("<u2").view(np.uint8).reshape(-1, 2), axis=1, bitorder="little")
    which = np.flatnonzero(places)
    offset = (which & 15).astype(np.uint16)
    which >>= 4
    y = y[:-1].astype(np.uint16)[valid]
    return (t[:-1][valid][which], x[valid][which] + offset, y[which], p[valid][which]), at[valid][which], after


def _times(content: np.ndarray, kind: np.ndarray, last: Any, state: _State) -> tuple[np.ndarray, int, int]:
    """The time at each event and at the end, -1 before the first high part, and the two parts at the end."""
    is_high = kind == _HIGH
    high = unwrapped(content[is_high], 12, max(state.high, 0))
    ticks = (kind == _LOW) | is_high
    low = np.where(is_high, 0, content)[ticks]
    again = np.zeros(len(kind), bool)
    again[is_high] = np.diff(high, prepend=state.high) == 0  # the same high part: the low part stays
    highs, lows = last(is_high, high, state.high), last(ticks & ~again, low[~again[ticks]], state.low)
    return np.where(highs < 0, -1, (highs << 12) + lows), int(highs[-1]), int(lows[-1])


def _vectors(
    content: np.ndarray, kind: np.ndarray, event: np.ndarray, at: np.ndarray, last: Any, state: _State
) -> tuple[np.ndarray, np.ndarray]:
    """The first `x` and the polarity of a vector at each event, and at the end."""
    is_base = kind == _BASE
    width = np.array([0] * 4 + [12, 8] + [0] * 10)[kind[at]]
    before = np.append(0, np.cumsum(width))  # pixels of vectors before each event, and before the end
    set_ = content[is_base]
    passed = last(is_base, before[np.cumsum(event, dtype=np.int32)[is_base]], 0)
    return last(is_base, set_ & 0x7FF, state.base) + before - passed, last(is_base, set_ >> 11, state.polarity)
