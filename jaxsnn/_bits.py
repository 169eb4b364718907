"""Spikes as bits: 32 neurons a word, for records that are kept."""

from __future__ import annotations

import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, UInt32

from ._xla import named

BITS = 32


class Bits(eqx.Module):
    """A boolean array, `(..., n)`, with its last axis packed into words."""

    words: UInt32[Array | np.ndarray, "... words"]
    n: int = eqx.field(static=True)

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the boolean array."""
        return (*self.words.shape[:-1], self.n)

    @property
    def ndim(self) -> int:
        return self.words.ndim

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(bool)


@named("pack")
def pack(spikes: Array) -> UInt32[Array, "... words"]:
    """Who fired (is not 0) along the last axis: neuron `i` is bit `i % 32` of word `i // 32`."""
    fired = spikes if spikes.dtype == bool else spikes != 0
    padding = [(0, 0)] * (fired.ndim - 1) + [(0, -fired.shape[-1] % BITS)]
    fired = jnp.pad(fired, padding).reshape(*fired.shape[:-1], -1, BITS)
    place = np.uint32(1) << np.arange(BITS, dtype=np.uint32)
    return jnp.sum(jnp.where(fired, place, np.uint32(0)), axis=-1, dtype=jnp.uint32)


def unpack(words: UInt32[Array | np.ndarray, "... words"], n: int) -> Bool[Array, "... n"]:
    """The inverse: one boolean for each of `n` neurons, and no more memory than these. NumPy in, NumPy out."""
    if isinstance(words, np.ndarray):
        return _expanded(words)[..., :n]
    return _unpack(words, n)


@functools.partial(jax.jit, static_argnums=1)  # fused: step by step, every bit would be a word first
def _unpack(words: Array, n: int) -> Array:
    place = np.arange(BITS, dtype=np.uint32).reshape((1,) * words.ndim + (BITS,))
    bits = words[..., None] >> place & np.uint32(1)
    return bits.reshape(*words.shape[:-1], -1)[..., :n].astype(bool)


def ones(words: UInt32[np.ndarray, "rows words"]) -> tuple[np.ndarray, np.ndarray]:
    """Row and neuron of every bit that is set, in order; costs what is set, not what could be."""
    row, word = np.nonzero(words)
    which, bit = np.nonzero(_expanded(words[row, word][:, None]))
    return row[which], word[which] * BITS + bit


def _expanded(words: np.ndarray) -> Any:
    """All bits of the words along the last axis, as booleans."""
    return np.unpackbits(words.astype("<u4").view(np.uint8), axis=-1, bitorder="little").view(bool)
