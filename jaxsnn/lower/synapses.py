"""Groups of synapses on a chip: mantissas with one exponent, and how spikes carry them into the ring of arrivals."""

from __future__ import annotations

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from .._types import check, is_concrete
from ..connect.dense import many_rows_of
from ..connect.ring import Ring
from ..connect.sparse import Rows
from .cores import AbstractSign, Core, Mixed, OnSum
from .fixed import register, shift


class AbstractCarrier(eqx.Module):
    """A group of synapses, ready to run: what `prepare` derives from it."""

    @abc.abstractmethod
    def send(self, s: Any, buffer: Int[Array, " ring"], spikes: Int[Array, " pre"], t: Array) -> Int[Array, " ring"]:
        """The ring with what the spikes of step `t` bring; delay 0 lands in step `t + 1`."""

    def learn(self, s: Any, pre: Array, post: Array, modulators: dict[str, Array], t: Array, *, stream: Array) -> Any:
        """The state after step `t`, from the spikes of both sides and what a drive modulates. Called after `send`."""
        return s


class AbstractSynapses(eqx.Module):
    """Synapses from one group of cells to another that share a format."""

    pre: eqx.AbstractVar[str]
    post: eqx.AbstractVar[str]
    max_delay: eqx.AbstractVar[int]

    def init(self) -> Any:
        """The state in which a program starts; none where nothing is learned."""
        return ()

    @abc.abstractmethod
    def prepare(self, core: Core, ring: Ring, first: int) -> AbstractCarrier:
        """What steps; the arrivals of the receiving group begin at `first` in a slot of the ring."""


class Synapses(AbstractSynapses):
    """A matrix of synapses: a spike adds `weight 2^(6 + exponent)` to the input of a cell, `delay + 1` steps later.

    **Arguments:** `weight`: mantissas, whole numbers of shape `(n_pre, n_post)`, of at most 8 bits and a sign.
    `exponent`: -8..7, one for the group. `bits`: mantissa bits that are stored, 0..8. `sign`: `Mixed()` (spends a bit),
    `Excitatory()` or `Inhibitory()`. `delay`: steps, `()` or as `weight`; `max_delay`: static, at most 62.
    """

    pre: str = eqx.field(static=True)
    post: str = eqx.field(static=True)
    weight: Array = register()
    exponent: Array = register(0)
    bits: Array = register(8)
    sign: AbstractSign = eqx.field(default_factory=Mixed)
    delay: Array = register(0)
    max_delay: int = eqx.field(default=0, static=True, kw_only=True)

    def __check_init__(self):
        if self.weight.ndim != 2:
            raise ValueError(f"Synapses.weight has shape {self.weight.shape}; expected (n_pre, n_post).")
        if self.delay.shape not in ((), self.weight.shape):
            raise ValueError(f"Synapses.delay has shape {self.delay.shape}; expected () or {self.weight.shape}.")
        for name, low, high in (("exponent", -8, 7), ("bits", 0, 8), ("delay", 0, self.max_delay)):
            value = getattr(self, name)
            check(
                lambda value=value, low=low, high=high: (value >= low) & (value <= high),
                f"Synapses.{name} is {value}; expected whole numbers from {low} to {high}.",
            )

    def stored(self, core: Core) -> Int[Array, "pre post"]:
        """The mantissas that a core keeps: in the range of the sign mode, without the bits that are not stored."""
        low, high = self.sign.range(core)
        kept = jnp.clip(self.weight, low, high)
        return core.truncation(kept, 8 - self.bits + self.sign.spent, self.sign)

    def effective(self, core: Core) -> Int[Array, "pre post"]:
        """What a spike adds, in units of 2^6, where the exponent acts on every synapse: 16 bits hold it."""
        return jnp.clip(shift(self.stored(core), self.exponent), -(2**15) + 1, 2**15 - 1)

    def prepare(self, core, ring, first):
        if isinstance(core.scaling, OnSum):
            weight, exponent = self.stored(core), self.exponent
        else:
            weight, exponent = self.effective(core), jnp.zeros((), jnp.int32)
        if self.delay.ndim == 0:
            return Matrix(weight.astype(jnp.int16), exponent, self.delay, ring, first)
        return DelayedMatrix(_rows(weight, self.delay, self.max_delay), exponent, ring, first)


class Matrix(AbstractCarrier):
    """Every synapse with the same delay: a spike adds its row."""

    weight: Int[Array, "pre post"]  # int16
    exponent: Int[Array, ""]
    delay: Int[Array, ""]
    ring: Ring = eqx.field(static=True)
    first: int = eqx.field(static=True)

    def send(self, s, buffer, spikes, t):
        a = shift(many_rows_of(spikes, self.weight), self.exponent) << 6
        return self.ring.add(buffer, t + 1 + self.delay, self.first, a)


class DelayedMatrix(AbstractCarrier):
    """A delay a synapse. All that lands in one step is summed before the exponent acts, which may lose bits."""

    rows: Rows  # into a small ring of its own, a slot a delay
    exponent: Int[Array, ""]
    ring: Ring = eqx.field(static=True)
    first: int = eqx.field(static=True)

    def send(self, s, buffer, spikes, t):
        own = self.rows.ring
        landed, _ = self.rows.deliver(own.empty(jnp.int32), spikes, jnp.int32(0))
        a = shift(landed, self.exponent).reshape(own.slots, own.width) << 6
        slots = self.ring.start(t + 1 + jnp.arange(own.slots, dtype=jnp.int32))
        place = slots[:, None] + self.first + jnp.arange(own.width, dtype=jnp.int32)[None]
        return buffer.at[place].add(a)


def _rows(weight: Array, delay: Array, max_delay: int) -> Rows:
    n_pre, n_post = weight.shape
    ring = Ring(max_delay + 1, n_post)
    pre, post = (x.reshape(-1) for x in jnp.indices(weight.shape, jnp.int32))
    start = jnp.arange(n_pre + 1, dtype=jnp.int32) * n_post
    return Rows(start, pre, delay.reshape(-1) * n_post + post, weight.reshape(-1), ring, n_post, capacity=n_pre)


def sign_of(weight: Array) -> AbstractSign:
    """The sign mode that fits concrete weights; all-zero ones are excitatory."""
    from .cores import Excitatory, Inhibitory

    if not is_concrete(weight):
        return Mixed()
    w = np.asarray(weight)
    return Excitatory() if np.all(w >= 0) else Inhibitory() if np.all(w <= 0) else Mixed()
