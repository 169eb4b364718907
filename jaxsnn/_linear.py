"""Exact integration of one-dimensional linear membranes: the mathematics neurons and synapses share.

A membrane `tau dv/dt = -(v - v_rest) + R I(t)` sees, over a step, only one number of any current `I(t)`: the constant
current with the same effect at the end of the step. Ports return that number, so one membrane code is exact for all.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

_SERIES_TERMS = 14  # x**14 / 14! / 16 < 1e-19 for |x| <= 0.3: below rounding in float64
_SERIES_RADIUS = 0.3


class Current(NamedTuple):
    """A current that is affine in the membrane potential and constant over one step: `a + b v`.

    `b` is None for a current that does not depend on `v`: the membrane is then integrated with constant coefficients.
    """

    a: Array
    b: Array | None = None

    def __add__(self, other: Current) -> Current:  # type: ignore[override]  # currents superpose, tuples concatenate
        if self.b is None or other.b is None:
            slope = self.b if other.b is None else other.b
        else:
            slope = self.b + other.b
        return Current(self.a + other.a, slope)


_LASTING = 2.0**100  # steps


def lasting(tau: Float[Array, "..."], dt: float) -> Float[Array, "..."]:
    """A time constant of at most `2^100` steps, which leaks nothing in any run: for membranes of `tau = inf`.

    Where `R` is in proportion to `tau` (`R = tau / C`), `R (1 - exp(-dt / tau))` and `R / tau` are infinity times 0 and
    infinity over infinity there; of `2^100` steps they are their limits, to rounding.
    """
    return jnp.minimum(tau, dt * _LASTING)


def phi(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """`(e^x - 1) / x`, accurate to rounding everywhere, `phi(0) = 1`."""
    small = jnp.abs(x) < 1e-5
    safe = jnp.where(small, 1.0, x)
    return jnp.where(small, 1.0 + x * (0.5 + x / 6.0), jnp.expm1(safe) / safe)


STEEPEST = 5.0  # e^5 times the largest upstroke that a model allows is finite in float32


def grown(z: Float[Array, "..."]) -> Float[Array, "..."]:
    """`phi` for a step along a linearised membrane: growth, where `z` is positive, is bounded by that of `z = 5`."""
    return phi(jnp.minimum(z, STEEPEST))


def phi_prime(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """The derivative of `phi`: `(e^x (x - 1) + 1) / x^2`, by its power series where that form would cancel."""
    small = jnp.abs(x) < _SERIES_RADIUS
    safe = jnp.where(small, 1.0, x)
    near = jnp.where(small, x, 0.0)
    series = jnp.zeros_like(near)
    for k in reversed(range(_SERIES_TERMS)):
        series = series * near + 1.0 / (math.factorial(k) * (k + 2))
    return jnp.where(small, series, (jnp.exp(safe) * (safe - 1.0) + 1.0) / (safe * safe))


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(5)  # its error at the radius is below 1e-17


def phi_between(x: Float[Array, "..."], y: Float[Array, "..."]) -> Float[Array, "..."]:
    """`(phi(y) - phi(x)) / (y - x)`, the mean of `phi'` between the two where that form would cancel."""
    gap = y - x
    near = jnp.abs(gap) < _SERIES_RADIUS
    short, safe = jnp.where(near, gap, 0.0), jnp.where(near, 1.0, gap)
    mean = sum(float(w) / 2.0 * phi_prime(x + (float(at) + 1.0) / 2.0 * short) for at, w in zip(_NODES, _WEIGHTS))
    return jnp.where(near, mean, (phi(y) - phi(x)) / safe)
