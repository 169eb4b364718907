"""IDX files, as of MNIST: arrays of numbers with their shape before them."""

from __future__ import annotations

import gzip
import io
import math
import os
import zlib

import numpy as np

from .._archive import FileError, room
from .source import Source

_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_WHAT = "an IDX file, such as train-images-idx3-ubyte, packed by gzip or not"


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """The array of an IDX file, such as MNIST's images (60000, 28, 28) or labels (60000,), packed by gzip or not.

    Two bytes of zero, a byte for the type of the numbers, one for the number of axes, their lengths and the numbers,
    the highest byte first.

    **Raises:** `FileError` with the byte at which something is wrong. **Source:** LeCun, Cortes and Burges, MNIST.
    """
    with Source(path, _WHAT) as source:
        if source.peek(2) == b"\x1f\x8b":
            source.stream, source.size = _unpacked(source)
        zero, kind, axes = (source.read(n, "the type of the numbers")[0] for n in (2, 1, 1))
        if zero or kind not in _TYPES:
            raise source.fail(f"the file does not begin with the type of an IDX file; expected {_WHAT}", 0)
        shape = tuple(int(n) for n in np.frombuffer(source.read(4 * axes, "the shape"), ">u4"))
        dtype = np.dtype(_TYPES[kind])
        body = source.read(math.prod(shape) * dtype.itemsize, f"an array of shape {shape}")
        if source.left:
            raise source.fail(f"{source.left} bytes follow the array of shape {shape}")
        return np.frombuffer(body, dtype).reshape(shape).astype(dtype.newbyteorder("="))


def _unpacked(source: Source) -> tuple[io.BytesIO, int]:
    """The unpacked bytes and how many there are, no more than a file of this size may hold."""
    most = room(source.size)
    try:
        with source.stream, gzip.GzipFile(fileobj=source.stream) as stream:
            body = stream.read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise source.fail(f"the file cannot be unpacked ({error}): it was cut off or damaged") from None
    if len(body) > most:
        raise FileError(f"{source.path!r} unpacks to more than {most} bytes; expected {_WHAT}.")
    return io.BytesIO(body), len(body)
