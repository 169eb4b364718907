"""DAT, the older format of Prophesee's cameras: eight bytes an event."""

from __future__ import annotations

import dataclasses

from ..source import unwrapped
from .base import AbstractEventFormat
from .header import percent_header


@dataclasses.dataclass(frozen=True)
class DAT(AbstractEventFormat):
    """Files `.dat` of Prophesee: lines that begin with `%`, two bytes (type and size of an event), and eight bytes an
    event: the time in microseconds, 32 bits, and 14 bits of `x`, 14 of `y` and 4 of polarity.

    Times that begin again at 0 after 2^32 microseconds (72 minutes) go on. Events of contrast (types 0 and 12) are
    read, others refused.

    **Arguments:** `sensor`: as of `AbstractEventFormat`; where the file does not say it, 1280 x 720.
    """

    what = "a .dat file of Prophesee"

    def chunks(self, source, chunk):
        header = percent_header(source)
        kind, size = source.read(2, "type and size of an event")
        if kind not in (0, 12) or size != 8:
            raise source.fail(
                f"events are of type {kind} and {size} bytes; expected contrast, type 0 or 12 of 8 bytes", source.at - 2
            )
        sensor, last = self.sensor or header.size or (1280, 720), 0
        while len(words := source.words(("<u4", 2), chunk)):
            begin, address = source.at - 8 * len(words), words[:, 1].copy()
            t = unwrapped(words[:, 0], 32, last)
            last = int(t[-1])
            parts = (t, address & 0x3FFF, address >> 14 & 0x3FFF, address >> 28 & 1)
            yield self.within(source, parts, sensor, lambda i, begin=begin: begin + 8 * i)
