"""Standard normal numbers of a stream: inside a program, and known ones block by block.

Blocks have a few sizes only, so that a network of many projections compiles a handful of programs, not one a shape; and
what is drawn again is drawn for those alone that were outside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, ArrayLike

from . import _random
from ._blocks import blocks, empty
from ._types import canonical_float
from ._xla import apart, named

_BLOCK = 1 << 18  # numbers of a call: its arrays stay in cache
_LEAST = 1 << 8


@named("standard_normal")  # and so that an eager call is compiled like a traced one
def standard(stream: Array, step: ArrayLike, ids: Array) -> Array:
    """Standard normal numbers, one for each id. A program of a name, which NumPy hands to `known`."""
    return apart(_random.normal(*apart((stream, step, ids))))


def by_blocks(program: Callable[[np.ndarray], Array], x: np.ndarray) -> np.ndarray:
    """A program for each element of a known vector, in blocks, the last of which is filled up with zeros."""
    size = min(max(_LEAST, 1 << max(x.size - 1, 0).bit_length()), _BLOCK)
    out = np.empty(x.size, canonical_float())
    with jax.ensure_compile_time_eval():
        for at in blocks(x.size, size):
            part = np.zeros(size, x.dtype)
            part[: at.stop - at.start] = x[at]
            out[at] = np.asarray(program(part))[: at.stop - at.start]
    return out


def known(stream: np.ndarray, step: Any, ids: np.ndarray) -> np.ndarray:
    """`standard` of known arguments."""
    return by_blocks(lambda part: standard(stream, np.uint32(step), part), ids)


def drawn(
    stream: Any,
    size: int,
    made: Callable[[np.ndarray, Any], np.ndarray],
    inside: Callable[[np.ndarray, Any], np.ndarray] = lambda x, ids: np.ones(x.shape, bool),
    attempts: int = 1,
) -> np.ndarray:
    """`made(z, ids)` of every id below `size`, each with the first of its standard normal `z` that is `inside`.

    `attempts`: after which a number that is outside stays there.
    """
    key, out = np.stack(stream), empty(size, canonical_float())
    number = lambda attempt, ids: made(known(key, attempt, ids), ids)
    for at in blocks(size, _BLOCK):
        ids = np.arange(at.start, at.stop, dtype=np.uint32)
        x = number(0, ids)
        again, attempt = (np.flatnonzero(~inside(x, ids)) if attempts > 1 else ids[:0]), 1
        while again.size and attempt < attempts:
            x[again] = number(attempt, ids[again])
            again, attempt = again[~inside(x[again], ids[again])], attempt + 1
        out[at] = x
    return out
