"""The stepper of the neurons of one device, whose spikes are delivered when those of all devices are there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
from jax import lax
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P
from jaxtyping import Array

from ...connectivity.spikes import Spikes
from ..delivery import Moment, PlasticSynapses, Projections, Sent
from ..model import Network
from ..population import Population
from ..projection import Projection
from ..shards import Shards, squeezed, stacked
from ..stepper import NetworkStepper
from .learning import PlasticPart


class Context(NamedTuple):
    """What plastic synapses read in a step beside its spikes."""

    membranes: dict[str, Array | None]  # of own neurons, by population
    modulators: dict[str, Array]


class Late(NamedTuple):
    """The states of projections, which will learn, and send on, when all spikes are known."""

    projections: Projections
    context: Context


class LocalStepper(NetworkStepper):
    """Steps the neurons of one device; their spikes wait until `deliver_late`.

    A step ends with its state and its `Context`.
    """

    def everybody(self, spikes: dict[str, Array], sent: Mapping[str, Array | Spikes]) -> Sent:
        return Sent(spikes, None, sent, self.layout)

    def deliver(self, ring, projections, sent, populations, inputs, t, key) -> Any:
        learning = [delivery for delivery in self.deliveries if isinstance(delivery, PlasticSynapses)]
        reads = {each.post for each in learning if isinstance(each.plastic, PlasticPart) and each.plastic.membranes}
        membranes = self.membranes(populations)
        context = Context({name: membranes(name) for name in reads}, inputs.modulators if learning else {})
        return ring, Late(projections, context)

    def next(self, state, populations, projections: Any, ring) -> Any:
        return super().next(state, populations, projections.projections, ring), projections.context

    def deliver_late(
        self, ring: Array, projections: Projections, everybody: Spikes, context: Context, t: Array, key: Array
    ) -> tuple[Array, Projections]:
        """The ring with the spikes that all neurons sent in step `t`, and the states of projections that learnt."""
        sent = Sent({}, everybody, {}, self.layout)
        now = Moment(t, key, context.membranes.get, context.modulators, lambda name: None)
        for delivery in self.deliveries:
            ring, projections = delivery.deliver(ring, projections, sent, now)
        return ring, projections


def part_of(population: Population, shards: Shards, i: int | Array) -> Population:
    """The part of a population on device `i`."""
    n = population.n
    one = lambda x: lax.dynamic_index_in_dim(shards.split(x, n), i, keepdims=False) if x.ndim else x
    arrays, rest = eqx.partition((population.neuron, population.ports), eqx.is_array)
    neuron, ports = eqx.combine(jax.tree.map(one, arrays), rest)
    return Population(neuron, shards.own(n), ports)


def local_stepper(
    kind: type[NetworkStepper],
    whole: Network,
    parts: dict[str, Projection],
    mesh: Mesh,
    shards: Shards,
    *,
    fused: bool,
) -> NetworkStepper:
    """The steppers of all devices, stacked. What a device has in `parts` already is not copied."""
    divided, other = eqx.partition(parts, eqx.is_array)
    given, form = jax.tree.flatten(divided)
    found: list[Any] = []

    def prepare(given: list[Array], populations: Any) -> list[Array]:
        given, here = squeezed(given), lax.axis_index(shards.axis)
        stepper = kind.of(
            {name: part_of(p, shards, here) for name, p in populations.items()},
            eqx.combine(jax.tree.unflatten(form, given), other),
            whole.order,
            whole.dt,
            differentiated=False,
            fused=fused,
            shards=shards,
        )
        arrays, rest = eqx.partition(stepper, eqx.is_array)
        leaves, structure = jax.tree.flatten(arrays)
        known = {id(x): i for i, x in enumerate(given)}
        places = [known.get(id(x)) for x in leaves]
        found[:] = places, structure, rest
        return stacked([x for x, place in zip(leaves, places) if place is None])

    every = P(shards.axis)
    spread = jax.shard_map(prepare, mesh=mesh, in_specs=(every, P()), out_specs=every, check_vma=False)
    new = iter(spread(given, whole.populations))
    places, structure, rest = found
    leaves = [next(new) if place is None else given[place] for place in places]
    return eqx.combine(jax.tree.unflatten(structure, leaves), rest)
