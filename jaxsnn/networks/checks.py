"""What is wrong with the numbers of a network: an error where they are known, a status bit where they are traced."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt32

from .._status import Status, bits
from .._types import broken, check, is_concrete, out_of_bounds
from ..connectivity.graph import DenseGraph, SparseGraph
from .order import AbstractOrder
from .population import Population
from .projection import Projection


def check_weights(populations: dict[str, Population], projections: dict[str, Projection]) -> None:
    """Raises ValueError for negative weights into a port that takes none, and for weights that may learn to be so."""
    for name, p in projections.items():
        if p.plastic is not None and not _signed(populations, p):
            _check_floor(name, p, type(populations[p.post].ports[p.port]).__name__)
        weight = None if _signed(populations, p) else p.weight
        if weight is None or not is_concrete(weight):
            continue
        least = np.min(np.where(real(p), np.asarray(weight), 0.0), initial=0.0)
        if least < 0:
            kind = type(populations[p.post].ports[p.port]).__name__
            raise ValueError(
                f"Projection {name!r} has negative weights, down to {least:g}, into {p.post}.{p.port}, a {kind}; "
                "expected none below 0, as a conductance has no sign: give a positive weight, and for inhibition a "
                "low e_rev."
            )


def built_status(
    populations: dict[str, Population], projections: dict[str, Projection], dt: float, order: AbstractOrder
) -> UInt32[Array, ""]:
    """Status bits of what is wrong with the numbers of a network, traced ones too."""
    learning = jnp.uint32(0)
    found: dict[Status, list[Any]] = {}
    is_wrong = lambda flag, where: found.setdefault(flag, []).append(where)
    is_wrong(Status.PARAMETER_RANGE, out_of_bounds(populations))
    for population in populations.values():
        is_wrong(Status.PARAMETER_RANGE, broken(population.requirements(dt)))
    for projection in projections.values():
        if projection.release is not None:
            is_wrong(Status.PARAMETER_RANGE, out_of_bounds(projection.release))
        if projection.synapse is not None:
            is_wrong(Status.PARAMETER_RANGE, out_of_bounds(projection.synapse))
            for delay in projection.delays.values():
                is_wrong(Status.DELAY_RANGE, (delay < 0) | (delay > projection.max_delay))
        if projection.plastic is not None:
            is_wrong(Status.PARAMETER_RANGE, out_of_bounds(projection.plastic.rule))
            learning |= projection.plastic.of(projection.delay, dt).status(projection.weight)
        if projection.weight is not None and not _signed(populations, projection):
            is_wrong(Status.NEGATIVE_WEIGHT, real(projection) & (projection.weight < 0))
            if projection.plastic is not None:
                is_wrong(Status.NEGATIVE_WEIGHT, ~(projection.plastic.rule.floor() >= 0))
        if projection.apart is not None and (merged := projection.graph.merged) is not None:
            is_wrong(Status.MULTAPSES, merged)
        if projection.weight is not None:
            is_wrong(Status.PARAMETER_RANGE, ~jnp.isfinite(projection.weight))
        is_wrong(Status.GRAPH_CAPACITY, projection.overflow)
        is_wrong(Status.DELAY_RANGE, projection.late)
        if projection.delay is not None:  # it may have been set
            late = (projection.delay < order.shortest_delay) | (projection.delay > projection.max_delay)
            is_wrong(Status.DELAY_RANGE, late)
    return bits(found) | learning


def _signed(populations: dict[str, Population], p: Projection) -> bool:
    """Whether weights of a projection may be negative."""
    return p.synapse is not None or populations[p.post].ports[p.port].signed


def _check_floor(name: str, p: Projection, kind: str) -> None:
    """Weights that learn into a port that takes none below 0 have to be held above it."""
    assert p.plastic is not None
    floor = p.plastic.rule.floor()
    check(
        lambda: floor >= 0,
        f"Projection {name!r} learns weights of {floor} or more, into {p.post}.{p.port}, a {kind}; expected none below "
        "0, as a conductance has no sign: chain(rule, Bound(0.0, hi)) holds them.",
    )


def real(p: Projection) -> Any:
    """Which places of a projection's weights are synapses."""
    if not p.weight.ndim:
        return np.bool_(True)
    if isinstance(p.graph, SparseGraph):
        return p.graph.real
    some = p.graph.count if isinstance(p.graph, DenseGraph) else None
    return np.bool_(True) if some is None else _known(some) > 0


def _known(x: Array) -> Any:
    return np.asarray(x) if is_concrete(x) else x
