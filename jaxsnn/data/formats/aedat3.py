"""AEDAT 3.1, of cAER: packets of events, as in the DVS128 Gesture data."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..._archive import FileError
from ..arrays import EventArray
from ..source import Source
from .base import AbstractEventFormat, number

_HEADER = struct.Struct("<2H6I")  # kind, source, size, place of the time, round of the clock, room, count, valid ones
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
        held: list[_Packet] = []
        try:
            for packet in _packets(source, chunk):
                held.append(packet)
                if sum(len(x.words) for x in held) * 8 >= chunk:
                    yield self._events(source, held)
                    held = []
        except FileError:
            if held:
                yield self._events(source, held)  # what lies before the damage
            raise
        if held:
            yield self._events(source, held)

    def _events(self, source: Source, packets: list[_Packet]) -> EventArray:
        words = np.concatenate([x.words for x in packets]) if len(packets) > 1 else packets[0].words
        lengths = [len(x.words) for x in packets]
        address, t = words[:, 0].copy(), words[:, 1].astype(np.int64)
        if any(x.late for x in packets):
            t += np.repeat([x.late for x in packets], lengths)
        at: Any = slice(None)
        if not (address & 1).all():
            at = np.flatnonzero(address & 1)
            address, t = address[at], t[at]
        ends = np.cumsum(lengths)

        def place(i: int) -> int:
            k = int(np.searchsorted(ends, number(at, i), side="right"))
            return packets[k].begin + 8 * (number(at, i) - int(ends[k]) + lengths[k])

        parts = (t, address >> 17, address >> 2 & 0x7FFF, address >> 1 & 1)
        return self.within(source, parts, self.sensor or (128, 128), place)


class _Packet(NamedTuple):
    """Events of contrast, or a part of them: address and time of each, the first byte, and what is added to times."""

    words: np.ndarray
    begin: int
    late: int


def _packets(source: Source, chunk: int) -> Iterator[_Packet]:
    """The packets of contrast, those larger than `chunk` bytes in pieces."""
    while source.left:
        begin = source.at
        kind, _, size, stamp, rounds, room, count, _ = _HEADER.unpack(
            source.read(_HEADER.size, "the header of a packet")
        )
        if count > room or room * size > source.left:
            raise source.fail(
                f"a packet says that it holds {count} events in room for {room} of {size} bytes, and {source.left} "
                "bytes are left: the file was cut off or damaged",
                begin,
            )
        end, filled = source.at + room * size, source.at + count * size
        if kind == _POLARITY:
            if size != 8 or stamp != 4:
                raise source.fail(f"a packet has events of {size} bytes, expected 8 with the time at 4", begin)
            while len(words := source.words(("<u4", 2), chunk, filled)):
                yield _Packet(words, source.at - 8 * len(words), rounds << 31)
        if source.at != end:
            source.go(end)
