"""Tables of FlatBuffers, read without trust: every place that a buffer names is looked at before it is used."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..source import Source


class Table(NamedTuple):
    """A table in a buffer: a list of places, at each of which a field may lie.

    **Arguments:** `at`: where in the buffer it begins. `byte`: of the file, for errors.
    """

    source: Source
    buffer: Any
    at: int
    byte: int

    def number(self, field: int, dtype: Any, default: Any) -> Any:
        """A number; `default` where it is left out."""
        place = self._place(field)
        return default if place is None else self._read(place, dtype)

    def text(self, field: int) -> str:
        """A text; empty where it is left out."""
        begin, count = self._vector(field)
        return bytes(self._part(begin, count)).decode("utf-8", "replace")

    def structs(self, field: int, dtype: np.dtype) -> np.ndarray:
        """A list of structures."""
        begin, count = self._vector(field)
        return np.frombuffer(self._part(begin, count * dtype.itemsize), dtype)

    def _place(self, field: int) -> int | None:
        """Where a field lies, by the table of places that lies before or after the table."""
        table = self.at - int(self._read(self.at, "<i4"))
        if 4 + 2 * field + 2 > int(self._read(table, "<u2")):
            return None
        place = int(self._read(table + 4 + 2 * field, "<u2"))
        return self.at + place if place else None

    def _vector(self, field: int) -> tuple[int, int]:
        place = self._place(field)
        if place is None:
            return 0, 0
        begin = place + int(self._read(place, "<u4"))
        return begin + 4, int(self._read(begin, "<u4"))

    def _read(self, place: int, dtype: Any) -> Any:
        return np.frombuffer(self._part(place, np.dtype(dtype).itemsize), dtype)[0]

    def _part(self, begin: int, size: int) -> Any:
        if not 0 <= begin <= begin + size <= len(self.buffer):
            raise self.source.fail(
                f"a packet of {len(self.buffer)} bytes refers to {size} bytes at its byte {begin}: the file is damaged",
                self.byte,
            )
        return self.buffer[begin : begin + size]


def root(source: Source, buffer: Any, byte: int, name: bytes) -> Table:
    """The outermost table of a buffer, which names itself in its bytes 4 to 8."""
    table = Table(source, buffer, 0, byte)
    if bytes(table._part(4, 4)) != name:
        raise source.fail(f"{bytes(buffer[4:8])!r} stands where {name!r} was expected: the file is damaged", byte)
    return table._replace(at=int(table._read(0, "<u4")))
