"""Functions of distance: probabilities, weights and delays of neurons that have positions."""

from __future__ import annotations

import abc

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._types import Checked, Param, param


def distances(a: Float[Array, "... d"], b: Float[Array, "... d"], extent: Array | None) -> Float[Array, "..."]:
    """Euclidean distance, to the nearest image in a periodic box with sides `extent`. Its derivative at 0 is 0."""
    apart = a - b
    if extent is not None:
        sides = jnp.broadcast_to(extent, apart.shape)
        apart = apart - sides * jnp.round(apart / sides)
    square = jnp.sum(apart * apart, -1)
    some = square > 0.0
    return jnp.where(some, jnp.sqrt(jnp.where(some, square, 1.0)), 0.0)


class AbstractKernel(Checked):
    """A function of distance, in the unit of the positions."""

    @abc.abstractmethod
    def __call__(self, d: Float[Array, "..."]) -> Float[Array, "..."]: ...


class GaussianKernel(AbstractKernel):
    """`peak exp(-d^2 / (2 sigma^2))`.

    **Arguments:** `peak`: the value at distance 0. `sigma`: in the unit of the positions.
    """

    peak: Param = param(1.0, unit="1", finite=True)
    sigma: Param = param(1.0, unit="distance", gt=0.0)

    def __call__(self, d):
        return self.peak * jnp.exp(-0.5 * (d / self.sigma) ** 2)


class ExponentialKernel(AbstractKernel):
    """`peak exp(-d / scale)`.

    **Arguments:** `peak`: the value at distance 0. `scale`: in the unit of the positions.
    """

    peak: Param = param(1.0, unit="1", finite=True)
    scale: Param = param(1.0, unit="distance", gt=0.0)

    def __call__(self, d):
        return self.peak * jnp.exp(-d / self.scale)


class BoxKernel(AbstractKernel):
    """`height` up to a distance of `radius`, and 0 beyond.

    **Arguments:** `height`: the value up to `radius`. `radius`: in the unit of the positions.
    """

    height: Param = param(1.0, unit="1", finite=True)
    radius: Param = param(1.0, unit="distance", ge=0.0)

    def __call__(self, d):
        return jnp.where(d <= self.radius, self.height, 0.0)


class LinearKernel(AbstractKernel):
    """`offset + slope d`, such as the conduction delay `LinearKernel(offset, 1 / velocity)`.

    **Arguments:** `offset`: the value at distance 0. `slope`: change per unit of distance.
    """

    offset: Param = param(0.0, unit="1", finite=True)
    slope: Param = param(1.0, unit="1 per distance", finite=True)

    def __call__(self, d):
        return self.offset + self.slope * d
