"""Saturating receptors, described by a presynaptic state."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._types import Param, Requirement, param, shown
from .release import AbstractRelease, faded, fired

_TERMS = 40  # the series is accurate to rounding for `alpha tau_rise` up to
_LARGEST = 8.0


class OpenGates(NamedTuple):
    """The open fraction `s` of the receptors."""

    s: Float[Array, "..."]


class SaturatingRelease(AbstractRelease):
    """The increment that a spike causes in saturating receptors, such as the NMDA receptors of Wang's networks.

    All receptors of a presynaptic neuron see the same spikes, so their open fraction `s` is a presynaptic state: `ds/dt
    = -s / tau_decay`, and a spike adds, and sends, `k0 + k1 s`. That is what `ds/dt = -s / tau_decay + alpha x (1 -
    s)`, `dx/dt = -x / tau_rise` adds in total, taken as instantaneous: with `q = alpha tau_rise` and `a = 1 - tau_rise
    / tau_decay`, `k1 = exp(-q) - 1` and `k0 = q^(1-a) gamma(a, q)`, the lower incomplete gamma function. NEST's
    `iaf_bw_2001`, with `NMDA(Conductance(tau_decay))` for the port.

    **Arguments**, each of shape `()` or `(n_pre,)`: `alpha`: 1/ms. `tau_rise`, `tau_decay`: ms.

    **Reference:** Brunel and Wang, J. Comput. Neurosci. 11:63 (2001); Wang, Neuron 36:955 (2002).
    """

    alpha: Param = param(0.5, unit="1/ms", gt=0.0, finite=True)
    tau_rise: Param = param(2.0, unit="ms", gt=0.0, finite=True)
    tau_decay: Param = param(100.0, unit="ms", gt=0.0)

    def requirements(self):
        return (
            Requirement(
                lambda: self.tau_rise < self.tau_decay,
                lambda: (
                    f"SaturatingRelease.tau_rise is {shown(self.tau_rise)} ms; expected less than tau_decay, "
                    f"{shown(self.tau_decay)} ms."
                ),
            ),
            Requirement(
                lambda: self.alpha * self.tau_rise <= _LARGEST,
                lambda: (
                    f"SaturatingRelease.alpha is {shown(self.alpha)} 1/ms with tau_rise = {shown(self.tau_rise)} ms; "
                    f"expected a product of at most {_LARGEST:g}: its series is accurate up to there."
                ),
            ),
        )

    def init(self, shape, dtype):
        return OpenGates(jnp.zeros(shape, dtype))

    def step(self, s, spike, dt):
        q, a = self.alpha * self.tau_rise, 1.0 - self.tau_rise / self.tau_decay
        # q^(1-a) gamma(a, q) = q e^-q (1/a + q/(a (a+1)) + ...): no term is negative, so nothing cancels
        term = total = 1.0 / a
        for n in range(1, _TERMS):
            term = term * q / (a + n)
            total = total + term
        share = faded(s.s, dt, self.tau_decay)
        added = q * jnp.exp(-q) * total + jnp.expm1(-q) * share
        return OpenGates(share + fired(spike) * added), spike * added
