"""Neurons of Xylo: registers of 16 bits and one step of them."""

import dataclasses
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Int

from ..._types import OptionalRegister, Register, Requirement, is_concrete, register
from ...connectivity.dense import many_rows_of
from ...lowering.cells import AbstractCells, gains
from ...lowering.registers import span
from ...lowering.storage import stored
from ...simulation.probes.base import AbstractProbe
from .arithmetic import DASH, HIGH, LOW, fired, in_order, lost, membrane, reach


class XyloState(NamedTuple):
    """Membrane, currents of both synapses (None where there is one), and the spikes of the last step."""

    v: Int[Array, " n"]
    i: Int[Array, " n"]
    i2: Int[Array, " n"] | None
    sent: Int[Array, " n"]


class Largest(AbstractProbe):
    """The largest magnitudes in a group: of the current, as input and as `u` of `Peaks`, and of the membrane."""

    name: str = eqx.field(static=True)

    def init(self, model, steps, first):
        return jnp.zeros(3, jnp.int32)

    def step(self, carry, signals, t):
        s = signals.state[self.name]
        i = s.i if s.i2 is None else s.i + s.i2
        return jnp.maximum(carry, jnp.stack([jnp.max(jnp.abs(x)) for x in (i, i, s.v)])), None

    def finish(self, carry, emitted, model):
        return carry


@stored
class XyloCells(AbstractCells):
    """Hidden neurons, or outputs. In a step, after spikes were added to the currents:

        i <- i - lost(i, dash_i)                                  of each synapse
        v <- sat(v + sat(sat(i + i2 - lost(v, dash_v)) + bias))   (version 2)
        while v >= threshold, and fewer than `most` spikes: a spike, v <- v - threshold

    Hidden ones send up to 31 spikes a step, which arrive at hidden neurons and outputs one step later; outputs have one
    synapse and send at most one spike: `most=1`.

    **Arguments**, whole numbers of shape `()` or `(n,)`: `dash_v`, `dash_i`, `dash_i2`: shifts of the decays, 0..15;
    None: there is no second synapse. `threshold`: 1..32767. `bias`: 16 bits, in version 2. `alias`: the neuron of the
    group that fires along with this one; -1, or None for all: none. `version`: 1 or 2. `senders`: groups that send, in
    the order in which spikes are added, and how many neurons each has: `xylo_program` fills it in. `starts`: the step
    in which the chip starts; spikes of the host's first step arrive in step 1. These and `most` are static.
    """

    n: int = eqx.field(static=True)
    dash_v: Register = register(within=DASH)
    dash_i: Register = register(within=DASH)
    threshold: Register = register(within=(1, HIGH))
    bias: Register = register(0, within=(LOW, HIGH))
    dash_i2: OptionalRegister = register(None, optional=True, within=DASH, kw_only=True)
    alias: OptionalRegister = register(None, optional=True, within=(-1, HIGH), kw_only=True)
    most: int = eqx.field(default=31, static=True, kw_only=True)
    version: int = eqx.field(default=2, static=True, kw_only=True)
    senders: tuple[tuple[str, int], ...] = eqx.field(default=(), static=True, kw_only=True)
    starts: int = eqx.field(default=1, static=True, kw_only=True)
    ports: dict[str, Array] = eqx.field(default_factory=dict, converter=gains, kw_only=True)
    rows: Array | None = eqx.field(default=None, kw_only=True)  # `prepare` fills in what spikes add,
    proved: Array | None = eqx.field(default=None, kw_only=True)  # and whether their order does not matter

    def __check_init__(self):
        known = lambda x, wrong: x is not None and is_concrete(x) and bool(np.any(wrong(np.asarray(x))))
        faults = {
            f"ports {[*self.ports]}; expected none, as the host feeds inputs only": self.ports,
            f"version {self.version!r} and most={self.most!r}; expected 1 or 2, and 1 (outputs) or 31": (
                self.version not in (1, 2) or self.most not in (1, 31)
            ),
            f"a bias of {span(self.bias)} in version 1; expected 0": self.version == 1
            and known(self.bias, lambda x: x != 0),
            "a second synapse or aliases as outputs; expected none": self.most == 1
            and (self.dash_i2, self.alias) != (None,) * 2,
        }
        for fault, found in faults.items():
            if found:
                raise ValueError(f"XyloCells have {fault}.")

    def requirements(self):
        if (alias := self.alias) is None:
            return super().requirements()
        words = lambda: f"XyloCells have aliases up to {alias}; expected neurons of the group of {self.n}."
        return (*super().requirements(), Requirement(lambda: alias < self.n, words))

    @property
    def message_bits(self):
        return self.most.bit_length() if self.most > 1 else 0

    @property
    def n_inputs(self):
        return 1 if self.dash_i2 is None else 2

    @property
    def columns(self):
        return sum(n for _, n in self.senders)

    @property
    def dashes(self) -> Int[Array, " currents"]:
        """The decay of every current, those of the first synapse first."""
        each = [self.dash_i, *([] if self.dash_i2 is None else [self.dash_i2])]
        return jnp.concatenate([jnp.broadcast_to(dash, (self.n,)) for dash in each])

    def prepare(self, into):
        by_name, none = {group.pre: group for group in into.values()}, jnp.zeros((1, self.n_inputs * self.n), jnp.int32)
        rows = jnp.concatenate([none, *(by_name[name].worth for name, _ in self.senders)])[1:]
        low, high = (sum((group.ends[k] for group in into.values()), none[0]) for k in (0, 1))
        return dataclasses.replace(self, rows=rows, proved=reach(low, high, self.dashes).inside(LOW, HIGH))

    def init(self):
        zero = jnp.zeros(self.n, jnp.int32)
        return XyloState(zero, zero, None if self.dash_i2 is None else zero, zero)

    def step(self, s, arrived, fed, t, *, stream):
        rows, proved = self.rows, self.proved
        assert rows is not None and proved is not None  # `prepare` filled them in
        i = s.i if s.i2 is None else jnp.concatenate([s.i, s.i2])
        summed = i + many_rows_of(arrived, rows)
        i = lax.cond(proved, lambda: summed, lambda: in_order(i, rows, arrived))
        i = i - lost(i, self.dashes)
        first, second = i[: self.n], None if s.i2 is None else i[self.n :]
        v = membrane(s.v, first if second is None else first + second, self.dash_v, self.bias, self.version)
        v, spikes = fired(v, jnp.broadcast_to(self.threshold, (self.n,)), self.most, self.alias)
        new = XyloState(v, first, second, spikes)
        new = jax.tree.map(lambda new, old: jnp.where(t < self.starts, old, new), new, s)
        return new, new.sent, jnp.uint32(0)

    def observed(self, name):
        return Largest(name)
