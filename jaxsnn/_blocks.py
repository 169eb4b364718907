"""Long vectors of NumPy, filled block by block: what is in between stays in cache and takes no memory of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

_BLOCK = 1 << 15  # numbers
_ALIGNED = 64  # bytes: JAX shares memory that begins at a multiple of these, and copies any other


def blocks(size: int, block: int = _BLOCK) -> Iterator[slice]:
    """The parts of a vector, in order."""
    return (slice(at, min(at + block, size)) for at in range(0, size, block))


def empty(size: int, dtype: Any) -> np.ndarray:
    """An empty vector whose memory JAX can share on a CPU."""
    count = size * np.dtype(dtype).itemsize
    raw = np.empty(count + _ALIGNED, np.uint8)
    start = -raw.ctypes.data % _ALIGNED
    return raw[start : start + count].view(dtype)


def filled(size: int, dtype: Any, part: Callable[[slice], Any]) -> np.ndarray:
    """A vector whose elements of every slice are `part(slice)`."""
    out = empty(size, dtype)
    for at in blocks(size):
        out[at] = part(at)
    return out
