"""EVT 2.0, a raw format of Prophesee's cameras: 32 bits an event, and words that carry the high bits of the time."""

from __future__ import annotations

import dataclasses

import numpy as np

from ..source import Source, unwrapped
from .base import AbstractEventFormat
from .header import percent_header

_HIGH, _KNOWN = 8, (0, 1, 8, 10, 14, 15)  # times, and kinds of words: off, on, time, trigger, others, continued


@dataclasses.dataclass(frozen=True)
class EVT2(AbstractEventFormat):
    """Files `.raw` of Prophesee in EVT 2.0: 32-bit words whose highest four bits say what they are.

    A word of type 0 (off) or 1 (on) is an event: 6 bits of time, 11 of `x`, 11 of `y`. One of type 8 carries the 28
    bits of time above these. Triggers and messages are left out, and so are events before the first word of time. Times
    that begin again at 0 after 2^34 microseconds go on.

    **Arguments:** `sensor`: as of `AbstractEventFormat`; where the file does not say it, 1280 x 720.
    """

    what = "a .raw file of Prophesee in EVT 2.0"

    def chunks(self, source, chunk):
        header = percent_header(source)
        sensor, high = self.sensor or header.size or (1280, 720), -1  # the high bits; none yet
        while len(words := source.words("<u4", chunk)):
            begin, kind = source.at - 4 * len(words), (words >> 28).astype(np.uint8)
            known(source, kind, _KNOWN, begin, 4)
            clock, at = kind == _HIGH, np.flatnonzero(kind <= 1)
            times = np.append(high, unwrapped(words[clock] & 0xFFFFFFF, 28, max(high, 0)))
            passed = np.cumsum(clock, dtype=np.int32)[at]  # words of time before each event
            if high < 0:
                at, passed = at[passed > 0], passed[passed > 0]
            high, event = int(times[-1]), words[at]
            parts = ((times[passed] << 6) + (event >> 22 & 0x3F), event >> 11 & 0x7FF, event & 0x7FF, event >> 28)
            yield self.within(source, parts, sensor, lambda i, begin=begin, at=at: begin + 4 * int(at[i]))


def known(source: Source, kind: np.ndarray, kinds: tuple[int, ...], begin: int, size: int) -> None:
    """Raises for the first word of a kind that the format does not have."""
    counts = np.bincount(kind, minlength=16)
    counts[list(kinds)] = 0
    if counts.any():
        i = int(np.argmax(counts[kind] > 0))
        raise source.fail(f"a word of type {int(kind[i])}, which the format does not have", begin + size * i)
