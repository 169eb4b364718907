"""AEDAT 3.1, of cAER: packets of events, as in the DVS128 Gesture data."""

from __future__ import annotations

import dataclasses

import numpy as np

from .base import AbstractEventFormat, number

_HEADER = np.dtype(
    [(name, "<u2") for name in ("kind", "source")]
    + [(name, "<u4") for name in ("size", "stamp", "round", "room", "count", "valid")]
)
_POLARITY = 1


@dataclasses.dataclass(frozen=True)
class AEDAT3(AbstractEventFormat):
    """Files `.aedat` of version 3.1, as of DVS128 Gesture: lines up to `#!END-HEADER`, then packets of a header of 28
    bytes and events of one type.

    An event of contrast is 8 bytes: bit 0 says that it is valid, bit 1 is the polarity, bits 2 to 16 are `y`, bits 17
    to 31 `x`; then the time, microseconds, 31 bits, which the header of the packet continues. Other packets are left
    out, and so are events that are not valid.

    **Arguments:** `sensor`: as of `AbstractEventFormat`; None for 128 x 128.
    **Source:** iniVation, AEDAT file formats.
    """

    what = "an .aedat file of version 3.1"

    def chunks(self, source, chunk):
        line = b""
        while not line.startswith(b"#!END-HEADER"):
            if source.peek(1) != b"#":
                raise source.fail(f"the header has no line #!END-HEADER; expected {self.what}")
            line = source.line()
        while source.left:
            begin = source.at
            (packet,) = np.frombuffer(source.read(_HEADER.itemsize, "the header of a packet"), _HEADER)
            room, count, size = int(packet["room"]), int(packet["count"]), int(packet["size"])
            if count > room or room * size > source.left:
                raise source.fail(
                    f"a packet says that it holds {count} events in room for {room} of {size} bytes, and {source.left} "
                    "bytes are left: the file was cut off or damaged",
                    begin,
                )
            end, filled = source.at + room * size, source.at + count * size
            if int(packet["kind"]) == _POLARITY:
                if size != 8 or int(packet["stamp"]) != 4:
                    raise source.fail(f"a packet has events of {size} bytes, expected 8 with the time at 4", begin)
                late = int(packet["round"]) << 31
                while len(words := source.words(("<u4", 2), chunk, filled)):
                    first, a = source.at - 8 * len(words), words[:, 0]
                    at = slice(None) if (a & 1).all() else np.flatnonzero(a & 1)
                    a, t = a[at].copy(), words[:, 1][at].astype(np.int64) + late
                    parts = (t, a >> 17, a >> 2 & 0x7FFF, a >> 1 & 1)
                    place = lambda i, first=first, at=at: first + 8 * number(at, i)
                    yield self.within(source, parts, self.sensor or (128, 128), place)
            source.go(end)
