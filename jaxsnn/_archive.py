"""Files of named arrays (`.npz`), read without trust: nothing is unpacked before its declared size was looked at."""

from __future__ import annotations

import math
import os
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np

ALWAYS, RATIO = 2**28, 64  # bytes that any file may unpack to, and otherwise so many times its own size
_MEMBERS, _HEADER = 2**16, 10_000


class FileError(ValueError):
    """A file that cannot be read: not of its kind, cut off, changed since it was written, or too large."""


def room(size: int) -> int:
    """How many bytes a file of `size` bytes may unpack to."""
    return max(ALWAYS, RATIO * size)


def regular(path: str | os.PathLike[str], what: str) -> Path:
    """The path of a file that is there. `what` it should be, for the error."""
    if not isinstance(path, (str, os.PathLike)):
        raise FileError(f"Got {path!r} ({type(path).__name__}), expected the path of {what}.")
    found = Path(os.fspath(path))
    if not found.exists():
        raise FileError(f"There is no file {str(found)!r}; expected {what}.")
    if not found.is_file():
        raise FileError(f"{str(found)!r} is no regular file; expected {what}.")
    return found


def read(path: str | os.PathLike[str], what: str) -> dict[str, np.ndarray]:
    """Every array of an `.npz` file, by name. `what` the file should be, for the error.

    Only arrays of numbers and text, no Python objects; of what their headers declare, never more than `room`.

    **Raises:** `FileError`.
    """
    found = regular(path, what)
    try:
        with open(found, "rb") as stream, zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
            if len(members) > _MEMBERS or len({member.filename for member in members}) != len(members):
                raise ValueError("it has too many members, or two of one name")
            left = room(os.fstat(stream.fileno()).st_size)
            for member in members:
                left -= _declared(archive, member)
                if left < 0:
                    raise ValueError(f"it would unpack to more than {room(found.stat().st_size)} bytes")
            return {member.filename.removesuffix(".npy"): _array(archive, member) for member in members}
    except Exception as error:  # whatever a damaged file makes the readers below raise
        raise FileError(
            f"{str(found)!r} is truncated, damaged or not {what} ({said(error)}); write it again."
        ) from None


def write(path: str | os.PathLike[str], arrays: dict[str, Any]) -> None:
    """Write arrays to an `.npz` file that `read` takes: compressed, unless that would make it look like a bomb."""
    with open(path, "wb") as file:  # a path without .npz stays as it is
        np.savez_compressed(file, **arrays)
        size = file.tell()
    if sum(x.nbytes + _HEADER for x in arrays.values()) > room(size):
        with open(path, "wb") as file:
            np.savez(file, **arrays)


def said(error: Exception) -> str:
    """What a reader raised, on one short line."""
    text = " ".join(str(error).split())[:200].rstrip(".")
    return text or type(error).__name__


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(stream, max_header_size=_HEADER)
    return np.lib.format.read_array_header_2_0(stream, max_header_size=_HEADER)


def _declared(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    """How many bytes a member says that it has, in its header and in that of the archive."""
    if not member.filename.endswith(".npy") or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{member.filename[:80]!r} is no array")
    with archive.open(member) as stream:
        shape, _, dtype = _header(stream)
        size, before = math.prod(shape) * dtype.itemsize, stream.tell()
    if dtype.kind not in "biufU":
        raise ValueError(f"{member.filename[:80]!r} has {dtype}, expected numbers or text")
    if any(n < 0 for n in shape) or size + before != member.file_size:
        raise ValueError(f"{member.filename[:80]!r} declares {shape} {dtype}, which is not its size")
    return member.file_size


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(member) as stream:
        array = np.lib.format.read_array(stream, allow_pickle=False, max_header_size=_HEADER)  # type: ignore[arg-type]
        if stream.read(1):  # reading to the end compares the archive's own checksum
            raise ValueError(f"{member.filename[:80]!r} has more than it declares")
    return array
