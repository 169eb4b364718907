"""Neurons of TrueNorth with the axons and the crossbar that they share."""

import dataclasses
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from ... import _random
from ..._status import Status, bit
from ..._types import OptionalRegister, Register, Requirement, as_integer, is_concrete, register, shown
from ...connectivity.dense import many_rows_of
from ...connectivity.ring import Ring
from ...connectivity.sparse import Rows
from ...connectivity.spikes import Spikes
from ...lowering.cells import AbstractCells, gains
from ...lowering.intervals import Interval
from ...lowering.storage import stored
from .arithmetic import MAGNITUDE, POTENTIAL, TYPES, WEIGHT, AbstractRules, Published, compared, gated, leaked
from .ranges import reach

_MATRIX = 2**22  # axons x neurons up to which a matrix is faster than a list, on a CPU


class CoreState(NamedTuple):
    """Potential, the spikes of the last step; how many spikes each axon lost to others of the same step, and how often
    the potential did not fit 20 bits.
    """

    v: Int[Array, " n"]
    sent: Int[Array, " n"]
    merged: Int[Array, " axons"]
    overflowed: Int[Array, " n"]


def _optional(x: Any) -> Any:
    return None if x is None else as_integer(x)


@stored
class CoreCells(AbstractCells):
    """Neurons behind a crossbar. An axon has one of four types; a crossbar bit connects it to a neuron, which has a
    weight for each type. Two spikes that meet at an axon in one step are one. In a step

        v <- v + sum of weight[type of axon, j] over axons with a spike and a bit
        v <- v + leak                                (+ sgn(v) leak with `reversal`)
        a spike where v >= threshold + eta, then by `reset_mode`: v <- reset (0), v - threshold - eta (1), v (2)
        else where v < -(negative + eta): v <- -reset, v + negative + eta, v
        else with `saturates` where v < -negative: v <- -negative

    Random modes: a weight with a bit in `random_weight` is +-1 with the probability that `rules` say, drawn for each
    spike and synapse, else 0; so is the leak with `random_leak`; `eta` has `noise_bits` random bits. The generator of
    the chip was not published: these modes agree with it in distribution only.

    Neurons may be on several cores of 256 axons and 256 neurons, whose axons are numbered through; `core`, `(n,)`, and
    `axon_core`, `(axons,)`, count them from 0. None: all are on one. `copies_of`, static: the group in whose cores they
    are as further columns, on the same axons.

    **Arguments**, whole numbers of shape `()` or `(n,)` but where said: `axon_type`: `(axons,)`, 0..3. `start`,
    `receiver`: the crossbar as lists, neurons of axon `i` are `receiver[start[i] : start[i + 1]]`; `CoreCells.of` takes
    a matrix. `weight`: `(4, n)`, -256..255. `random_weight`: `(4, n)`, 0 or 1. `leak`: -256..255. `threshold`,
    `negative`: below 2^18. `reset`, `v_start`: 20 bits. `reset_mode`: 0, 1, 2. `saturates`, `reversal`, `random_leak`:
    0 or 1. `noise_bits`: 0..18. None: nothing of this is random. `rules`: `Published()` or `Ranc()`.

    **Reference:** Cassidy et al., IJCNN 2013, as NeMo, RANC and PAIBox read it.
    """

    n: int = eqx.field(static=True)
    axon_type: Array = eqx.field(converter=as_integer)
    start: Array = eqx.field(converter=as_integer)
    receiver: Array = eqx.field(converter=as_integer)
    weight: Array = eqx.field(converter=as_integer)
    threshold: Register = register(within=MAGNITUDE)
    negative: Register = register(MAGNITUDE[1], within=MAGNITUDE, kw_only=True)
    leak: Register = register(0, within=WEIGHT, kw_only=True)
    reset: Register = register(0, within=POTENTIAL, kw_only=True)
    v_start: Register = register(0, within=POTENTIAL, kw_only=True)
    reset_mode: Register = register(0, within=(0, 2), kw_only=True)
    saturates: Register = register(1, within=(0, 1), kw_only=True)
    reversal: Register = register(0, within=(0, 1), kw_only=True)
    random_weight: Array | None = eqx.field(default=None, converter=_optional, kw_only=True)
    random_leak: OptionalRegister = register(None, optional=True, within=(0, 1), kw_only=True)
    noise_bits: OptionalRegister = register(None, optional=True, within=(0, 18), kw_only=True)
    rules: AbstractRules = eqx.field(default_factory=Published, kw_only=True)
    core: Array | None = eqx.field(default=None, converter=_optional, kw_only=True)
    axon_core: Array | None = eqx.field(default=None, converter=_optional, kw_only=True)
    copies_of: str | None = eqx.field(default=None, static=True, kw_only=True)
    ports: dict[str, Array] = eqx.field(default_factory=dict, converter=gains, kw_only=True)
    adds: Rows | Array | None = eqx.field(default=None, kw_only=True)  # `prepare` fills in what spikes of axons add

    def __check_init__(self):
        shapes = {"weight": self.weight, "random_weight": self.random_weight}
        for name, x in shapes.items():
            if x is not None and x.shape != (TYPES, self.n):
                raise ValueError(f"CoreCells.{name} has shape {x.shape}; expected {(TYPES, self.n)}.")
        if self.ports:
            raise ValueError(f"CoreCells have ports {[*self.ports]}; expected none, as the host feeds axons.")
        axons = self.axon_type.shape
        if len(axons) != 1 or self.receiver.ndim != 1 or self.start.shape != (axons[0] + 1,):
            raise ValueError(
                f"CoreCells have axon_type {axons}, start {self.start.shape} and receiver {self.receiver.shape}; "
                "expected (axons,), (axons + 1,) and a list, as CoreCells.of makes them of a matrix."
            )
        if is_concrete((self.start, self.receiver)):
            start, receiver = np.asarray(self.start), np.asarray(self.receiver)
            each = np.diff(start)
            fits = start[0] == 0 and start[-1] == receiver.size and np.all(each >= 0)
            if not fits or np.unique(np.repeat(np.arange(len(each)), each) * self.n + receiver).size < receiver.size:
                raise ValueError("CoreCells have a crossbar that is no list of different neurons for every axon.")

    def requirements(self):
        within = lambda name, x, low, high: Requirement(
            lambda: (x >= low) & (x <= high), lambda: f"CoreCells.{name} is {shown(x)}; expected {low} .. {high}."
        )
        found = [
            within("axon_type", self.axon_type, 0, TYPES - 1),
            within("receiver", self.receiver, 0, self.n - 1),
            within("weight", self.weight, *WEIGHT),
        ]
        if self.random_weight is not None:
            found.append(within("random_weight", self.random_weight, 0, 1))
        return (*super().requirements(), *found)

    @classmethod
    def of(cls, crossbar: Any, axon_type: Any, weight: Any, threshold: Any, **more: Any) -> "CoreCells":
        """From a matrix `(axons, n)` of the crossbar's bits."""
        bits = np.asarray(crossbar)
        axon, receiver = np.nonzero(bits)
        start = np.concatenate([[0], np.cumsum(np.bincount(axon, minlength=len(bits)))])
        return cls(bits.shape[1], axon_type, start, receiver, weight, threshold, **more)

    @property
    def axons(self) -> int:
        """How many axons there are."""
        return self.axon_type.shape[0]

    @property
    def receivers(self):
        return self.axons

    @property
    def axon(self) -> Int[Array, " synapses"]:
        """The axon of every synapse."""
        each = jnp.arange(self.receiver.shape[0], dtype=jnp.int32)
        return jnp.searchsorted(self.start, each, side="right").astype(jnp.int32) - 1

    @property
    def added(self) -> Int[Array, " synapses"]:
        """What a spike adds through every synapse, were no weight random."""
        return self.weight[self.axon_type[self.axon], self.receiver]

    def prepare(self, into):
        if self.random_weight is not None:
            return self
        if self.axons * self.n <= _MATRIX:
            matrix = jnp.zeros((self.axons, self.n), jnp.int16)
            return dataclasses.replace(self, adds=matrix.at[self.axon, self.receiver].set(self.added.astype(jnp.int16)))
        rows = Rows(self.start, self.receiver, self.added, Ring(1, self.n), min(self.n, 256))
        return dataclasses.replace(self, adds=rows)

    def init(self):
        zero = jnp.zeros(self.n, jnp.int32)
        return CoreState(zero + self.v_start, zero, jnp.zeros(self.axons, jnp.int32), zero)

    def step(self, s, arrived, fed, t, *, stream):
        active = arrived > 0
        merged = jnp.abs(arrived - active.astype(jnp.int32))
        first, second = _random.words(
            stream, t, jnp.arange(self.n, dtype=jnp.uint32)
        )  # used where leak or eta is random
        v = s.v + self._through(active, t, stream)
        leak = jnp.broadcast_to(self.leak, (self.n,))
        if self.random_leak is not None:
            leak = jnp.where(self.random_leak > 0, gated(leak, first, self.rules.lowest), leak)
        v = leaked(v, leak, self.reversal, self.rules)
        noise = jnp.zeros((), jnp.int32)
        if self.noise_bits is not None:
            noise = (second >> 14).astype(jnp.int32) & ((1 << self.noise_bits) - 1)
        lost = (v < POTENTIAL[0]) | (v > POTENTIAL[1])
        v, sent = compared(
            v, noise, self.threshold, self.negative, self.reset, self.reset_mode, self.saturates, self.rules
        )
        status = bit(Status.INPUT_OVERFLOW, merged > 0) | bit(Status.CURRENT_OVERFLOW, lost)
        return CoreState(v, sent, s.merged + merged, s.overflowed + lost.astype(jnp.int32)), sent, status

    def _through(self, active: Bool[Array, " axons"], t: Array, stream: Array) -> Int[Array, " n"]:
        """What the spikes of a step add through the crossbar."""
        if self.random_weight is not None:
            kind, axon = self.axon_type[self.axon], self.axon
            ids = self.n + jnp.arange(self.receiver.shape[0], dtype=jnp.uint32)
            drawn = gated(self.added, _random.words(stream, t, ids)[0], self.rules.lowest)
            each = jnp.where(self.random_weight[kind, self.receiver] > 0, drawn, self.added)
            return jnp.zeros(self.n, jnp.int32).at[self.receiver].add(jnp.where(active[axon], each, 0))
        assert self.adds is not None  # `prepare` filled it in
        spikes = active.astype(jnp.int32)
        if isinstance(self.adds, Rows):
            return self.adds.deliver(jnp.zeros(self.n, jnp.int32), Spikes.found(spikes), jnp.int32(0))
        return many_rows_of(spikes, self.adds)

    def bounds(self, low, high):
        return {"voltage": Interval(*reach(self))} if is_concrete(self) else {}

    def limits(self):
        return {"voltage": POTENTIAL}

    def describe(self):
        bits, room = self.receiver.shape[0], max(1, self.axons * self.n)
        return f"CoreCells behind {self.axons} axons, {bits} crossbar bits ({100 * bits / room:.3g} %)"
