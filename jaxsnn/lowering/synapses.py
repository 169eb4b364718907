"""Groups of synapses on a chip: mantissas with one exponent, and how spikes carry them into the ring of arrivals."""

from __future__ import annotations

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from .._types import is_concrete
from ..connectivity.dense import many_rows_of
from ..connectivity.ring import Ring
from ..connectivity.sparse import Rows
from .cores import AbstractSign, Core, Mixed, OnSum
from .fixed import Ranged, register, shift, span, whole

EXPONENT = (-8, 7)  # of a group of synapses


def one_number(part: object, *names: str) -> None:
    """Refuses registers of a group of synapses that are not one number."""
    for name in names:
        if getattr(part, name).shape != ():
            shape = getattr(part, name).shape
            raise ValueError(f"{type(part).__name__}.{name} has shape {shape}; expected one number for the group.")


class AbstractCarrier(eqx.Module):
    """A group of synapses, ready to run: what `prepare` derives from it."""

    @abc.abstractmethod
    def send(self, s: Any, buffer: Int[Array, " ring"], spikes: Int[Array, " pre"], t: Array) -> Int[Array, " ring"]:
        """The ring with what the spikes of step `t` bring; delay 0 lands in step `t + 1`."""

    def learn(self, s: Any, pre: Array, post: Array, modulators: dict[str, Array], t: Array, *, stream: Array) -> Any:
        """The state after step `t`, from the spikes of both sides and what a drive modulates. Called after `send`."""
        return s


class AbstractSynapses(Ranged):
    """Synapses from one group of cells to another."""

    pre: eqx.AbstractVar[str]
    post: eqx.AbstractVar[str]
    max_delay: eqx.AbstractVar[int]

    def __check_init__(self):
        whole(self, max_delay=0)
        if not isinstance(self.pre, str) or not isinstance(self.post, str):
            raise ValueError(f"{type(self).__name__} goes from {self.pre!r} to {self.post!r}; expected names of cells.")

    @property
    @abc.abstractmethod
    def shape(self) -> tuple[int, int]:
        """How many senders and receivers there are; of cells with two inlets, each of them."""

    def init(self) -> Any:
        """The state in which a program starts; none where nothing is learned."""
        return ()

    def mantissas(self, core: Core) -> tuple[Array, tuple[int, int]]:
        """The mantissas of weights, and the smallest and the largest that a core has for them."""
        return jnp.zeros((), jnp.int32), (0, 0)

    def misfit(self, core: Core) -> str | None:
        """What of it a core cannot hold, and what to do; None where it can, or does not know yet."""
        weight, (low, high) = self.mantissas(core)
        if not is_concrete(weight) or np.all((np.asarray(weight) >= low) & (np.asarray(weight) <= high)):
            return None
        return f"weights of {span(weight)}, and its core has {low} .. {high} for their sign; start within"

    def beyond(self, core: Core) -> Bool[Array, ""]:
        """The same of traced numbers."""
        weight, (low, high) = self.mantissas(core)
        return jnp.any((weight < low) | (weight > high))

    @abc.abstractmethod
    def reach(self, core: Core, message_bits: int = 0) -> tuple[Array, Array]:
        """The least and the most that a step can bring to every receiver, in units of 2^6: a spike of each sender.

        `message_bits`: of its amplitude; without limits where the sum of such spikes may not fit its register.
        """

    @abc.abstractmethod
    def prepare(self, core: Core, ring: Ring, first: int, message_bits: int = 0) -> AbstractCarrier:
        """What steps; the arrivals of the receiving group begin at `first` in a slot of the ring.

        `message_bits`: of the senders' amplitudes. Sums are kept in 32 bits, as two's complement.
        """


def graded_reach(
    low: Array, high: Array, exponent: Array, message_bits: int, *, sum_bits: int = 31
) -> tuple[Array, Array]:
    """What spikes of any amplitude can bring where those of amplitude 1 bring from `low` to `high`.

    `sum_bits`, and a sign: what is kept of a sum before a negative exponent acts on it.
    """
    if not message_bits:
        return low, high
    size = (jnp.maximum(-low, high) + 1).astype(jnp.float32)  # of either sign; 1 may have been rounded away
    size = size * (2.0**message_bits - 1.0)
    whole = size * jnp.exp2(jnp.maximum(-exponent, 0).astype(jnp.float32)) < 2.0**sum_bits
    size = jnp.where(whole, size, jnp.inf)
    return -size, size


class AbstractFormatted(AbstractSynapses):
    """Synapses of one format: mantissas with an exponent, a sign mode, and so many bits stored."""

    weight: eqx.AbstractVar[Array]
    exponent: eqx.AbstractVar[Array]
    bits: eqx.AbstractVar[Array]
    sign: eqx.AbstractVar[AbstractSign]
    delay: eqx.AbstractVar[Array]

    def ranges(self):
        return {**super().ranges(), "weight": self.sign.widest, "delay": (0, self.max_delay)}

    def mantissas(self, core):
        return self.weight, self.sign.range(core)

    def stored(self, core: Core) -> Int[Array, "..."]:
        """The mantissas that a core keeps: in the range of the sign mode, without the bits that are not stored."""
        low, high = self.sign.range(core)
        kept = jnp.clip(self.weight, low, high)
        return core.truncation(kept, 8 - self.bits + self.sign.spent, self.sign)

    def effective(self, core: Core) -> Int[Array, "..."]:
        """What a spike adds, in units of 2^6, where the exponent acts on every synapse: 16 bits hold it."""
        return jnp.clip(shift(self.stored(core), self.exponent), -(2**15) + 1, 2**15 - 1)

    def carried(self, core: Core) -> tuple[Int[Array, "..."], Int[Array, ""]]:
        """What spikes of one step add up, and the exponent that then acts on the sum."""
        if isinstance(core.scaling, OnSum):
            return self.stored(core), self.exponent
        return self.effective(core), jnp.zeros((), jnp.int32)

    def reach(self, core: Core, message_bits: int = 0) -> tuple[Array, Array]:
        weight, exponent = self.carried(core)
        low, high = (shift(self.total(part), exponent) for part in (jnp.minimum(weight, 0), jnp.maximum(weight, 0)))
        low = low - jnp.where(exponent < 0, self.max_delay, 0)  # spikes of one delay are rounded down together
        return graded_reach(low, high, self.exponent, message_bits)

    @abc.abstractmethod
    def total(self, x: Array) -> Int[Array, " post"]:
        """The sum over the synapses of every receiver."""


class Synapses(AbstractFormatted):
    """A matrix of synapses: a spike adds `weight 2^(6 + exponent)` to the input of a cell, `delay + 1` steps later.

    A graded spike adds so many times its amplitude. Cells of Loihi 2 that are not of the leaky kinds hear
    `weight 2^exponent`.

    **Arguments:** `weight`: mantissas, whole numbers of shape `(n_pre, n_post)`, that `sign` has: 8 bits.
    `exponent`: -8..7, one for the group. `bits`: mantissa bits that are stored, 0..8. `sign`: `Mixed()` (spends a bit),
    `Excitatory()` or `Inhibitory()`. `delay`: steps, `()` or as `weight`; `max_delay`: static, at most 62.
    """

    pre: str = eqx.field(static=True)
    post: str = eqx.field(static=True)
    weight: Array = register()
    exponent: Array = register(0, within=EXPONENT)
    bits: Array = register(8, within=(0, 8))
    sign: AbstractSign = eqx.field(default_factory=Mixed)
    delay: Array = register(0)
    max_delay: int = eqx.field(default=0, static=True, kw_only=True)

    def __check_init__(self):
        if self.weight.ndim != 2:
            raise ValueError(f"Synapses.weight has shape {self.weight.shape}; expected (n_pre, n_post).")
        if self.delay.shape not in ((), self.weight.shape):
            raise ValueError(f"Synapses.delay has shape {self.delay.shape}; expected () or {self.weight.shape}.")
        one_number(self, "exponent", "bits")

    @property
    def shape(self):
        return self.weight.shape

    def total(self, x):
        return jnp.sum(x, axis=0)

    def prepare(self, core, ring, first, message_bits=0):
        if self.delay.ndim == 0:
            weight, exponent = self.carried(core)
            return Matrix(weight.astype(jnp.int16), exponent, self.delay, ring, first)
        n_pre, n_post = self.weight.shape
        ends = jnp.arange(n_pre + 1, dtype=jnp.int32) * n_post, jnp.tile(jnp.arange(n_post, dtype=jnp.int32), n_pre)
        return carrier(self, core, ends, n_post, n_post, ring, first)


class Matrix(AbstractCarrier):
    """Every synapse with the same delay: a spike adds its row."""

    weight: Int[Array, "pre post"]  # int16
    exponent: Int[Array, ""]
    delay: Int[Array, ""]
    ring: Ring = eqx.field(static=True)
    first: int = eqx.field(static=True)

    def send(self, s, buffer, spikes, t):
        a = shift(many_rows_of(spikes, self.weight), self.exponent)
        return self.ring.add(buffer, t + 1 + self.delay, self.first, a)


class SummedFirst(AbstractCarrier):
    """A list of synapses. All that lands in one step is summed before the exponent acts, which may lose bits."""

    rows: Rows  # into a small ring of its own, a slot a delay
    exponent: Int[Array, ""]
    ring: Ring = eqx.field(static=True)
    first: int = eqx.field(static=True)

    def send(self, s, buffer, spikes, t):
        own = self.rows.ring
        landed, _ = self.rows.deliver(own.empty(jnp.int32), spikes, jnp.int32(0))
        a = shift(landed, self.exponent).reshape(own.slots, own.width)
        slots = self.ring.start(t + 1 + jnp.arange(own.slots, dtype=jnp.int32))
        place = slots[:, None] + self.first + jnp.arange(own.width, dtype=jnp.int32)[None]
        return buffer.at[place].add(a)


class Scattered(AbstractCarrier):
    """A list of synapses, each with what it adds: straight into the ring."""

    rows: Rows

    def send(self, s, buffer, spikes, t):
        return self.rows.deliver(buffer, spikes, t + 1)[0]


def carrier(
    group: AbstractFormatted, core: Core, ends: tuple[Array, Array], longest: int, n_post: int, ring: Ring, first: int
) -> AbstractCarrier:
    """What carries a list of synapses, a row a sender. `ends`: where rows start, receivers; `longest`: of the rows."""
    start, post = ends
    pre = jnp.searchsorted(start, jnp.arange(post.shape[0], dtype=jnp.int32), side="right").astype(jnp.int32) - 1

    def rows(weight: Array, into: Ring, first: int) -> Rows:
        place = group.delay.reshape(-1) * into.width + first + post
        return Rows(start, pre, place, weight.reshape(-1), into, longest, capacity=start.shape[0] - 1)

    weight, exponent = group.carried(core)
    if isinstance(core.scaling, OnSum):
        return SummedFirst(rows(weight, Ring(group.max_delay + 1, n_post), 0), exponent, ring, first)
    return Scattered(rows(weight, ring, first))


def sign_of(weight: Array) -> AbstractSign:
    """The sign mode that fits concrete weights; all-zero ones are excitatory."""
    from .cores import Excitatory, Inhibitory

    if not is_concrete(weight):
        return Mixed()
    w = np.asarray(weight)
    return Excitatory() if np.all(w >= 0) else Inhibitory() if np.all(w <= 0) else Mixed()
