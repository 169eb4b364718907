"""Read events from a file, whole or piece by piece."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .._archive import FileError
from .._arguments import count, shown
from .arrays import EventArray, joined
from .filters import AbstractEventFilter, filtered
from .formats import AEDAT2, AEDAT3, AEDAT4, DAT, EVT2, EVT3, NMNIST, AbstractEventFormat
from .formats.header import percent_header
from .source import Source

CHUNK = 2**22
WHAT = "a file of events: .bin of N-MNIST, .aedat, .aedat4, .raw or .dat"


def read_events(
    path: str | os.PathLike[str],
    *,
    format: AbstractEventFormat | None = None,
    filters: Iterable[AbstractEventFilter] = (),
) -> EventArray:
    """All events of a file, as an `EventArray`.

    **Arguments:** `path`: of the file. `format`: one of `formats`, such as `NMNIST(sensor=(240, 180))`; None for what
    the file begins with and is called. `filters`: what every event goes through, in order, such as
    `[Crop(x=(0, 64)), Denoise(10.0)]`.

    **Raises:** `FileError` (a ValueError) with the first byte of what is cut off or damaged.
    """
    if parts := [*_through(path, None, format, filters)]:
        return joined(parts, parts[0].sensor_size)
    raise FileError(f"{os.fspath(path)!r} holds no event.")


def stream_events(
    path: str | os.PathLike[str],
    *,
    chunk: int = CHUNK,
    format: AbstractEventFormat | None = None,
    filters: Iterable[AbstractEventFilter] = (),
) -> Iterator[EventArray]:
    """The events of a file piece by piece, for one larger than the memory: what is held at a time depends on `chunk`.

    **Arguments:** `chunk`: bytes of the file that are read at a time. The others: as of `read_events`.

    **Raises:** as `read_events`; what lies before the damage is given first.
    """
    return _through(path, count(chunk, "chunk", "a positive number of bytes"), format, filters)


def _through(path: Any, chunk: int | None, format: Any, filters: Any) -> Iterator[EventArray]:
    if format is not None and not isinstance(format, AbstractEventFormat):
        raise ValueError(f"Got format = {shown(format)}, expected one of formats, such as formats.EVT3(), or None.")
    return filtered(_pieces(path, format, chunk), filters)


def _pieces(path: Any, format: AbstractEventFormat | None, chunk: int | None) -> Iterator[EventArray]:
    with Source(path, WHAT) as source:
        format = _found(source) if format is None else format
        source.what = format.what
        yield from format.chunks(source, chunk or format.whole)


def _found(source: Source) -> AbstractEventFormat:
    """The format of a file, by its first bytes, else by its name."""
    begin, ending = source.peek(14), source.path.rpartition(".")[2].lower()
    if begin.startswith(b"#!AER-DAT"):
        versions: dict[bytes, Callable[[], AbstractEventFormat]] = {b"2": AEDAT2, b"3": AEDAT3, b"4": AEDAT4}
        if (version := begin[9:10]) in versions:
            return versions[version]()
    elif begin.startswith(b"%"):
        version = percent_header(source).version
        source.go(0)
        return EVT3() if version == 3 else EVT2() if version == 2 else DAT()
    if ending in ("bin", "dat"):
        return NMNIST() if ending == "bin" else DAT()
    raise source.fail(f"it begins with {begin!r}; expected {WHAT}; if it is one, say which: format=", 0)
