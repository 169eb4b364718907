"""Surrogate gradients: the slope that stands in for the derivative of a threshold.

A surrogate is a function of the normalised distance `x = (v - v_th) / (v_th - v_reset)`, so that its height and width
mean the same whatever the unit of the membrane: the derivative of a spike with respect to `v` is `slope(x)` over
`v_th - v_reset`. Deep-learning libraries have `v_th = 1`, `v_reset = 0`, where `x = v - v_th` and nothing is divided.

The slope's numbers are leaves. A spike does not depend on them, so that a first derivative with respect to them is
zero; they can be swept, and learnt through second derivatives (a loss after a step of learning).
"""

from __future__ import annotations

import abc
import math

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, ArrayLike, Bool, Float

from .._types import Checked, Param, param


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
    """A pseudo-derivative `slope(x)` of the threshold, at `x = (v - v_th) / (v_th - v_reset)`."""

    @abc.abstractmethod
    def slope(self, x: Float[Array, "..."]) -> Float[Array, "..."]:
        """The pseudo-derivative with respect to `x`, at the normalised distance `x` from the threshold."""

    def __call__(self, fired: Bool[Array, "..."], u: Float[Array, "..."], span: ArrayLike = 1.0) -> Float[Array, "..."]:
        """Spikes in the dtype of `u`, equal to `fired`, with the derivative `slope(u / span) / span`.

        **Arguments:** `u`: distance from threshold, `v - v_th`. `span`: the unit it is measured in, for an
        integrate-and-fire neuron `v_th - v_reset`; 1 is taken where it is not positive (a reset to the threshold).
        The derivative is 0 at an infinite threshold.
        """
        span = jnp.asarray(span, u.dtype)
        per_unit = 1.0 / jnp.where(span > 0, span, 1.0)  # once: a step multiplies instead of dividing
        never = jnp.isinf(u)
        u, per_unit = jnp.where(never, 0.0, u), jnp.where(never, 0.0, per_unit)
        return _attach(fired.astype(u.dtype), u, self.slope(u * per_unit) * per_unit)


class Scaled(AbstractSurrogate):
    """Another surrogate, scaled to the height `peak` at threshold: surrogates differ up to tenfold in theirs.

    With equal peaks a learning rate means the same for all of them. `Scaled(ATan(5.0))` is 1 at threshold. A surrogate
    that is 0 at threshold stays 0.

    **Arguments:** `surrogate`: any other. `peak`: its height at threshold.
    """

    surrogate: AbstractSurrogate
    peak: Param = param(1.0, unit="1", ge=0.0)

    def slope(self, x):
        height = self.surrogate.slope(jnp.zeros_like(x))
        some = height != 0
        return self.surrogate.slope(x) * jnp.where(some, self.peak / jnp.where(some, height, 1.0), 0.0)


class FastSigmoid(AbstractSurrogate):
    """`slope(x) = 1 / (1 + beta |x|)^2` (SuperSpike).

    **Arguments:** `beta`: steepness.

    **Reference:** Zenke and Ganguli, Neural Computation 30:1514 (2018).
    """

    beta: Param = param(1.0, unit="1", ge=0.0)

    def slope(self, x):
        return 1.0 / jnp.square(1.0 + self.beta * jnp.abs(x))


class ATan(AbstractSurrogate):
    """`slope(x) = (alpha / 2) / (1 + (pi alpha x / 2)^2)`, peak `alpha / 2`.

    **Arguments:** `alpha`: steepness.

    **Reference:** Fang et al., ICCV (2021).
    """

    alpha: Param = param(2.0, unit="1", ge=0.0)

    def slope(self, x):
        return 0.5 * self.alpha / (1.0 + jnp.square(0.5 * math.pi * self.alpha * x))


class Sigmoid(AbstractSurrogate):
    """`slope(x) = k s(kx) (1 - s(kx))` with the logistic `s`, peak `k / 4`.

    **Arguments:** `k`: steepness.
    """

    k: Param = param(4.0, unit="1", ge=0.0)

    def slope(self, x):
        return self.k * jax.nn.sigmoid(self.k * x) * jax.nn.sigmoid(-self.k * x)


class Triangle(AbstractSurrogate):
    """`slope(x) = (gamma / width) max(0, 1 - |x / width|)`, peak `gamma / width`.

    **Arguments:** `gamma`: area under it. `width`: where it ends.

    **Reference:** Bellec et al., Nature Communications 11:3625 (2020), with `gamma = 0.3`.
    """

    gamma: Param = param(0.3, unit="1", ge=0.0)
    width: Param = param(1.0, unit="1", gt=0.0)

    def slope(self, x):
        return self.gamma / self.width * jnp.maximum(0.0, 1.0 - jnp.abs(x / self.width))


class PiecewiseQuadratic(AbstractSurrogate):
    """`slope(x) = max(0, alpha - alpha^2 |x|)`, peak `alpha`: a triangle of area 1.

    **Arguments:** `alpha`: steepness.

    **Reference:** Esser et al., PNAS 113:11441 (2016).
    """

    alpha: Param = param(1.0, unit="1", ge=0.0)

    def slope(self, x):
        return jnp.maximum(0.0, self.alpha - jnp.square(self.alpha) * jnp.abs(x))


class Boxcar(AbstractSurrogate):
    """`slope(x) = alpha` where `|x| < 1 / (2 alpha)`, else 0.

    **Arguments:** `alpha`: height.
    """

    alpha: Param = param(1.0, unit="1", gt=0.0)

    def slope(self, x):
        return jnp.where(jnp.abs(x) < 0.5 / self.alpha, self.alpha, 0.0)


class Slayer(AbstractSurrogate):
    """`slope(x) = (alpha / 2) exp(-alpha |x|)`, peak `alpha / 2`.

    **Arguments:** `alpha`: steepness.

    **Reference:** Shrestha and Orchard, SLAYER, NeurIPS (2018).
    """

    alpha: Param = param(1.0, unit="1", ge=0.0)

    def slope(self, x):
        return 0.5 * self.alpha * jnp.exp(-self.alpha * jnp.abs(x))


class Erf(AbstractSurrogate):
    """`slope(x) = (alpha / sqrt(pi)) exp(-(alpha x)^2)`, peak `alpha / sqrt(pi)`: a Gaussian.

    **Arguments:** `alpha`: steepness.
    """

    alpha: Param = param(2.0, unit="1", ge=0.0)

    def slope(self, x):
        return self.alpha / math.sqrt(math.pi) * jnp.exp(-jnp.square(self.alpha * x))


class Tanh(AbstractSurrogate):
    """`slope(x) = 1 - tanh(k x)^2`, peak 1.

    **Arguments:** `k`: steepness.
    """

    k: Param = param(1.0, unit="1", ge=0.0)

    def slope(self, x):
        return 1.0 - jnp.square(jnp.tanh(self.k * x))


class MultiGaussian(AbstractSurrogate):
    """`slope(x) = gamma ((1 + h) N(x; 0, sigma) - h N(x; sigma, s sigma) - h N(x; -sigma, s sigma))`.

    Negative a little way from threshold.

    **Arguments:** `gamma`, `h`, `s`: numbers. `sigma`: its width.

    **Reference:** Yin, Corradi and Bohte, Nature Machine Intelligence 3:905 (2021).
    """

    gamma: Param = param(0.5, unit="1", ge=0.0)
    h: Param = param(0.15, unit="1", ge=0.0)
    s: Param = param(6.0, unit="1", gt=0.0)
    sigma: Param = param(0.5, unit="1", gt=0.0)

    def slope(self, x):
        def normal(mean: Array | float, sd: Array) -> Array:
            return jnp.exp(-0.5 * jnp.square((x - mean) / sd)) / (sd * math.sqrt(2.0 * math.pi))

        wide = self.s * self.sigma
        sides = normal(self.sigma, wide) + normal(-self.sigma, wide)
        return self.gamma * ((1.0 + self.h) * normal(0.0, self.sigma) - self.h * sides)


class StraightThrough(AbstractSurrogate):
    """`slope(x) = 1` everywhere: also far from threshold, which in recurrent and deep networks is too much.

    **Reference:** Bengio, Leonard and Courville, arXiv:1308.3432 (2013).
    """

    def slope(self, x):
        return jnp.ones_like(x)
