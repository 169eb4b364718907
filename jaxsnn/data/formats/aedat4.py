"""AEDAT 4.0, of iniVation's DV: packets of FlatBuffers, compressed or not."""

from __future__ import annotations

import dataclasses
import re
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from ..._archive import FileError
from ..arrays import EventArray
from ..source import Source
from .base import AbstractEventFormat
from .flatbuffers import root

_EVENT = np.dtype(
    {"names": ["t", "x", "y", "p"], "formats": ["<i8", "<i2", "<i2", "?"], "offsets": [0, 8, 10, 12], "itemsize": 16}
)
_PACKET = struct.Struct("<2i")  # stream and size
LARGEST = 2**30  # bytes of a packet, unpacked


@dataclasses.dataclass(frozen=True)
class AEDAT4(AbstractEventFormat):
    """Files `.aedat4` of iniVation's DV: a header, then packets, of which those of events are read.

    Times are microseconds since 1970. Packets are compressed by LZ4 or Zstandard, for which the packages `lz4` and
    `zstandard` are needed, or not at all. Packets are unpacked as a whole, whatever `chunk` is.

    **Arguments:** `sensor`: as of `AbstractEventFormat`; None for what the header says of the first stream of events.
    **Source:** iniVation, AEDAT file formats.
    """

    what = "an .aedat4 file"

    def chunks(self, source, chunk):
        if not source.line().startswith(b"#!AER-DAT4.0"):
            raise source.fail(f"the first line does not say version 4.0; expected {self.what}", 0)
        begin = source.at
        size = int.from_bytes(source.read(4, "the size of the header"), "little")
        header = root(source, source.read(size, "the header"), begin + 4, b"IOHE")
        unpack = _unpacker(source, int(header.number(0, "<i4", 0)), begin)
        table, (streams, size) = int(header.number(1, "<i8", -1)), _streams(header.text(2))
        end, sensor = source.size if table < 0 else table, self.sensor or size or (346, 260)
        if not source.at <= end <= source.size:
            raise source.fail(f"the table of packets is said to begin at byte {table} of {source.size}", begin)
        held: list[tuple[int, np.ndarray]] = []
        try:
            while source.at < end:
                begin = source.at
                stream, size = _PACKET.unpack(source.read(_PACKET.size, "the header of a packet"))
                body = source.read(size, "a packet")
                if stream in streams or not streams:
                    held.append((begin, _events(source, unpack(body, begin), begin)))
                    if sum(events.nbytes for _, events in held) >= chunk:
                        yield self._joined(source, held, sensor)
                        held = []
        except FileError:
            if held:
                yield self._joined(source, held, sensor)  # what lies before the damage
            raise
        if held:
            yield self._joined(source, held, sensor)

    def _joined(self, source: Source, packets: list[tuple[int, np.ndarray]], sensor: tuple[int, int]) -> EventArray:
        """The events of some packets; each is copied once."""
        ends = np.cumsum([len(events) for _, events in packets])
        columns = [np.empty(int(ends[-1]), dtype) for dtype in (np.int64, np.uint16, np.uint16, np.uint8)]
        for (_, events), last in zip(packets, ends.tolist()):
            for column, name in zip(columns, "txyp"):
                column[last - len(events) : last] = events[name]
        t, x, y, p = columns
        place = lambda i: packets[int(np.searchsorted(ends, i, side="right"))][0]
        if len(t) and t.min() < 0:
            raise source.fail("a packet has times before 1970: the file is damaged", place(int(t.argmin())))
        return self.within(source, (t, x, y, p), sensor, place)


def _streams(description: str) -> tuple[set[int], tuple[int, int] | None]:
    """Which streams hold events, and the size of the first one's sensor, from the XML text of the header."""
    streams: set[int] = set()
    size = None
    for number, body in re.findall(r'<node name="(\d{1,9})"[^>]*>(.*?)(?=<node name="\d|\Z)', description, re.DOTALL):
        if re.search(r'key="typeIdentifier"[^>]*>\s*EVTS\s*<', body):
            streams.add(int(number))
            width, height = (re.search(rf'key="size{axis}"[^>]*>\s*(\d{{1,5}})\s*<', body) for axis in "XY")
            if size is None and width and height and int(width[1]) and int(height[1]):
                size = int(width[1]), int(height[1])
    return streams, size


def _events(source: Source, packet: bytes, at: int) -> np.ndarray:
    """The events of an unpacked packet; none where it holds something else."""
    if packet[8:12] != b"EVTS":
        return np.empty(0, _EVENT)
    return root(source, memoryview(packet)[4:], at, b"EVTS").structs(0, _EVENT)


def _unpacker(source: Source, kind: int, at: int) -> Callable[[bytes, int], bytes]:
    """What unpacks a packet: 0 is none, 1 and 2 LZ4, 3 and 4 Zstandard."""
    if kind == 0:
        return lambda body, at: body
    if kind not in (1, 2, 3, 4):
        raise source.fail(f"the header says compression {kind}, expected none, LZ4 or Zstandard (0 .. 4)", at)
    name, made = ("lz4", _lz4) if kind < 3 else ("zstandard", _zstandard)
    try:
        unpack = made()
    except ImportError:
        raise ImportError(f"{source.path!r} is compressed by {name}: pip install {name}.") from None

    def whole(body: bytes, at: int) -> bytes:
        try:
            found = unpack(body)
        except Exception as error:  # whatever a damaged packet makes the package raise
            raise source.fail(f"a packet cannot be unpacked ({str(error)[:100]}): the file is damaged", at) from None
        if len(found) > LARGEST:
            raise source.fail(f"a packet unpacks to more than {LARGEST} bytes", at)
        return found

    return whole


def _lz4() -> Callable[[bytes], bytes]:
    import lz4.frame

    def unpack(body: bytes) -> Any:
        reader = lz4.frame.LZ4FrameDecompressor()
        found = reader.decompress(body, LARGEST + 1)
        if not reader.eof:
            raise ValueError("it has no end")
        return found

    return unpack


def _zstandard() -> Callable[[bytes], bytes]:
    import zstandard

    def unpack(body: bytes) -> Any:
        with zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(body) as reader:
            return reader.read(LARGEST + 1)

    return unpack
