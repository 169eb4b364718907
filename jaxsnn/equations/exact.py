"""Exact steps of linear equations, also of several variables: `x + P x + d + e i`, with coefficients found once."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from .._linear import phi, phi_between
from .._types import canonical_float
from ..neurons.integrators import AbstractIntegrator

Place = tuple[str, str]  # a row and a column


class Exact(AbstractIntegrator):
    """The exact solution of linear equations over a step: Brian2's `exact`, for `snn.equations.neuron`.

    With `dx/dt = A x + b + c i` and a current `i` that is constant over a step, the increment is
    `(e^(A dt) - 1) x + dt phi(A dt) (b + c i)`, `phi(z) = (e^z - 1)/z`. Where no variables drive each other in a
    circle, its entries are divided differences of the exponential, right to rounding also where time constants are
    equal; otherwise, and for chains of more than three, they are a numeric matrix exponential. They are computed once
    before the loop.
    """

    joint = False
    adaptive = False
    stable = float("inf")

    def __call__(self, flow, y, dt):
        raise ValueError("Exact() got a function, expected linear equations: only snn.equations.neuron has those.")


def propagator(coefficients: dict[Place, Any], rows: Iterable[str], dt: Any) -> dict[Place, Array]:
    """The entries of `e^(M dt) - 1` for the matrix `M` of coefficients, in these rows, that are not 0.

    `coefficients`: by row and column, of shape `()` or `(n,)`. A column that has no row is constant.
    """
    rows = tuple(rows)
    coefficients = {(row, column): x for (row, column), x in coefficients.items() if row in rows}
    into = {row: [column for r, column in coefficients if r == row != column] for row in rows}
    chains = {row: _chains(row, into, (row,)) for row in rows}
    if all(c is not None and all(len(chain) <= 3 for chain in c) for c in chains.values()):
        return _by_chains(coefficients, {row: c for row, c in chains.items() if c is not None}, dt)
    return _by_matrix(coefficients, rows, dt)


def _chains(row: str, into: dict[str, list[str]], above: tuple[str, ...]) -> list[tuple[str, ...]] | None:
    """Every chain of columns by which something acts on `row`, itself first; None if there is a circle."""
    found = [above]
    for column in into.get(row, ()):
        if column in above:
            return None
        more = _chains(column, into, (*above, column))
        if more is None:
            return None
        found += more
    return found


def _by_chains(coefficients: dict[Place, Any], chains: dict[str, list[tuple[str, ...]]], dt: Any) -> dict[Place, Array]:
    """A sum over chains: the product of the couplings, times a divided difference of the exponential of the rates."""
    found: dict[Place, Any] = {}
    for row, all_of_row in chains.items():
        for chain in all_of_row:
            rates = [jnp.asarray(coefficients.get((x, x), 0.0) * dt) for x in chain]
            if len(chain) == 1:
                part = jnp.expm1(rates[0])
                if (row, row) not in coefficients:
                    continue
            else:
                part = _difference(rates)
                for end, start in pairwise(chain):
                    part = part * (coefficients[end, start] * dt)
            place = row, chain[-1]
            found[place] = part if place not in found else found[place] + part
    return found


def _difference(z: list[Array]) -> Float[Array, "..."]:
    """The divided difference of the exponential at two or three points, from the largest down: nothing overflows."""
    if len(z) == 2:
        high, low = jnp.maximum(*z), jnp.minimum(*z)
        return jnp.exp(high) * phi(low - high)
    pair = jnp.maximum(z[0], z[1]), jnp.minimum(z[0], z[1])
    high, low = jnp.maximum(pair[0], z[2]), jnp.minimum(pair[1], z[2])
    middle = jnp.maximum(pair[1], jnp.minimum(pair[0], z[2]))
    return jnp.exp(high) * phi_between(low - high, middle - high)


_DOUBLINGS, _TERMS = 12, 10  # right to rounding up to a norm of 1000, and finite beyond


def _by_matrix(coefficients: dict[Place, Any], rows: tuple[str, ...], dt: Any) -> dict[Place, Array]:
    """`P = e^M - 1`, from a power series of `M/2^12` by `P <- 2 P + P^2`: no 1 is subtracted from a number near 1.

    It consists of products, so that it is a program for every device, with derivatives.
    """
    names = tuple(dict.fromkeys((*rows, *(column for _, column in coefficients))))
    shape = jnp.broadcast_shapes(*(jnp.shape(x) for x in coefficients.values()))
    at = lambda place: jnp.broadcast_to(jnp.asarray(coefficients.get(place, 0.0) * dt, canonical_float()), shape)
    m = jnp.stack([jnp.stack([at((r, c)) for c in names], axis=-1) for r in names], axis=-2) / 2.0**_DOUBLINGS
    times = functools.partial(jnp.matmul, precision=lax.Precision.HIGHEST)
    p = m
    for k in range(_TERMS, 1, -1):  # m (1 + m/2 (1 + m/3 ...)), without its leading 1
        p = m + times(m, p) / k
    p = lax.fori_loop(0, _DOUBLINGS, lambda _, p: 2.0 * p + times(p, p), p)
    reached = {row: _reached(row, coefficients) for row in rows}
    return {(r, c): p[..., names.index(r), names.index(c)] for r in rows for c in names if c in reached[r]}


def _reached(row: str, coefficients: dict[Place, Any]) -> set[str]:
    """The columns that act on a row, directly or through others."""
    found, waiting = set(), [row]
    while waiting:
        one = waiting.pop()
        more = {column for r, column in coefficients if r == one} - found
        found |= more
        waiting += more
    return found
