"""The synapses of a projection that is built, divided among devices: each holds those into its own neurons."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from ..._types import is_concrete, on_device
from ...connectivity.graph import AbstractGraph, DenseGraph, SparseGraph
from ...connectivity.layer import Layered
from ...plasticity.base import AbstractModifier, Chain
from ...plasticity.shapes import reads_membranes
from ..model import Network
from ..population import Population
from ..projection import Projection
from .stacking import Cut, Divider, replaced


def unsupported(net: Network) -> str | None:
    """Why a network cannot be divided among devices, with what to do instead; None if it can."""
    for name, p in net.projections.items():
        if (why := unsupported_projection(name, p)) is not None:
            return why
    return unsupported_populations(net.populations) if is_concrete(net) else TRACED


TRACED = "its numbers are being traced; divide it outside jit"


def unsupported_projection(name: str, p: Projection) -> str | None:
    """The same for one projection."""
    if p.plastic is not None and (why := _elsewhere(p.plastic.rule, p.graph)) is not None:
        return f"the rule of projection {name!r} {why}; run it on one device, or give it frozen: net.frozen()"
    if p.synapse is not None:
        kind = type(p.synapse).__name__
        return f"the synapses of projection {name!r} ({kind}) are integrated in every step; run it on one device"
    if isinstance(p.graph, Layered):
        return f"projection {name!r} goes through a Layer, which is not divided; give a topology instead"
    return None


def unsupported_populations(populations: dict[str, Population]) -> str | None:
    """The same for populations."""
    for name, population in populations.items():
        n, kind = population.n, type(population.neuron).__name__
        if any(x.shape != (n,) for x in jax.tree.leaves(jax.eval_shape(population.rest))):
            return f"the state of {kind}, the neuron of {name!r}, or of its ports is not one number a neuron"
    return None


def _elsewhere(rule: Chain, graph: AbstractGraph) -> str | None:
    """What a rule reads that is on other devices than its synapses; None if there is nothing."""
    for part in rule.parts:
        if reads_membranes(part, "pre", graph.n_pre, graph.n_post):
            return f"({type(part).__name__}) reads membranes of sending neurons, which are on other devices"
        if isinstance(part, AbstractModifier) and reads_membranes(part, "post", graph.n_pre, graph.n_post):
            return f"({type(part).__name__}) counts membranes of receiving neurons, which are on other devices"
    return None


def split(p: Projection, divider: Divider) -> Projection:
    """The parts of a projection, stacked."""
    if isinstance(p.graph, DenseGraph) and p.reliability is None:
        return divider.matrix(p)
    return divider.lists(_cut(*_listed(p), divider))


def _listed(p: Projection) -> tuple[Projection, np.ndarray]:
    """The projection with a list of its synapses, and their places on one device, on which their draws depend."""
    if isinstance(p.graph, SparseGraph):
        return p, np.arange(p.graph.post.size, dtype=np.int32)
    graph: Any = p.graph
    there = np.ones(graph.shape, bool) if graph.count is None else np.asarray(graph.count) > 0
    start = np.append(0, np.cumsum(np.count_nonzero(there, axis=1))).astype(np.int32)
    post = np.nonzero(there)[1].astype(np.int32)
    flat = lambda x: x if x is None or x.ndim == 0 else np.asarray(x)[there]
    edges = SparseGraph(on_device(start), on_device(post), graph.n_pre, graph.n_post, graph.n_post)
    return replaced(p, graph=edges, weight=flat(p.weight), delay=flat(p.delay)), np.flatnonzero(there).astype(np.int32)


def _cut(p: Projection, places: np.ndarray, divider: Divider) -> Cut:
    graph: Any = p.graph
    start, post = np.asarray(graph.start), np.asarray(graph.post)
    real, number = int(start[-1]), divider.shards.number
    pre = np.repeat(np.arange(graph.n_pre, dtype=np.int32), np.diff(start))
    device = post[:real] // divider.shards.own(graph.n_post)
    parts, room, width = {}, 1, 1
    for i in range(number):
        mine = np.flatnonzero(device == i)
        each = np.bincount(pre[mine], minlength=graph.n_pre)
        if p.plastic is not None:  # what is behind the last synapse is seen among the weights, too
            mine = np.append(mine, np.arange(real + i, post.size, number))
        room, width = max(room, mine.size), max(width, int(np.max(each, initial=0)))
        if i in divider.here:
            parts[i] = _some(p, mine, np.append(0, np.cumsum(each)).astype(np.int32)), places[mine]
    of = lambda k: {i: part[k] for i, part in parts.items()}
    return Cut(of(0), of(1), post.size, room, width)


def _some(p: Projection, mine: np.ndarray, start: np.ndarray) -> Projection:
    """Some synapses of a projection, of which those of each sender begin at `start`."""
    graph: Any = p.graph
    some = lambda x: x if x is None or x.ndim == 0 else np.asarray(x)[mine]
    plastic = p.plastic
    if plastic is not None:
        shares = lambda plastic: (plastic.axonal, plastic.index.dendritic)
        plastic = eqx.tree_at(shares, plastic, tuple(map(some, shares(plastic))))
    post = on_device(np.asarray(graph.post)[mine])
    edges = SparseGraph(on_device(start), post, graph.n_pre, graph.n_post, graph.width)
    return replaced(p, graph=edges, weight=some(p.weight), delay=some(p.delay), plastic=plastic)


def shortest(projections: dict[str, Projection], divider: Divider) -> int:
    """The shortest delay behind a synapse, steps, of stacked parts; 0 if spikes act in their step.

    A spike may not have left the ring slot of the step in which a plastic synapse sends it on: its dendritic delay
    counts.
    """
    everywhere = NamedSharding(divider.mesh, P())

    def known(p: Projection) -> int:
        if p.delay is None:
            return 0
        steps = p.delay if p.plastic is None else p.plastic.index.dendritic
        return int(jax.jit(jnp.min, out_shardings=everywhere)(steps))

    return min(map(known, projections.values()), default=1)
