"""Plasticity that reads the postsynaptic membrane."""

from __future__ import annotations

from typing import ClassVar

import jax.numpy as jnp

from .._types import Param, param
from .base import AbstractRule
from .traces import SpikeTrace, VoltageTrace


class Clopath(AbstractRule):
    """`dw/dt = -a_ltd X (u_minus - theta_minus)_+ + a_ltp x (u - theta_plus)_+ (u_plus - theta_minus)_+`.

    `X`: presynaptic spikes, `x`: their trace, normalised to unit area (`tau_x dx/dt = -x + X`). `u`: the postsynaptic
    membrane, `u_minus`, `u_plus`: low-pass filtered. Growth happens only while `u` is above `theta_plus`, that is
    around spikes, and costs nothing otherwise. The membrane has to show its spikes, as that of `AdEx` does. NEST:
    `clopath_synapse`.

    **Arguments:** `a_ltd`: weight / mV. `a_ltp`: weight / (mV^2). `tau_x`, `tau_minus`, `tau_plus`: ms. `theta_minus`,
    `theta_plus`: mV.

    **Reference:** Clopath et al., Nat. Neurosci. 13:344 (2010), without the homeostatic factor of `a_ltd`.
    """

    voltage: ClassVar[tuple[str, ...]] = ("post",)

    a_ltd: Param = param(14e-5, unit="weight/mV", ge=0.0)
    a_ltp: Param = param(8e-5, unit="weight/mV^2", ge=0.0)
    tau_minus: Param = param(10.0, unit="ms", gt=0.0)
    tau_plus: Param = param(7.0, unit="ms", gt=0.0)
    tau_x: Param = param(15.0, unit="ms", gt=0.0)
    theta_minus: Param = param(-70.6, unit="mV")
    theta_plus: Param = param(-45.3, unit="mV")

    def pre_traces(self):
        return {"x": SpikeTrace(self.tau_x)}

    def post_traces(self):
        return {"u_minus": VoltageTrace(self.tau_minus), "u_plus": VoltageTrace(self.tau_plus)}

    def post_event(self, post, dt):
        over = jnp.maximum(post.v - self.theta_plus, 0.0)
        return over * jnp.maximum(post.u_plus - self.theta_minus, 0.0) * dt

    def on_pre(self, w, s):
        return -self.a_ltd * jnp.maximum(s.post.u_minus - self.theta_minus, 0.0)

    def on_post(self, w, s):
        return self.a_ltp * s.pre.x / self.tau_x
