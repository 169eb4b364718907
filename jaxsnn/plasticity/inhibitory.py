"""Plasticity of inhibitory synapses that keeps the postsynaptic rate at a target."""

from __future__ import annotations

import jax.numpy as jnp

from .._types import Param, param
from .base import AbstractRule
from .traces import SpikeTrace


class VogelsSprekeler(AbstractRule):
    """`dw = eta y - 2 eta rate tau` at a presynaptic spike, `eta x` at a postsynaptic one: rates settle at `rate`.

    `x`, `y`: traces of both neurons with `tau`. Weights are magnitudes, of a conductance that inhibits. NEST's
    `vogels_sprekeler_synapse` with `alpha = 2 rate tau` and `Bound(0, Wmax)`. The change at a presynaptic spike has two
    terms: in `NestOrder` a bound holds after either, as in NEST, so that a weight at its upper bound always declines;
    in `BrianOrder` it holds for their sum (`chain(..., clips=ClipEachTerm() | ClipWholeChange())` chooses otherwise).

    **Arguments:** `eta`: unit of the weight, at least 0. `rate`: target rate of the postsynaptic neuron, Hz. `tau`: ms.

    **Reference:** Vogels et al., Science 334:1569 (2011).
    """

    eta: Param = param(0.01, unit="weight", ge=0.0)
    rate: Param = param(3.0, unit="Hz", ge=0.0)
    tau: Param = param(20.0, unit="ms", gt=0.0)

    def pre_traces(self):
        return {"x": SpikeTrace(self.tau)}

    def post_traces(self):
        return {"y": SpikeTrace(self.tau)}

    def on_pre(self, w, s):
        return self.eta * s.post.y, -2e-3 * self.eta * self.rate * self.tau * jnp.ones_like(w)

    def on_post(self, w, s):
        return self.eta * s.pre.x
