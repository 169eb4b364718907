"""Training through the chip: circuits with their numbers, and weights that are rounded to 6 bits on the way."""

import dataclasses
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from ..._types import as_number, canonical_float
from ...lowering.relaxed import AbstractRelaxedCells, AbstractRelaxedSynapses, relaxes, rounded
from .cells import AnalogCells
from .synapses import FULL, AnalogSynapses


@relaxes(AnalogCells)
class RelaxedCircuits(AbstractRelaxedCells):
    """`AnalogCells`, which compute with real numbers anyway: the derivative is that of their population.

    All numbers of `cells` can be trained, `E.cells.population.neuron.v_th` for instance.
    """

    cells: AnalogCells

    @classmethod
    def of(cls, cells: AnalogCells, surrogate: Any) -> "RelaxedCircuits":
        neuron: Any = cells.population.neuron
        if surrogate is None or not hasattr(neuron, "surrogate"):
            return cls(cells)
        return cls(eqx.tree_at(lambda c: c.population.neuron.surrogate, cells, surrogate))

    def prepare(self, into):
        return RelaxedCircuits(self.cells.prepare({name: link.group for name, link in into.items()}))

    def init(self):
        start = self.cells.init()
        return {**start, "sent": start["sent"].astype(canonical_float())}

    def step(self, s, arrived, fed, t, *, stream):
        return self.cells.step(s, arrived, fed, t, stream=stream)


@relaxes(AnalogSynapses)
class RelaxedAnalogSynapses(AbstractRelaxedSynapses):
    """`AnalogSynapses` with real weights, in LSB; they round to `group`, whose fixed pattern acts behind that."""

    group: AnalogSynapses
    weight: Array = eqx.field(converter=as_number)

    @classmethod
    def of(cls, group: AnalogSynapses, post: Any) -> "RelaxedAnalogSynapses":
        return cls(group, group.weight)

    def nearest(self, post):
        weight = jnp.where(self.group.there, self.weight, 0.0)  # what is not there has no derivative
        weight = weight if self.group.exact else rounded(weight, -FULL, FULL)
        return RelaxedAnalogSynapses(dataclasses.replace(self.group, weight=weight), weight)

    def send(self, post, ring, buffer, first, spikes, t):
        return ring.add(buffer, t + 1 + self.group.delay, first + self.group.column, spikes)
