"""Surrogate gradients: the slope that stands in for the derivative of a threshold, at the distance `u = v - v_th`.

The slope's numbers are leaves. A spike does not depend on them, so that a first derivative by them is zero; they can be
swept, and learnt through second derivatives (a loss after a step of learning).
"""

from __future__ import annotations

import abc
import math

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from .._types import Checked, param


@jax.custom_jvp
def _attach(spike: Float[Array, "..."], distance: Float[Array, "..."], slope: Float[Array, "..."]):
    """`spike`, whose derivative with respect to `distance` is `slope`."""
    return spike


@_attach.defjvp
def _attach_jvp(primals, tangents):
    # Reverse mode of a scan forgets the rule of a call within a rule, and second derivatives of spikes with it. So the
    # spike carries them itself, as a zero: its derivative is `slope`, the one of that is the derivative of `slope`.
    spike, distance, slope = primals
    zero = (distance - lax.stop_gradient(distance)) * (0.5 * (slope + lax.stop_gradient(slope)))
    return spike + zero, slope * tangents[1]


class AbstractSurrogate(Checked):
    """A pseudo-derivative `slope(u)` of the threshold at the distance `u = v - v_th`."""

    @abc.abstractmethod
    def slope(self, u: Float[Array, "..."]) -> Float[Array, "..."]:
        """The pseudo-derivative at distance `u` from the threshold."""

    def __call__(self, fired: Bool[Array, "..."], u: Float[Array, "..."]) -> Float[Array, "..."]:
        """Spikes in the dtype of `u`, equal to `fired`, with this surrogate's gradient."""
        return _attach(fired.astype(u.dtype), u, self.slope(u))


class Peak(AbstractSurrogate):
    """Another surrogate, scaled to the height `peak` at threshold: surrogates differ up to tenfold in theirs.

    With equal peaks a learning rate means the same for all of them. `Peak(ATan(5.0))` is 1 at threshold.
    """

    surrogate: AbstractSurrogate
    peak: Array = param(1.0, unit="1/mV", least=0.0)

    def slope(self, u):
        return self.surrogate.slope(u) * (self.peak / self.surrogate.slope(jnp.zeros_like(u)))


class FastSigmoid(AbstractSurrogate):
    """`slope(u) = 1 / (1 + beta |u|)^2` (SuperSpike).

    **Arguments:** `beta`: steepness, 1 / unit of `v`.

    **Reference:** Zenke and Ganguli, Neural Computation 30:1514 (2018).
    """

    beta: Array = param(1.0, unit="1/mV", least=0.0)

    def slope(self, u):
        return 1.0 / jnp.square(1.0 + self.beta * jnp.abs(u))


class ATan(AbstractSurrogate):
    """`slope(u) = (alpha / 2) / (1 + (pi alpha u / 2)^2)`, peak `alpha / 2`.

    **Arguments:** `alpha`: steepness, 1 / unit of `v`.

    **Reference:** Fang et al., ICCV (2021).
    """

    alpha: Array = param(2.0, unit="1/mV", least=0.0)

    def slope(self, u):
        return 0.5 * self.alpha / (1.0 + jnp.square(0.5 * math.pi * self.alpha * u))


class Sigmoid(AbstractSurrogate):
    """`slope(u) = k s(ku) (1 - s(ku))` with the logistic `s`, peak `k / 4`.

    **Arguments:** `k`: steepness, 1 / unit of `v`.
    """

    k: Array = param(4.0, unit="1/mV", least=0.0)

    def slope(self, u):
        return self.k * jax.nn.sigmoid(self.k * u) * jax.nn.sigmoid(-self.k * u)


class Triangle(AbstractSurrogate):
    """`slope(u) = (gamma / width) max(0, 1 - |u / width|)`, peak `gamma / width`.

    **Arguments:** `gamma`: area under it. `width`: where it ends, in the unit of `v`; e-prop takes the threshold.

    **Reference:** Bellec et al., Nature Communications 11:3625 (2020), with `gamma = 0.3`.
    """

    gamma: Array = param(0.3, unit="1", least=0.0)
    width: Array = param(1.0, unit="mV", above=0.0)

    def slope(self, u):
        return self.gamma / self.width * jnp.maximum(0.0, 1.0 - jnp.abs(u / self.width))


class PiecewiseQuadratic(AbstractSurrogate):
    """`slope(u) = max(0, alpha - alpha^2 |u|)`, peak `alpha`: a triangle of area 1.

    **Arguments:** `alpha`: steepness, 1 / unit of `v`.

    **Reference:** Esser et al., PNAS 113:11441 (2016).
    """

    alpha: Array = param(1.0, unit="1/mV", least=0.0)

    def slope(self, u):
        return jnp.maximum(0.0, self.alpha - jnp.square(self.alpha) * jnp.abs(u))


class Boxcar(AbstractSurrogate):
    """`slope(u) = alpha` where `|u| < 1 / (2 alpha)`, else 0.

    **Arguments:** `alpha`: height, 1 / unit of `v`.
    """

    alpha: Array = param(1.0, unit="1/mV", above=0.0)

    def slope(self, u):
        return jnp.where(jnp.abs(u) < 0.5 / self.alpha, self.alpha, 0.0)


class Slayer(AbstractSurrogate):
    """`slope(u) = (alpha / 2) exp(-alpha |u|)`, peak `alpha / 2`.

    **Arguments:** `alpha`: steepness, 1 / unit of `v`.

    **Reference:** Shrestha and Orchard, SLAYER, NeurIPS (2018).
    """

    alpha: Array = param(1.0, unit="1/mV", least=0.0)

    def slope(self, u):
        return 0.5 * self.alpha * jnp.exp(-self.alpha * jnp.abs(u))


class Erf(AbstractSurrogate):
    """`slope(u) = (alpha / sqrt(pi)) exp(-(alpha u)^2)`, peak `alpha / sqrt(pi)`: a Gaussian.

    **Arguments:** `alpha`: steepness, 1 / unit of `v`.
    """

    alpha: Array = param(2.0, unit="1/mV", least=0.0)

    def slope(self, u):
        return self.alpha / math.sqrt(math.pi) * jnp.exp(-jnp.square(self.alpha * u))


class Tanh(AbstractSurrogate):
    """`slope(u) = 1 - tanh(k u)^2`, peak 1.

    **Arguments:** `k`: steepness, 1 / unit of `v`.
    """

    k: Array = param(1.0, unit="1/mV", least=0.0)

    def slope(self, u):
        return 1.0 - jnp.square(jnp.tanh(self.k * u))


class MultiGaussian(AbstractSurrogate):
    """`slope(u) = gamma ((1 + h) N(u; 0, sigma) - h N(u; sigma, s sigma) - h N(u; -sigma, s sigma))`.

    Negative a little way from threshold.

    **Arguments:** `gamma`, `h`, `s`: 1. `sigma`: in the unit of `v`.

    **Reference:** Yin, Corradi and Bohte, Nature Machine Intelligence 3:905 (2021).
    """

    gamma: Array = param(0.5, unit="1", least=0.0)
    h: Array = param(0.15, unit="1", least=0.0)
    s: Array = param(6.0, unit="1", above=0.0)
    sigma: Array = param(0.5, unit="mV", above=0.0)

    def slope(self, u):
        def normal(mean: Array | float, sd: Array) -> Array:
            return jnp.exp(-0.5 * jnp.square((u - mean) / sd)) / (sd * math.sqrt(2.0 * math.pi))

        wide = self.s * self.sigma
        sides = normal(self.sigma, wide) + normal(-self.sigma, wide)
        return self.gamma * ((1.0 + self.h) * normal(0.0, self.sigma) - self.h * sides)


class StraightThrough(AbstractSurrogate):
    """`slope(u) = 1` everywhere: also far from threshold, which in recurrent and deep networks is too much.

    **Reference:** Bengio, Leonard and Courville, arXiv:1308.3432 (2013).
    """

    def slope(self, u):
        return jnp.ones_like(u)
