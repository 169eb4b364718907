"""Homeostasis: synaptic scaling towards a target rate, and normalisation of the summed weights."""

from __future__ import annotations

from typing import ClassVar

import jax.numpy as jnp

from .._types import Param, param
from .base import AbstractModifier


class Scaling(AbstractModifier):
    """`dw/dt = w (1 - r / rate) / tau`: all weights of a neuron grow while it fires less than `rate`, and shrink above.

    `r`: the postsynaptic rate, averaged with `tau_rate`. All synapses of a neuron are scaled alike, so the
    scaling is applied at the next event of a synapse.

    **Arguments:** `rate`: Hz. `tau`, `tau_rate`: ms.

    **Reference:** Turrigiano et al., Nature 391:892 (1998); van Rossum, Bi and Turrigiano, J. Neurosci. 20:8812 (2000).
    """

    variables: ClassVar[tuple[str, ...]] = ("scaled_at",)
    lazy: ClassVar[bool] = True

    rate: Param = param(5.0, unit="Hz", gt=0.0)
    tau: Param = param(10_000.0, unit="ms", gt=0.0)
    tau_rate: Param = param(1_000.0, unit="ms", gt=0.0)

    def start(self, n_post, dtype):
        return {"rate": jnp.broadcast_to(self.rate, (n_post,)).astype(dtype), "growth": jnp.zeros(n_post, dtype)}

    def tick(self, clock, s):
        rate = clock["rate"] + clock["rate"] * jnp.expm1(-s.dt / self.tau_rate) + s.post.spike * (1e3 / self.tau_rate)
        return {"rate": rate, "growth": clock["growth"] + (1.0 - clock["rate"] / self.rate) * (s.dt / self.tau)}

    def change(self, w, dw, kept, clock):
        growth = jnp.broadcast_to(clock["growth"], w.shape)
        return dw + w * jnp.expm1(growth - kept["scaled_at"]), {"scaled_at": growth}

    def refresh_due(self, clock):
        return jnp.any(jnp.abs(clock["growth"]) > 0.05)  # small, so that what a step adds is not rounded away

    def refresh(self, w, kept, clock, total):
        return w, {"scaled_at": jnp.zeros_like(w)}

    def reset_clock(self, clock):
        return clock | {"growth": jnp.zeros_like(clock["growth"])}


class Normalise(AbstractModifier):
    """`w <- w total / sum(w)` over all synapses of a neuron, at the end of every `every` ms.

    **Arguments:** `total`: unit of the weight. `every`: ms; infinite for never.
    """

    total: Param = param(1.0, unit="weight")
    every: Param = param(1000.0, unit="ms", gt=0.0)

    def start(self, n_post, dtype):
        return {"steps": jnp.zeros((), jnp.int32), "age": jnp.zeros((), dtype)}

    def tick(self, clock, s):
        steps = clock["steps"] + 1
        return {"steps": steps, "age": steps.astype(clock["age"].dtype) * (s.dt / self.every)}

    def refresh_due(self, clock):
        return clock["age"] >= 1.0 - 1e-6  # a whole number of steps, up to rounding

    def refresh(self, w, kept, clock, total):
        there = total(w)
        return w * jnp.where(there > 0, self.total / jnp.where(there > 0, there, 1.0), 1.0), kept

    def reset_clock(self, clock):
        return {name: jnp.zeros_like(x) for name, x in clock.items()}
