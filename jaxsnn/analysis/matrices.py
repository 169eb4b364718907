"""A number for every pair of trains, a row of the matrix at a time: no array is larger than all trains together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .rasters import Array, namespace


def rows(of_one: Callable[..., Array], *each: Array) -> Array:
    """`of_one(row of each)` for every row, stacked: a loop in NumPy, `lax.map` in JAX."""
    if isinstance(each[0], np.ndarray):
        return np.stack([of_one(*(x[i] for x in each)) for i in range(len(each[0]))])
    return jax.lax.map(lambda row: of_one(*row), each)


def symmetric(of_one: Callable[..., Array], trains: Any, *each: Array) -> Array:
    """`of_one(trains, row of each)` for every row of a symmetric matrix; in NumPy with trains up to the row's."""
    if not isinstance(each[0], np.ndarray):
        return jax.lax.map(lambda row: of_one(trains, *row), each)
    n = len(each[0])
    found = np.zeros((n, n))
    for i in range(n):
        found[i, : i + 1] = of_one(type(trains)(*(x[: i + 1] for x in trains)), *(x[i] for x in each))
    return found + np.tril(found, -1).T


def until(queries: Array, trains: Array) -> Array:
    """How many spikes of each train, shape `(n, k)`, lie at or before each of the sorted queries, `(q,)`: `(n, q)`.

    One search of all spikes in the queries, and a running sum: `O(n (k log q + q))`.
    """
    xp = namespace(trains)
    n, q = trains.shape[0], queries.shape[0]
    place = xp.searchsorted(queries, trains)  # the first query that is not before the spike
    row = np.arange(n, dtype=np.int32)[:, None]
    if xp is np:
        hits = np.bincount((place + row * (q + 1)).reshape(-1), minlength=n * (q + 1)).reshape(n, q + 1)
    else:
        hits = jnp.zeros((n, q + 1), jnp.int32).at[jnp.broadcast_to(row, place.shape), place].add(1)
    return xp.cumsum(hits, axis=1)[:, :q]


def number(there: Array) -> Array:
    """How many are true along the last axis, as the integers that searches give."""
    return namespace(there).sum(there, axis=-1, dtype=np.int32)


def taken(x: Array, place: Array) -> Array:
    """`x[i, place[i, j]]`, the place kept inside."""
    xp = namespace(x)
    return xp.take_along_axis(x, xp.clip(place, 0, x.shape[-1] - 1), axis=-1)


def checked(times: Any, *, n: int, function: str) -> Array:
    """The times of at least `n` trains of one run, shape `(n, k)`, or one error."""
    if times.ndim != 2:
        raise ValueError(f"{function}: trains of shape {times.shape}: expected one run; use jax.vmap over a batch.")
    if times.shape[0] < n:
        raise ValueError(f"{function}: got {times.shape[0]} train(s), expected at least {n}: a matrix of pairs.")
    return times
