"""A file that is read from front to back, in bounded pieces: whatever is wrong in it is one error with its place."""

from __future__ import annotations

import os
from typing import IO, Any

import numpy as np

from .._archive import FileError, regular

LONGEST = 2**16  # bytes of a line of a header
HEADER = 2**24  # bytes of all of it


class Source:
    """The bytes of a file. Nothing is read, and no room is taken, that the file does not hold."""

    def __init__(self, path: str | os.PathLike[str], what: str):
        try:
            self.path, self.what = os.fspath(path), what
            self.stream: IO[bytes] = open(self.path, "rb")
        except (OSError, TypeError) as error:
            regular(path, what)  # says what there is instead
            raise FileError(f"{path!r} cannot be opened ({error}); expected {what}.") from None
        self.size = os.fstat(self.stream.fileno()).st_size
        self.at = 0  # the next byte

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: Any) -> None:
        self.stream.close()

    @property
    def left(self) -> int:
        """How many bytes follow."""
        return self.size - self.at

    def fail(self, why: str, at: int | None = None) -> FileError:
        """The error to raise for what is wrong at a byte, by default the next one."""
        return FileError(f"{self.path!r} at byte {self.at if at is None else at}: {why}.")

    def read(self, count: int, what: str) -> bytes:
        """So many bytes; an error where the file ends before."""
        if not 0 <= count <= self.left:
            raise self.fail(
                f"{what} of {count} bytes begins, and {self.left} are left: the file was cut off or damaged"
            )
        found = self.stream.read(count)
        if len(found) != count:  # another program has cut it meanwhile
            raise self.fail(f"{what} of {count} bytes could not be read")
        self.at += count
        return found

    def line(self) -> bytes:
        """A line of a header, without its end."""
        found = self.stream.readline(LONGEST)
        if not found.endswith(b"\n") or self.at > HEADER:
            raise self.fail(f"a line of the header has no end; expected {self.what}")
        self.at += len(found)
        return found.rstrip(b"\r\n")

    def peek(self, count: int) -> bytes:
        """The next bytes, which stay the next; fewer at the end of the file."""
        return self.stream.peek(count)[:count]  # type: ignore[attr-defined]  # of a buffered file

    def go(self, to: int) -> None:
        """Continue at a byte."""
        self.stream.seek(to)
        self.at = to

    def words(self, dtype: Any, most: int, end: int | None = None) -> np.ndarray:
        """Up to `most` bytes as words of a type, at least one; none at the end of the file, or at byte `end`."""
        dtype = np.dtype(dtype)
        left = (self.size if end is None else end) - self.at
        if not left:
            return np.empty(0, dtype)
        if left < dtype.itemsize:
            raise self.fail(f"{left} bytes are left, of an event of {dtype.itemsize}: the file was cut off")
        count = min(max(most // dtype.itemsize, 1), left // dtype.itemsize)
        return np.frombuffer(self.read(count * dtype.itemsize, "a piece"), dtype)


def unwrapped(low: np.ndarray, bits: int, last: int) -> np.ndarray:
    """Times that count up to `2**bits` and begin again at 0, as times that go on: a fall by half of it is a new round.

    **Arguments:** `last`: the time before the first of them, gone on.
    """
    first, base = last & ((1 << bits) - 1), last >> bits << bits
    if not len(low) or (int(low[0]) >= first and not np.any(low[1:] < low[:-1])):  # never back
        return low.astype(np.int64) + base
    low = low.astype(np.int64)
    fall = np.concatenate([[first], low[:-1]]) - low
    return low + base + (np.cumsum(fall >= 1 << (bits - 1)) << bits)
