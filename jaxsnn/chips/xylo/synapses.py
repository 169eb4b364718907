"""Synapses of Xylo, weights of 8 bits with a shift, whose spikes travel as counts; and programs of them."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Int

from ..._types import Register, register
from ...connectivity.ring import Ring
from ...lowering.cells import AbstractCells, InputCounts
from ...lowering.program import Program
from ...lowering.registers import whole
from ...lowering.storage import stored
from ...lowering.synapses import AbstractCarrier, AbstractSynapses
from .cells import XyloCells


@stored
class XyloSynapses(AbstractSynapses):
    """`weight << shift` from every sender to every synapse of every receiver, which receives it in the next step.

    **Arguments:** `weight`: -128..127, `(senders, currents)`: currents `0 .. n - 1` are those of first synapses,
    `n .. 2 n - 1` of second ones. `shift`: 0..8. `most`: spikes a step of a sender, static: 15 of an input, 31 of a
    hidden neuron. `delay`: steps by which the host sends later; `max_delay`: the same, static.
    """

    pre: str = eqx.field(static=True)
    post: str = eqx.field(static=True)
    weight: Register = register(within=(-128, 127))
    shift: Register = register(0, within=(0, 8))  # what is shifted by more does not fit 16 bits
    most: int = eqx.field(default=31, static=True, kw_only=True)
    delay: Register = register(0, kw_only=True)
    max_delay: int = eqx.field(default=0, static=True, kw_only=True)

    def __check_init__(self):
        whole(self, most=1)
        if (axes := (self.weight.ndim, self.shift.ndim, self.delay.ndim)) != (2, 0, 0):
            raise ValueError(f"XyloSynapses have weight, shift and delay of {axes} axes; expected (2, 0, 0).")

    def register_ranges(self):
        return {**super().register_ranges(), "delay": (0, self.max_delay)}

    @property
    def shape(self):
        return self.weight.shape

    @property
    def worth(self) -> Int[Array, "senders currents"]:
        """What a spike adds."""
        return self.weight << self.shift

    @property
    def ends(self) -> tuple[Int[Array, " currents"], Int[Array, " currents"]]:
        """The least and the most that a step brings."""
        worth = self.most * self.worth
        return jnp.minimum(worth, 0).sum(axis=0), jnp.maximum(worth, 0).sum(axis=0)

    def input_bounds(self, pre, post):
        return self.ends

    def unsupported(self, post):
        known = isinstance(post, XyloCells) and self.pre in dict(post.senders)
        return None if known else f"a sender {self.pre!r} whose spikes {self.post!r} has no place for; use xylo_program"

    def prepare(self, pre, post, ring, first):
        assert isinstance(post, XyloCells)  # see `unsupported`
        if (sends := 2**pre.message_bits - 1) > self.most:
            raise ValueError(f"XyloSynapses from {self.pre!r} take {self.most} spikes a step; expected most={sends}.")
        names = [name for name, _ in post.senders]
        return Counts(self.delay, ring, first + sum(n for _, n in post.senders[: names.index(self.pre)]))


class Counts(AbstractCarrier):
    """Carries the spikes of every sender by themselves, since the order in which they are added may matter."""

    delay: Int[Array, ""]
    ring: Ring = eqx.field(static=True)
    first: int = eqx.field(static=True)

    def send(self, s, buffer, spikes, t):
        return self.ring.add(buffer, t + 1 + self.delay, self.first, spikes)


def xylo_program(
    cells: Mapping[str, AbstractCells], synapses: Mapping[str, XyloSynapses], dt: float = 1.0, **more: Any
) -> Program:
    """A `Program` of `InputCounts` and `XyloCells` that adds spikes in the order of the chip: inputs come first.

    Groups are in the order of their names. `more`: as of `Program`.
    """
    ready = dict(cells)
    for name, group in cells.items():
        if isinstance(group, XyloCells):
            into = [each.pre for each in synapses.values() if each.post == name]
            if len(into) > len(set(into)):
                raise ValueError(f"Two XyloSynapses go from one group to {name!r}; expected one, to both synapses.")
            order = sorted(into, key=lambda pre: (not isinstance(cells[pre], InputCounts), pre))
            ready[name] = dataclasses.replace(group, senders=tuple((pre, cells[pre].n) for pre in order))
    return Program(ready, dict(synapses), dt, **more)
