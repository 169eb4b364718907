"""Where the learning engine rounds at random, and where its random numbers come from: a choice."""

from __future__ import annotations

import abc
import zlib
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from .... import _random
from ...._types import Register, register
from ...._xla import materialised
from ....lowering.storage import stored


class Fraction(NamedTuple):
    """A number in [0, 1) of 48 bits, in two words."""

    high: Int[Array, "..."]
    low: Int[Array, "..."]

    def __lt__(self, other: Fraction) -> Bool[Array, "..."]:  # type: ignore[override]
        return (self.high < other.high) | ((self.high == other.high) & (self.low < other.low))


class AbstractRounding(eqx.Module):
    """The random numbers of one synapse group; what is compared with a fraction rounds it up if smaller.

    `name`: the trace (`"x1"` ... `"y3"`) or synaptic variable (`"w"`, `"d"`, `"t"`). `t`: the step in which an epoch
    ends, `q`: the step within the epoch, counted from 1, `epoch`: its length.
    """

    @abc.abstractmethod
    def decay(self, name: str, t: Array, q: Array, epoch: int, n: int, *, stream: Array) -> Fraction:
        """For the decay of a trace."""

    @abc.abstractmethod
    def impulse(self, name: str, t: Array, q: Array, epoch: int, n: int, *, stream: Array) -> Int[Array, "..."]:
        """For the impulse of a neuron's last spike of an epoch, 0..255."""

    @abc.abstractmethod
    def early(self, name: str, t: Array, n: int, *, stream: Array) -> Int[Array, "..."]:
        """For the impulse of a spike in step `t` that was not the first of its epoch, 0..255."""

    @abc.abstractmethod
    def synapse(self, name: str, t: Array, epoch: int, shape: tuple[int, int], *, stream: Array) -> Int[Array, "..."]:
        """For the new value of a synapse, 0..127."""


@stored
class NearestRounding(AbstractRounding):
    """No random numbers: every fraction above a half rounds up."""

    def decay(self, name, t, q, epoch, n, *, stream):
        return Fraction(jnp.int32(2**23), jnp.int32(0))

    def impulse(self, name, t, q, epoch, n, *, stream):
        return jnp.int32(128)

    def early(self, name, t, n, *, stream):
        return jnp.int32(128)

    def synapse(self, name, t, epoch, shape, *, stream):
        return jnp.int32(64)


@stored
class IndependentRounding(AbstractRounding):
    """A number of its own for every neuron, synapse and step: unbiased. A function of the run's key.

    A synapse takes the sum of a number of its row and one of its column, modulo 128: uniform, and any two synapses are
    independent (four at the corners of a rectangle are not), at the cost of two draws a neuron, not one a synapse.
    """

    def decay(self, name, t, q, epoch, n, *, stream):
        high, low = self._words(name, t - epoch + q, n, stream)
        return Fraction(_top(high, 24), _top(low, 24))

    def impulse(self, name, t, q, epoch, n, *, stream):
        return self._words(name, t - epoch + q, n, stream)[0].astype(jnp.int32) & 255  # bits that decay does not use

    def early(self, name, t, n, *, stream):
        return self._words(name, t, n, stream)[1].astype(jnp.int32) & 255

    def synapse(self, name, t, epoch, shape, *, stream):
        def draw(stream: Array) -> tuple[Array, Array]:
            row, column = self._words(name, t, shape[0], stream)[0], self._words(name, t, shape[1], stream)[1]
            return _top(row, 7), _top(column, 7)

        row, column = materialised(draw, t, stream)  # not again in every synapse
        return (row[:, None] + column[None]) & 127

    def _words(self, name: str, step: Any, n: int, stream: Array) -> tuple[Array, Array]:
        return _random.words(_named(stream, name), step, jnp.arange(n, dtype=jnp.uint32))


@stored
class LavaRounding(AbstractRounding):
    """The random numbers of Lava 0.10 for the same seed, bit for bit; after `steps` steps they begin again.

    As Lava has it: one number a step for all neurons and all traces of a side, one an epoch for all synapses, whatever
    the seed; an epoch decays with the number of its last step; the fraction of an impulse is compared with 0..127, so
    that it rounds up twice as often as it should, and always where a sender fires again within an epoch.
    """

    decays: dict[str, Array]  # 24 bits a word
    impulses: dict[str, Array]  # for early ones and others
    synapses: Register = register(unit="1/128")

    def __init__(self, seed: int, steps: int):
        draws = 2 * steps + 1  # one at the start, two a step: the first is current when receivers' spikes come
        decays, impulses = {}, {}
        for side, offset in (("x", 0), ("y", 2)):
            fraction = (np.random.default_rng(seed + offset).random(draws) * 2.0**53).astype(np.int64)
            words = np.stack([fraction >> 29, (fraction >> 5) & (2**24 - 1)], axis=1)
            decays[side] = words[2::2].astype(np.int32)
            whole = np.random.default_rng(seed + offset + 1).integers(0, 128, draws)
            impulses[side] = np.stack([whole[1::2], whole[2::2]], axis=1).astype(np.int32)
        self.decays = {side: jnp.asarray(words) for side, words in decays.items()}
        self.impulses = {side: jnp.asarray(words) for side, words in impulses.items()}
        self.synapses = jnp.asarray(np.floor(np.random.default_rng(2).random(steps + 1)[1:] * 128).astype(np.int32))

    def decay(self, name, t, q, epoch, n, *, stream):
        words = _at(self.decays[name[0]], t)
        return Fraction(words[0], words[1])

    def impulse(self, name, t, q, epoch, n, *, stream):
        return _at(self.impulses[name[0]], t)[1]

    def early(self, name, t, n, *, stream):
        return jnp.int32(0) if name[0] == "x" else _at(self.impulses["y"], t)[0]

    def synapse(self, name, t, epoch, shape, *, stream):
        return _at(self.synapses, t // epoch)


def _at(table: Array, i: Array) -> Array:
    return table[i % table.shape[0]]


def _top(word: Array, bits: int) -> Array:
    return (word >> jnp.uint32(32 - bits)).astype(jnp.int32)


def _named(stream: Array, name: str) -> tuple[Array, Array]:
    """A stream of its own for one trace or variable."""
    return _random.threefry((stream[0], stream[1]), (jnp.uint32(zlib.crc32(name.encode())), jnp.uint32(1)), rounds=20)
