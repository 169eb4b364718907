"""Weights at the start of learning: within the bounds of every rule and modifier."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from .._types import Requirement, check_all, is_concrete, on_host
from .base import Bounds, Chain, within
from .synapse_index import SynapseIndex


def check_start(rule: Chain, weight: Array, index: SynapseIndex) -> None:
    """Raises ValueError for concrete weights outside the bounds of a rule or modifier."""
    weight, real = _of_synapses(on_host(weight)), on_host(index.is_real())
    for part in rule.parts:
        bounds = _known(part.bounds())
        if bounds != (None, None):
            inside = lambda bounds=bounds: _inside(weight, bounds, real)
            words = lambda part=part, bounds=bounds: (
                f"weights at the start are {_span(weight, real)}, outside the bounds of "
                f"{type(part).__name__}, {_words(bounds)}; start within, or widen them"
            )
            check_all((Requirement(inside, words),))


def starts_outside(rule: Chain, weight: Array, index: SynapseIndex) -> Bool[Array, ""]:
    """Whether any weight is outside the bounds, for a status of traced weights."""
    weight, real = _of_synapses(weight), index.is_real()
    return ~jnp.all(jnp.stack([jnp.all(_inside(weight, part.bounds(), real)) for part in rule.parts]))


def _of_synapses(weight: Array) -> Array:
    return weight.reshape(-1) if weight.ndim else weight


def _known(bounds: Bounds) -> Bounds:
    lo, hi = bounds
    return on_host(lo), on_host(hi)


def _inside(weight: Array, bounds: Bounds, real: Array | None) -> Array:
    inside = within(weight, bounds)
    return inside if real is None else inside | ~real


def _span(weight: Array, real: Array | None) -> str:
    """The range of weights that are known."""
    known = np.asarray(weight)
    if real is not None and is_concrete(real):
        known = np.broadcast_to(known, real.shape)[np.asarray(real)]
    lo, hi = (str(end) for end in (np.min(known), np.max(known)))
    return lo if lo == hi else f"{lo} to {hi}"


def _words(bounds: Bounds) -> str:
    lo, hi = bounds
    if hi is None:
        return f"at least {lo}"
    return f"at most {hi}" if lo is None else f"{lo} to {hi}"
