"""A chain of maps: as numbers of synapses where it is one matrix, else as the module of a `Layer`."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Array

from .maps import Delay, Map, Scale, scale


class Synapses(NamedTuple):
    """Weights and delays (ms) of shape `(pre, post)`, or of shape `(n,)` for one synapse a neuron."""

    weight: np.ndarray
    delay: np.ndarray


def synapses(chain: tuple[Map, ...], what: str) -> Synapses | None:
    """The chain as numbers of synapses; None if it has convolutions or pools, which stay modules."""
    if any(isinstance(m.module, eqx.nn.Conv | eqx.nn.Pool) for m in chain):
        return None
    weight: np.ndarray | None = None  # (pre, here), or None while every neuron reaches its own place
    size = math.prod(chain[0].into) if chain else 0
    gain, delay = np.ones(size), np.zeros(size)  # of each place here, before the first matrix
    later: np.ndarray | None = None  # delays (pre, here), after the first matrix
    for m, _, _ in chain:
        if isinstance(m, eqx.nn.Linear):
            w = np.asarray(m.weight, np.float64).T
            if weight is None or later is None:
                weight, later = gain[:, None] * w, np.broadcast_to(delay[:, None], w.shape)
            else:
                weight, later = weight @ w, _joined(weight, later, w, what)
        elif isinstance(m, Scale):
            by = np.asarray(m.scale, np.float64).reshape(-1)
            gain, weight = gain * by if weight is None else gain, None if weight is None else weight * by
        elif isinstance(m, Delay):
            own = np.asarray(m.delay)
            delay, later = delay + own if later is None else delay, None if later is None else later + own
    return Synapses(gain, delay) if weight is None or later is None else Synapses(weight, later)


def _joined(weight: np.ndarray, later: np.ndarray, w: np.ndarray, what: str) -> np.ndarray:
    """The delay of each sender behind another matrix, which has to be the same on all ways to it."""
    used = np.where(weight != 0, later, np.nan)
    first = np.nanmin(np.where(np.isnan(used), np.inf, used), axis=1)
    last = np.nanmax(np.where(np.isnan(used), -np.inf, used), axis=1)
    if np.any(last > first):
        raise ValueError(f"{what}: a Delay between two matrices differs from way to way; put it before or behind both.")
    return np.broadcast_to(np.where(np.isfinite(first), first, 0.0)[:, None], (weight.shape[0], w.shape[1]))


class Constant(eqx.Module):
    """The same numbers in every step, whatever is sent: the bias of what has no parameter for it."""

    value: Array

    def __call__(self, x: Array, *, key: Any = None) -> Array:
        return self.value


def scaled(chain: tuple[Map, ...], gain: np.ndarray) -> tuple[Map, ...]:
    """The chain with its results times `gain`: in its last weights where it is one number, else behind it."""
    if np.all(gain == 1.0):
        return chain
    last = max((i for i, m in enumerate(chain) if isinstance(m.module, eqx.nn.Linear | eqx.nn.Conv)), default=None)
    if last is None or np.ndim(gain):
        out = chain[-1].out
        return (*chain, scale(np.broadcast_to(gain, (math.prod(out),)), out))
    new = eqx.tree_at(lambda m: m.weight, chain[last].module, replace_fn=lambda weight: weight * gain)
    return (*chain[:last], chain[last]._replace(module=new), *chain[last + 1 :])


def delay_of(chain: tuple[Map, ...], what: str) -> float:
    """The one delay of a chain that stays a module, ms."""
    total = 0.0
    for m, _, _ in chain:
        if isinstance(m, Delay):
            if len(set(m.delay)) > 1:
                raise ValueError(f"{what}: a Delay beside a convolution or a pool has to be one for all neurons.")
            total += m.delay[0]
    return total
