"""Reading a network: its projections as lists of edges, and its populations as the target reads them."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .._types import is_concrete
from ..connectivity.graph import AbstractGraph, DenseGraph
from ..networks.model import Network
from ..networks.projection import Projection
from .graph import CellNode, EdgeNode, Facts, Graph, real
from .target import AbstractTarget


def read(net: Network, target: AbstractTarget) -> Graph:
    """The network as a graph of real numbers, in its own units.

    **Raises:** ValueError that names the part that cannot be lowered, the reason, and the nearest supported thing.
    """
    if not isinstance(net, Network):
        raise ValueError(f"Got {type(net).__name__}, expected a network(...) to lower.")
    if net.order.arrivals is None:
        raise ValueError(
            f"{type(net.order).__name__} does not declare where in a step arrivals act, and lowering depends on it; set"
            " `arrivals = BeforeThreshold()` or `AfterThreshold()` in it if it is one of these, or use NestOrder()."
        )
    facts = Facts(net.dt, net.order.arrivals)
    cells: dict[str, CellNode] = {}
    for name, population in net.populations.items():
        try:
            cells[name] = target.read(population, facts)
        except ValueError as error:
            raise ValueError(f"Population {name!r}: {str(error).rstrip('.')}.") from None
    edges: dict[str, EdgeNode] = {}
    for name, projection in net.projections.items():
        if (why := _unsupported(projection)) is not None:
            raise ValueError(f"Projection {name!r} {why}.")
        if cells[projection.post].is_input:
            raise ValueError(f"Projection {name!r} goes into {projection.post!r}, which is an input; make it a LIF.")
        edges |= _edges(name, projection, target)
    done = (f"read ({type(net.order).__name__})",)
    return Graph(cells, edges, {}, facts, tuple((name, 0) for name in cells), done)


def _unsupported(p: Projection) -> str | None:
    """Why a projection cannot be lowered to any chip; None if it can."""
    if p.release is not None:
        return "has a release, and every spike of a chip arrives; build it without, from the mean weights"
    if p.synapse is not None:
        return "has synapses with a state of their own that is integrated in every step, which no chip has; use a port"
    if p.weight is None:
        return "goes through a Layer, which has no list of synapses; use a topology with weights, or write a program"
    if not is_concrete(p.graph):
        return "has a graph that is traced; build the network outside jit, and lower inside"
    if is_concrete(p.overflow) and np.any(np.asarray(p.overflow)):
        return (
            "drew more edges than it has room for, or was given indices of no neuron, and some are missing; raise its "
            "`most`, take another seed, or correct the indices"
        )
    if is_concrete(p.late) and np.any(np.asarray(p.late)):
        return "has delays that are out of range; build it with a larger max_delay"
    if p.plastic is not None and isinstance(p.graph, DenseGraph) and p.graph.count is not None:
        if np.any(np.asarray(p.graph.count) > 1):
            return "learns with several synapses of a pair in a matrix; use via=Sparse(), or multapses=False"
    return None


def _edges(name: str, p: Projection, target: AbstractTarget) -> dict[str, EdgeNode]:
    """The projection as lists of edges: several lists if a pair has several synapses that learn or differ in delay."""
    n_pre, n_post = p.graph.n_pre, p.graph.n_post
    rule = None if p.plastic is None else target.read_rule(name, p)
    given, steps = p.weight, jnp.zeros((), jnp.int32) if p.delay is None else p.delay
    if rule is not None:  # one weight a synapse
        given = jnp.broadcast_to(p.weight, p.graph.shape)
    if rule is not None and not rule.delays_differ:  # one delay for all
        steps = steps if steps.ndim == 0 else steps.reshape(-1)[0] if steps.size else jnp.zeros((), jnp.int32)
    listed = _listed if isinstance(p.graph, DenseGraph) else _in_place
    pre, post, weight, delay = listed(p.graph, given, steps)
    if isinstance(p.graph, DenseGraph):  # known while tracing too
        i, j = np.repeat(np.arange(n_pre, dtype=np.int32), n_post), np.tile(np.arange(n_post, dtype=np.int32), n_pre)
        exists = None if p.graph.count is None else np.asarray(p.graph.count).reshape(-1) > 0
    else:
        i, j = np.asarray(pre), np.asarray(post)
        exists = i < n_pre
    if exists is not None and not exists.all():
        i, j, weight, delay = i[exists], j[exists], weight[exists], delay[exists]
    pair = i.astype(np.int64) * n_post + j
    if np.any(pair[1:] < pair[:-1]):
        order = np.argsort(pair, kind="stable")
        i, j, pair, weight, delay = i[order], j[order], pair[order], weight[order], delay[order]
    first = np.concatenate([[True], pair[1:] != pair[:-1]]) if len(pair) else np.zeros(0, bool)
    one_delay = steps.ndim == 0
    if one_delay and rule is None:  # synapses of a pair are equivalent to one with the sum of their weights
        if not first.all():
            weight = jax.ops.segment_sum(weight, np.cumsum(first) - 1, int(first.sum()))
            i, j = i[first], j[first]
        layers = [slice(None)]
    else:
        rank = _rank(first)
        layers = [rank == k for k in range(int(rank.max(initial=0)) + 1)]
    out = {}
    for k, of in enumerate(layers):
        d = delay[of]
        if one_delay:  # known while tracing too
            d = np.asarray(steps if p.delay is not None else -1, np.int32) if is_concrete(steps) else steps
        w = weight[of]
        values = {"delay": real(d), "weight": real(w)}
        out[name if k == 0 else f"{name}+{k}"] = EdgeNode(
            p.pre, p.post, p.port, i[of], j[of], n_pre, n_post, values,
            sign=_sign(w) if rule is None else rule.sign, max_delay=p.max_delay, rule=rule,
        )  # fmt: skip
    return out


def _in_place(graph: AbstractGraph, weight: Array, delay: Array) -> tuple[Array, Array, Array, Array]:
    """Senders, receivers, weights and delays as a list."""
    return graph.synapses(weight, delay)


_listed = eqx.filter_jit(_in_place)  # a matrix becomes a list by ten operations: one program


def _rank(first: np.ndarray) -> np.ndarray:
    """For each synapse of a sorted list, the number of synapses of the same pair before it."""
    at = np.arange(len(first))
    return at - np.maximum.accumulate(np.where(first, at, 0))


def _sign(weight: Array) -> int:
    """1 if no weight is negative, -1 if none is positive, 0 for both or traced."""
    if not is_concrete(weight):
        return 0
    w = np.asarray(weight)
    return 1 if np.all(w >= 0) else -1 if np.all(w <= 0) else 0
