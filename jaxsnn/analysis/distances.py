"""Distances of spike trains under Elephant's names: van Rossum's and Victor and Purpura's, a matrix of all pairs."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._types import is_concrete
from .intervals import _root
from .matrices import checked, number, rows
from .rasters import Array, milliseconds, namespace
from .trains import spike_trains


def van_rossum_distance(trains: Any, time_constant: float = 1000.0) -> Array:
    """Van Rossum's distance of every pair: of trains convolved with `exp(-t / tau)`, `t >= 0`, in the plane.

        D_ij^2 = S_ii + S_jj - 2 S_ij,   S_ij = sum_{a in i, b in j} exp(-|t_a - t_b| / tau)

    **Arguments:** `trains`: whatever `spike_trains` accepts. `time_constant`: `tau`, ms.

    **Returns** shape `(n, n)`; one spike more or less is a distance of 1, as in Elephant (van Rossum's own scale is
    `sqrt(1/2)` of it). Differentiable with respect to the times and `tau`, except where trains are equal. Cost
    `O(n^2 k log k)` for `n` trains of `k` spikes. `snn.losses.VanRossum` is that to a target while a run goes on.

    **Reference:** van Rossum, Neural Comput. 13:751 (2001); the sums by Houghton & Kreuz, Network 23:48 (2012).

        >>> van_rossum_distance([[10.0], []])
        array([[0., 1.],
               [1., 0.]])
    """
    if is_concrete(time_constant):
        milliseconds(time_constant if np.ndim(time_constant) else float(time_constant), "van_rossum_distance", "tau")
    times = checked(spike_trains(trains).times, n=1, function="van_rossum_distance")
    xp = namespace(times)
    there = xp.isfinite(times)
    scaled = xp.where(there, times, 0.0) / time_constant
    before, after = _earlier(scaled, there, xp), _later(scaled, there, xp)
    sorted_times = xp.where(there, times, xp.inf)
    bad = xp.isnan(times).any(axis=-1)

    def row(own: Array, own_scaled: Array, own_before: Array, own_after: Array) -> Array:
        """`S_ij` of one train with all: of each spike, what lies before it and what behind it decay towards it."""
        place = xp.searchsorted(own, sorted_times, side="right")  # own spikes at or before
        left, right = place - 1, xp.clip(place, 0, own.shape[0] - 1)
        some_left, some_right = (left >= 0) & there, (place < number(xp.isfinite(own))) & there
        left = xp.clip(left, 0, None)
        since = xp.where(some_left, scaled - own_scaled[left], 0.0)
        until = xp.where(some_right, own_scaled[right] - scaled, 0.0)
        total = xp.where(some_left, xp.exp(-since) * own_before[left], 0.0)
        total = total + xp.where(some_right, xp.exp(-until) * own_after[right], 0.0)
        return xp.sum(total, axis=-1)

    products = rows(row, sorted_times, scaled, before, after)
    own = xp.diagonal(products)
    squared = own[:, None] + own[None] - products - products.T
    tiny = 64.0 * float(np.finfo(squared.dtype).eps) * (own[:, None] + own[None])
    found = _root(xp.where(squared > tiny, squared, 0.0), xp)
    return xp.where(bad[:, None] | bad[None], xp.nan, found)


def _earlier(scaled: Array, there: Array, xp: Any) -> Array:
    """Of every spike: 1 and what is left of the spikes before it, `sum exp(-(t_i - t_j) / tau)`."""
    decay = xp.exp(xp.where(there[:, 1:], scaled[:, :-1] - scaled[:, 1:], 0.0))
    return _running(decay, xp)


def _later(scaled: Array, there: Array, xp: Any) -> Array:
    """The same of the spikes behind it."""
    decay = xp.where(there[:, 1:], xp.exp(xp.where(there[:, 1:], scaled[:, :-1] - scaled[:, 1:], 0.0)), 0.0)
    return _running(decay[:, ::-1], xp)[:, ::-1]


def _running(decay: Array, xp: Any) -> Array:
    """`m_0 = 1`, `m_{i+1} = 1 + decay_i m_i` along the last axis."""
    first = xp.ones_like(decay[:, 0]) if decay.shape[1] else xp.ones(decay.shape[:1], decay.dtype)
    if xp is np:
        found = [first]
        for factor in decay.T:
            found.append(1.0 + factor * found[-1])
        return np.stack(found, axis=1)

    def step(m: Array, factor: Array) -> tuple[Array, Array]:
        m = 1.0 + factor * m
        return m, m

    _, rest = jax.lax.scan(step, first, decay.T)
    return jnp.concatenate([first[:, None], rest.T], axis=1)


def victor_purpura_distance(trains: Any, cost_factor: float = 1.0) -> Array:
    """Victor and Purpura's distance of every pair: the least cost of turning one train into the other.

    To add or to remove a spike costs 1, to move it by `x` costs `q x`.

    **Arguments:** `trains`: whatever `spike_trains` accepts. `cost_factor`: `q`, in Hz, 0 or more: two spikes farther
    apart than `2 / q` are not of one another. At 0 the distance is the difference of the counts.

    **Returns** shape `(n, n)`. Differentiable with respect to times and `q` wherever the cheapest way is unique. Cost
    `O(n^2 k^2)` for `n` trains of `k` spikes, `k` steps of work on `n k` numbers a row.

    **Reference:** Victor & Purpura, J. Neurophysiol. 76:1310 (1996). Elephant: `victor_purpura_distance`.

        >>> victor_purpura_distance([[10.0], [110.0], []], cost_factor=1.0).round(3)
        array([[0. , 0.1, 1. ],
               [0.1, 0. , 1. ],
               [1. , 1. , 0. ]])
    """
    if is_concrete(cost_factor) and not 0.0 <= float(cost_factor) < math.inf:
        raise ValueError(
            f"victor_purpura_distance: `cost_factor` is {cost_factor!r}: expected a rate of at least 0, Hz."
        )
    times = checked(spike_trains(trains).times, n=1, function="victor_purpura_distance")
    xp = namespace(times)
    there = xp.isfinite(times)
    filled = xp.where(there, times, 0.0)
    counts = number(there)
    n, k = times.shape
    removed = np.arange(k + 1).astype(times.dtype)[None]
    bad = xp.isnan(times).any(axis=-1)

    def after_spike(cost: Array, spike: Array) -> Array:
        """The costs against the first 0, 1, .. k spikes of every train, one spike of the row's train later."""
        moved = cost[:, :-1] + xp.abs(spike - filled) * (cost_factor / 1000.0)
        best = xp.minimum(cost + 1.0, xp.concatenate([cost[:, :1] + 1.0, moved], axis=1))
        least = np.minimum.accumulate if xp is np else jax.lax.cummin
        return least(best - removed, axis=1) + removed  # or a spike of the other train is added behind

    def row(own: Array, own_there: Array) -> Array:
        cost = xp.broadcast_to(removed, (n, k + 1))
        if xp is np:
            for spike in own[own_there]:
                cost = after_spike(cost, spike)
        else:
            step = lambda cost, x: (jnp.where(x[1], after_spike(cost, x[0]), cost), None)
            cost, _ = jax.lax.scan(step, cost, (own, own_there))
        return xp.take_along_axis(cost, counts[:, None], axis=1)[:, 0]

    found = rows(row, filled, there)
    return xp.where(bad[:, None] | bad[None], xp.nan, found)
