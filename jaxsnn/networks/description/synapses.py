"""The numbers of a projection that a summary shows: how many synapses, and the ranges of their weights and delays."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from ..._types import is_concrete
from ...connectivity.graph import DenseGraph, SparseGraph
from ..population import Population
from ..projection import Projection
from .facts import with_unit


def count(p: Projection) -> int | None:
    """The number of synapses; None where it is not known yet (traced) or a module has no list of them."""
    graph = p.graph
    if isinstance(graph, SparseGraph):
        return int(np.asarray(graph.start)[-1]) if is_concrete(graph.start) else None
    if isinstance(graph, DenseGraph):
        if graph.count is None:
            return graph.n_pre * graph.n_post
        return int(np.sum(np.asarray(graph.count), dtype=np.int64)) if is_concrete(graph.count) else None
    return None


def counted(p: Projection) -> str:
    """The number of synapses as text."""
    n = count(p)
    if n is not None:
        return grouped(n)
    if isinstance(p.graph, (SparseGraph, DenseGraph)):
        return "traced"
    module = getattr(p.graph, "module", None)
    return f"{type(module).__name__}, {grouped(numbers_in(module))} numbers"


def numbers_in(tree: Any) -> int:
    """How many numbers all arrays of a tree have."""
    return sum(x.size for x in jax.tree.leaves(tree) if hasattr(x, "size"))


def grouped(n: int) -> str:
    """`12 500`: digits in threes, as the field writes them."""
    return f"{n:,}".replace(",", " ") if n >= 10_000 else str(n)


def _real(p: Projection, x: Any) -> Any:
    """The values of synapses that there are: no padding of lists, no empty places of matrices."""
    if x.ndim == 0:
        return x
    if isinstance(p.graph, SparseGraph):
        return np.asarray(x)[: count(p)]
    some = getattr(p.graph, "count", None)
    return np.asarray(x) if some is None else np.asarray(x)[np.asarray(some) > 0]


def extent(p: Projection, x: Any, scale: float = 1.0, unit: str = "") -> str:
    """`0.5 .. 3 ms, mean 1.75`: one number, or the range of several."""
    if not is_concrete(x, p.graph):
        return with_unit("traced", unit)
    values = _real(p, np.asarray(x))
    if not values.size:
        return "none"
    low, high = float(values.min()) * scale, float(values.max()) * scale
    if low == high:
        return with_unit(f"{low:.6g}", unit)
    return f"{with_unit(f'{low:.4g} .. {high:.4g}', unit)}, mean {float(values.mean(dtype=np.float64)) * scale:.4g}"


def weights(p: Projection, unit: str = "") -> str:
    """The weights with their unit."""
    if p.synapse is not None:
        return "in its equations"
    return "in the module" if p.weight is None else extent(p, p.weight, unit=unit)


def delays(p: Projection, dt: float) -> str:
    """The delays, ms."""
    if p.synapse is not None:
        return "; ".join(f"{name}: {extent(p, steps, dt, 'ms')}" for name, steps in p.delays.items())
    return "none: same step" if p.delay is None else extent(p, p.delay, dt, "ms")


def weight_unit(populations: dict[str, Population], p: Projection) -> str:
    """The unit of what arrives at the port: a jump of a population without membrane is an amplitude."""
    receiver = populations[p.post]
    if p.synapse is not None or not hasattr(jax.eval_shape(receiver.rest).neuron, "v"):
        return ""
    return receiver.ports[p.port].weight_unit


def topology(p: Projection) -> str:
    """Who is connected to whom, as it was written; of a projection that came without this, how it is held."""
    return type(p.graph).__name__.removesuffix("Graph") if p.origin is None else p.origin.topology


def as_drawn(written: str, now: str) -> str:
    """A law beside the numbers that there are; the numbers alone where they were given as such."""
    return f"{written}; {now}" if "(" in written and "numbers given" not in written else now


def receiver(p: Projection) -> str:
    """Where a projection goes: a port, or a population whose synapses say themselves where."""
    return p.post if p.synapse is not None else f"{p.post}.{p.port}"
