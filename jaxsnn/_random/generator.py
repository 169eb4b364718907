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
    return _traced(rounds)(*given) if any(isinstance(x, jax.Array) for x in given) else _mixed(*given, rounds)


def _mixed(first: Any, second: Any, low: Any, high: Any, rounds: int) -> tuple[Any, Any]:
    schedule = (first, second, first ^ second ^ _PARITY)
    with np.errstate(over="ignore"):  # wrapping is meant; NumPy warns of it for scalars
        x, y = low + schedule[0], high + schedule[1]
        for i in range(rounds):
            shift = _ROTATIONS[i % 8]
            x = x + y
            y = (y << np.uint32(shift) | y >> np.uint32(32 - shift)) ^ x
            if i % 4 == 3:
                turn = i // 4 + 1
                x = x + schedule[turn % 3]
                y = y + (schedule[(turn + 1) % 3] + np.uint32(turn))
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
