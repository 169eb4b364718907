"""Surrogate gradients: the slope that stands in for the derivative of a threshold."""

from __future__ import annotations

import abc

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


class FastSigmoid(AbstractSurrogate):
    """`slope(u) = 1 / (1 + beta |u|)^2` (SuperSpike).

    **Arguments:** `beta`: steepness, 1 / unit of `v`.

    **Reference:** Zenke and Ganguli, Neural Computation 30:1514 (2018).
    """

    beta: Array = param(1.0, unit="1/mV", least=0.0)

    def slope(self, u):
        return 1.0 / jnp.square(1.0 + self.beta * jnp.abs(u))
