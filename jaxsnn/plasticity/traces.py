"""Traces: low-pass filtered spikes and membranes of a neuron, which rules read."""

from __future__ import annotations

import abc
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._types import Checked, Param, param


class AbstractTrace(Checked):
    """One number per neuron, written for one neuron. It decays in every step, and then adds the spikes of the step.

    A rule reads it in between: decayed to the end of the step, without the spikes of that step.
    """

    def start(self, v: Float[Array, "..."] | None, shape: tuple[int, ...], dtype: Any) -> Float[Array, "..."]:
        """The trace of a neuron that has been silent, with its membrane at `v`."""
        return jnp.zeros(shape, dtype)

    @abc.abstractmethod
    def decay(self, x: Float[Array, "..."], neuron: Any, dt: float) -> Float[Array, "..."]:
        """`x` after one step. `neuron` has the membrane `v` at its end, and the rule's other traces as they were."""

    def spike(self, x: Float[Array, "..."], spike: Float[Array, "..."]) -> Float[Array, "..."]:
        """`x` after the spikes of the step (amplitudes, 0 for none)."""
        return x


class SpikeTrace(AbstractTrace):
    """`dx/dt = -x / tau`, `x <- x + 1` at a spike: all spikes of the past count.

    **Arguments:** `tau`: ms, shape `()` or `(n,)`.
    """

    tau: Param = param(20.0, unit="ms", gt=0.0)

    def decay(self, x, neuron, dt):
        return x + x * jnp.expm1(-dt / self.tau)

    def spike(self, x, spike):
        return x + spike


class NearestTrace(AbstractTrace):
    """`dx/dt = -x / tau`, `x <- 1` at a spike: only the nearest spike counts.

    **Arguments:** `tau`: ms, shape `()` or `(n,)`.
    """

    tau: Param = param(20.0, unit="ms", gt=0.0)

    def decay(self, x, neuron, dt):
        return x + x * jnp.expm1(-dt / self.tau)

    def spike(self, x, spike):
        return x + spike * (1.0 - x)


class VoltageTrace(AbstractTrace):
    """The membrane, low-pass filtered: `tau dx/dt = v - x`, exact for a `v` that is constant over the step.

    **Arguments:** `tau`: ms, shape `()` or `(n,)`.
    """

    tau: Param = param(10.0, unit="ms", gt=0.0)

    def start(self, v, shape, dtype):
        assert v is not None  # `VoltageRule` needs a membrane
        return jnp.broadcast_to(v, shape).astype(dtype)

    def decay(self, x, neuron, dt):
        return x + (x - neuron.v) * jnp.expm1(-dt / self.tau)
