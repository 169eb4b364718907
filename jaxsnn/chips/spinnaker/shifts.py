"""How far ring buffers are shifted: the host's estimate of the largest sum of weights that arrives in one step."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import jax.scipy.special
import numpy as np
import scipy.special

from ..._types import is_concrete

WITHIN = 3.0  # standard deviations of the number of spikes over which the weights' own spread is summed


class Arriving(NamedTuple):
    """Of a projection: connections onto the neuron that has most; mean, variance and maximum of weights, which may be
    traced; spikes a second of each sender; and whether delays differ.
    """

    n: int
    mean: Any
    variance: Any
    largest: Any
    rate: float
    varied: bool


def _libraries(*numbers: Any) -> tuple[Any, Any]:
    """NumPy and SciPy in float64, as the host computes; JAX where numbers are traced."""
    return (np, scipy.special) if is_concrete(numbers) else (jnp, jax.scipy.special)


def expected_upper_bound(mean: Any, sd: Any, rate: float, n: int, sigma: float, dt: float) -> Any:
    """A bound that the sum of a step rarely exceeds: `m mean + sigma sqrt(m mean^2 + V)` with `m = n rate dt` spikes.

        V = m sd^2 (Q(1 + u, m) - m^u e^-m / Gamma(1 + u)),   u = round(m + 3 sqrt(m))

    `Q`: the regularised upper incomplete gamma function. `rate`: Hz; `dt`: ms.

    **Reference:** the host software of sPyNNaker 7.4.1.
    """
    m = n * rate * dt * 1e-3
    if m == 0:
        return 0.0 * mean
    xp, special = _libraries(mean, sd)
    u = round(m + WITHIN * m**0.5)
    log = u * np.log(m) - m - scipy.special.gammaln(1 + u)
    spread = m * sd**2 * (special.gammaincc(1.0 + u, m) - np.exp(log))
    return m * mean + sigma * xp.sqrt(m * mean**2 + spread)


def largest_sum(projections: Sequence[Arriving], sigma: float, dt: float, boost: float = 1.0) -> Any:
    """The host's bound on what arrives in a step at one type, in the unit of weights; 0 without projections.

    Where no projection has delays that differ, all weights at once. `boost`: what the largest single weight counts for:
    1024 for conductances, as the host multiplies only that one by their scale.
    """
    found = [each for each in projections if each.n > 0]
    if not found:
        return 0.0
    xp, _ = _libraries(found)
    total = sum(max(1.0, each.rate * dt * 1e-3) * each.largest * each.n for each in found)
    biggest = boost * xp.max(xp.stack([xp.asarray(each.largest) for each in found]))
    if any(each.varied for each in found):
        count = sum(each.n for each in found)
        mean = sum(each.n * each.mean for each in found) / count
        variance = sum(each.n * (each.variance + (each.mean - mean) ** 2) for each in found) / count
        rate = sum(each.n * each.rate for each in found) / count
        total = xp.minimum(expected_upper_bound(mean, xp.sqrt(variance), rate, count, sigma, dt), total)
    return xp.maximum(total, biggest)


def shift_for(bound: Any) -> Any:
    """The least shift by which a ring buffer holds more than `bound`: its numbers end just below `2^shift`."""
    xp, _ = _libraries(bound)
    return xp.frexp(xp.maximum(bound, 0.5))[1].astype(np.int32)  # of a number m 2^k, 1/2 <= m < 1
