"""Threefry-2x32: words from a key and a counter, bit for bit alike on NumPy and JAX."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from .._xla.named import named

_ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
_PARITY = np.uint32(0x1BD11BDA)  # of the key schedule: makes an all-zero key harmless


def threefry(key: tuple[Any, Any], counter: tuple[Any, Any], rounds: int = 13) -> tuple[Any, Any]:
    """Threefry-2x32: mixes a counter under a key. Plain operators, hence bit for bit alike on NumPy and JAX uint32.

    **Arguments:** `key`, `counter`: two uint32 words each, which broadcast. `rounds`: static.
    **Returns:** two uint32 words. For a given key and rounds the map counter -> words is a bijection.
    """
    given = (key[0], key[1], counter[0], counter[1])
    if any(isinstance(x, jax.Array) for x in given):
        return _traced(rounds)(*given)
    if any(np.ndim(x) for x in given):
        return _mixed(*given, rounds)
    # Python's own whole numbers take a tenth of the time of NumPy's, one at a time.
    first, second, low, high = map(int, given)
    x, y = _mixed(first, second, low, high, rounds, wrapped=lambda x: x & 0xFFFFFFFF, whole=int)
    return np.uint32(x), np.uint32(y)


def _mixed(
    first: Any, second: Any, low: Any, high: Any, rounds: int, wrapped: Any = lambda x: x, whole: Any = np.uint32
) -> tuple[Any, Any]:
    """`wrapped`: takes a number back into 32 bits, for numbers that do not wrap by themselves."""
    schedule = (first, second, first ^ second ^ whole(_PARITY))
    with np.errstate(over="ignore"):  # wrapping is meant; NumPy warns of it for scalars
        x, y = wrapped(low + schedule[0]), wrapped(high + schedule[1])
        for i in range(rounds):
            shift = _ROTATIONS[i % 8]
            x = wrapped(x + y)
            y = (wrapped(y << whole(shift)) | y >> whole(32 - shift)) ^ x
            if i % 4 == 3:
                turn = i // 4 + 1
                x = wrapped(x + schedule[turn % 3])
                y = wrapped(y + (schedule[(turn + 1) % 3] + whole(turn)))
    return x, y


@functools.cache
def _traced(rounds: int) -> Callable[..., tuple[Any, Any]]:
    """Some eighty operations, traced and written once for arguments of a shape; a name by which they are known."""
    return named(f"threefry.{rounds}")(lambda first, second, low, high: _mixed(first, second, low, high, rounds))


def as_word(x: Any) -> Any:
    """As uint32, of NumPy or JAX."""
    return x.astype(np.uint32) if hasattr(x, "astype") else np.uint32(x)


def words(stream: Any, step: Any, ids: Any) -> tuple[Any, Any]:
    """Two independent uint32 words for every (step, id), which broadcast. NumPy in, NumPy out; otherwise JAX."""
    return threefry((stream[0], stream[1]), (as_word(ids), as_word(step)))
