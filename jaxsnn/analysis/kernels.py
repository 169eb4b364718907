"""Kernels that smooth spikes into a rate, under Elephant's names: densities with a standard deviation sigma.

`kernel(t)` is per ms, with area 1, at times `t`, ms, after a spike. NumPy in, NumPy out, as long as `sigma` is a plain
number; where `sigma` is traced, JAX. `sigma` is a leaf: it can be swept and differentiated.
"""

from __future__ import annotations

import abc
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._types import is_concrete


class AbstractKernel(eqx.Module):
    """A density over time. **Arguments:** `sigma`: its standard deviation, ms."""

    sigma: Float[Array, ""] | float

    def __check_init__(self):
        if is_concrete(self.sigma) and not (np.ndim(self.sigma) == 0 and 0.0 < float(self.sigma) < math.inf):
            raise ValueError(f"{type(self).__name__}: `sigma` is {self.sigma!r}: expected a positive time, ms.")

    def __call__(self, t: Any) -> Any:
        """The density at `t`, ms after the spike; per ms."""
        traced = isinstance(t, jax.Array) or not is_concrete(self.sigma)
        return self.density(t if hasattr(t, "dtype") else np.asarray(t, float), jnp if traced else np)

    @abc.abstractmethod
    def density(self, t: Any, xp: Any) -> Any:
        """The same in NumPy or in JAX's NumPy."""


class GaussianKernel(AbstractKernel):
    """`exp(-t^2 / (2 sigma^2)) / (sqrt(2 pi) sigma)`."""

    def density(self, t, xp):
        return xp.exp(-0.5 * (t / self.sigma) ** 2) / (math.sqrt(2.0 * math.pi) * self.sigma)


class LaplacianKernel(AbstractKernel):
    """`exp(-sqrt(2) |t| / sigma) / (sqrt(2) sigma)`."""

    def density(self, t, xp):
        return xp.exp(-math.sqrt(2.0) * xp.abs(t) / self.sigma) / (math.sqrt(2.0) * self.sigma)


class ExponentialKernel(AbstractKernel):
    """`exp(-t / sigma) / sigma` from the spike on, 0 before: causal."""

    def density(self, t, xp):
        later = t >= 0.0
        return xp.where(later, xp.exp(-xp.where(later, t, 0.0) / self.sigma) / self.sigma, 0.0)


class AlphaKernel(AbstractKernel):
    """`t / tau^2 exp(-t / tau)` from the spike on, `tau = sigma / sqrt(2)`: causal."""

    def density(self, t, xp):
        x = math.sqrt(2.0) / self.sigma * xp.where(t > 0.0, t, 0.0)
        return x * xp.exp(-x) * (math.sqrt(2.0) / self.sigma)


class RectangularKernel(AbstractKernel):
    """`1 / (2 tau)` within `tau = sqrt(3) sigma` of the spike, both ends included."""

    def density(self, t, xp):
        tau = math.sqrt(3.0) * self.sigma
        return xp.where(xp.abs(t) <= tau, 0.5 / tau, 0.0)


class TriangularKernel(AbstractKernel):
    """`(1 - |t| / tau) / tau` within `tau = sqrt(6) sigma` of the spike."""

    def density(self, t, xp):
        tau = math.sqrt(6.0) * self.sigma
        return xp.maximum(1.0 - xp.abs(t) / tau, 0.0) / tau


class EpanechnikovLikeKernel(AbstractKernel):
    """`3 / (4 tau) (1 - (t / tau)^2)` within `tau = sqrt(5) sigma` of the spike."""

    def density(self, t, xp):
        tau = math.sqrt(5.0) * self.sigma
        return 0.75 * xp.maximum(1.0 - (t / tau) ** 2, 0.0) / tau
