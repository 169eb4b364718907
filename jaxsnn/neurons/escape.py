"""The leaky integrate-and-fire neuron with escape noise: it fires at random, at a rate that depends on `v - v_th`."""

from __future__ import annotations

import abc
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jax.nn import sigmoid
from jaxtyping import Array, Float, Int

from .. import _random
from .._types import Checked, Param, param
from .base import zero_or_one
from .lif import AbstractLIF
from .surrogates import _attach

_LARGEST = 60.0  # e^60 spikes a step are certain, and finite in float32


class AbstractHazard(Checked):
    """The firing rate of a neuron whose membrane is `u = v - v_th` above its threshold, 1/ms."""

    drawn = True

    @abc.abstractmethod
    def __call__(self, u: Float[Array, "..."]) -> Float[Array, "..."]: ...


class ExponentialHazard(AbstractHazard):
    """`rate exp(u / delta)`: NEST's `gif` models, and its escape noise.

    **Arguments:** `rate`: at threshold, 1/ms. `delta`: mV.
    """

    rate: Param = param(0.1, unit="1/ms", ge=0.0, finite=True)
    delta: Param = param(1.0, unit="mV", gt=0.0, finite=True)

    def __call__(self, u):
        return self.rate * jnp.exp(jnp.minimum(u / self.delta, _LARGEST))


class SigmoidHazard(AbstractHazard):
    """`rate / (1 + exp(-u / delta))`, never more than `rate`.

    **Arguments:** `rate`: far above threshold, 1/ms. `delta`: mV.
    """

    rate: Param = param(1.0, unit="1/ms", ge=0.0, finite=True)
    delta: Param = param(1.0, unit="mV", gt=0.0, finite=True)

    def __call__(self, u):
        return self.rate * sigmoid(u / self.delta)


class EscapeState(NamedTuple):
    """As of `LIF`, the number drawn for this step, and for how many ms the hazard acts."""

    v: Float[Array, "..."]
    r: Int[Array, "..."]
    luck: Float[Array, "..."]
    window: Float[Array, "..."]
    kept: Float[Array, "..."] | None = None
    pending: Float[Array, "..."] | None = None


class EscapeLIF(AbstractLIF):
    """LIF with escape noise: `tau dv/dt = -(v - v_rest) + R I`, and in a step it fires with the probability
    `p = 1 - exp(-hazard(v - v_th) dt)`.

    The threshold is soft, and the membrane the deterministic one of `LIF`. The derivative of a spike is that of its
    probability, `dp/dv`, so no surrogate is needed: gradients are those of the expected spike of a step.

    **Arguments**, each of shape `()` or `(n,)`: those of `LIF` but `noise`, `comparator` and `surrogate`, which have no
    part in it, and

    - `hazard`: `ExponentialHazard` or `SigmoidHazard`.

    **Reference:** Gerstner, Kistler, Naud and Paninski, Neuronal Dynamics, chapter 9 (2014).
    """

    hazard: AbstractHazard = eqx.field(default_factory=ExponentialHazard)

    def __check_init__(self):
        if self.noise is not None:
            raise ValueError(
                f"EscapeLIF.noise is {self.noise}; expected None: its noise is the hazard. Use LIF(noise=...) or a "
                "Noise drive for a noisy membrane."
            )

    @property
    def noisy(self) -> bool:
        return True

    def numbers(self, stream: Array, step: Array, ids: Array) -> Float[Array, "..."]:
        return _random.uniform(stream, step, ids)

    def init(self, shape: tuple[int, ...], dtype: Any) -> EscapeState:
        one, zero = jnp.ones(shape, dtype), jnp.zeros(shape, dtype)
        return EscapeState(luck=one, window=zero, **self.at_rest(self.v_rest, shape, dtype))

    def advance(self, s, current, dt, *, noise=None):
        s = super().advance(s, current, dt)
        return s._replace(luck=s.luck if noise is None else noise, window=jnp.full_like(s.window, dt))

    @zero_or_one
    def spike(self, s):
        chance = -jnp.expm1(-self.hazard(self.due(s) - self.threshold(s)) * s.window)
        fires = _attach((s.luck < chance).astype(chance.dtype), chance, jnp.ones_like(chance))
        return jnp.where(self.held(s), 0.0, fires)
