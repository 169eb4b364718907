"""Groups: populations of one kind, which are advanced as one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from .population import Population
from .projection import Projection

FEWEST = 4  # populations in a group: three are faster apart, each with numbers for parameters instead of arrays


class Group(NamedTuple):
    """Names and sizes of populations that are advanced as one; most groups are one population."""

    members: tuple[tuple[str, int], ...]

    @property
    def name(self) -> str:
        """A name that no other population has: theirs contain no dot."""
        return ".".join(name for name, _ in self.members)

    @property
    def n(self) -> int:
        """The number of neurons."""
        return sum(n for _, n in self.members)

    @property
    def first(self) -> str:
        """The name of the first member."""
        return self.members[0][0]

    def joined(self, by_population: Mapping[str, Any]) -> Any:
        """States or spikes of the members, one behind the other."""
        parts = [by_population[name] for name, _ in self.members]
        return parts[0] if len(parts) == 1 else jax.tree.map(lambda *x: jnp.concatenate(x), *parts)

    def apart(self, whole: Any) -> dict[str, Any]:
        """States or spikes by population."""
        if len(self.members) == 1:
            return {self.first: whole}
        out, at = {}, 0
        for name, n in self.members:
            out[name], at = jax.tree.map(lambda x, at=at, n=n: x[at : at + n], whole), at + n
        return out

    def filled(self, by_population: Mapping[str, Array], filler: float) -> Array | None:
        """Arrays of some of the members, with `filler` for the others; None if there are none."""
        some = next((by_population[name] for name, _ in self.members if name in by_population), None)
        if some is None or len(self.members) == 1:
            return some
        missing = lambda n: jnp.full(n, filler, some.dtype)
        return jnp.concatenate(
            [by_population[name] if name in by_population else missing(n) for name, n in self.members]
        )

    def population(self, populations: Mapping[str, Population]) -> Population:
        """The group as a population; that of several has parameters of shape `(n,)`."""
        parts = [populations[name] for name, _ in self.members]
        if len(parts) == 1:
            return parts[0]
        spread = lambda *leaves: jnp.concatenate([jnp.broadcast_to(x, (p.n,)) for x, p in zip(leaves, parts)])
        arrays, rest = eqx.partition([(p.neuron, p.ports) for p in parts], eqx.is_array)
        neuron, ports = eqx.combine(jax.tree.map(spread, *arrays), rest[0])
        return Population(neuron, self.n, ports)


def kinds(populations: Mapping[str, Population], projections: Mapping[str, Projection]) -> tuple[Group, ...]:
    """Groups of populations whose neurons and ports have the same classes and choices.

    Populations with noise have random streams of their own, and those at same-step edges wait for each other; both
    stay alone.
    """
    now = {name for p in projections.values() if p.delay is None for name in (p.pre, p.post)}
    alike: dict[Any, list[tuple[str, int]]] = {}
    for name, population in populations.items():
        alone = name in now or population.neuron.noisy
        alike.setdefault(name if alone else _kind(population), []).append((name, population.n))
    groups = [
        group
        for some in alike.values()
        for group in ([Group(tuple(some))] if len(some) >= FEWEST else map(alone_in_a_group, some))
    ]
    order = {name: i for i, name in enumerate(populations)}
    return tuple(sorted(groups, key=lambda group: order[group.first]))


def alone_in_a_group(member: tuple[str, int]) -> Group:
    """The group of one population, by name and size."""
    return Group((member,))


def _kind(population: Population) -> Any:
    """Equal for populations whose equations have the same form."""
    arrays, rest = eqx.partition((population.neuron, population.ports), eqx.is_array)
    types = tuple(leaf.dtype for leaf in jax.tree.leaves(arrays))
    return jax.tree.structure(arrays), types, tuple(jax.tree.leaves(rest)), tuple(population.ports)
