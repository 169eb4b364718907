"""The spikes of a step: amplitudes, and the same as bits, which loops over spikes search."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt32

from .._bits import BITS, pack, unpack
from .._types import canonical_float


class Spikes(eqx.Module):
    """Spikes of `n` neurons in one step, packed once for all their users.

    Finding spikes is the expensive half of delivering them: lists, matrices, plastic synapses and records of one step
    all read these words.
    """

    numbers: Float[Array, " n"] | None  # amplitudes; None: all spikes are 1, and the words say all
    words: UInt32[Array, " words"]  # neuron `i` is bit `i % 32` of word `i // 32`

    @property
    def amplitude(self) -> Float[Array, " n"]:
        """A number a neuron, 0 for those that are silent."""
        if self.numbers is not None:
            return self.numbers
        return unpack(self.words, self.words.shape[-1] * BITS).astype(canonical_float())

    @classmethod
    def found(cls, amplitude: Float[Array, " n"]) -> Spikes:
        """The neurons with an amplitude other than 0."""
        return cls(amplitude, pack(amplitude))

    def part(self, first: int, n: int) -> Spikes:
        """The spikes of `n` neurons from `first` on, a multiple of 32."""
        assert first % BITS == 0
        at = first // BITS
        numbers = None if self.numbers is None else self.numbers[first : first + n]
        return Spikes(numbers, self.words[at : at + words_of(n)])

    def first(self, n: int) -> Spikes:
        """The spikes of the first `n` neurons; no bit is set behind them."""
        words = self.words[: words_of(n)]
        words = words if n % BITS == 0 else words.at[-1].set(words[-1] & jnp.uint32((1 << n % BITS) - 1))
        return Spikes(self.amplitude[:n], words)


def words_of(n: int) -> int:
    """The number of words for `n` bits."""
    return -(-n // BITS)


def side_by_side(parts: list[Float[Array, " n"] | Spikes]) -> Spikes:
    """The spikes of several populations side by side, each beginning at a word.

    Adjacent amplitudes that are not packed yet are packed together.
    """
    amplitudes = [part.amplitude if isinstance(part, Spikes) else part for part in parts]
    padded = [jnp.pad(x, (0, -x.shape[0] % BITS)) for x in amplitudes]
    words, waiting = [], []
    for part, x in zip(parts, padded, strict=True):
        if isinstance(part, Spikes):
            words += [pack(jnp.concatenate(waiting))] if waiting else []
            words, waiting = [*words, part.words], []
        else:
            waiting.append(x)
    words += [pack(jnp.concatenate(waiting))] if waiting else []
    return Spikes(jnp.concatenate(padded), jnp.concatenate(words))
