"""Triplet spike-timing-dependent plasticity."""

from __future__ import annotations

from .._types import Param, param
from .base import AbstractRule
from .traces import SpikeTrace


class TripletSTDP(AbstractRule):
    """`dw = x1 (a2_plus + a3_plus y2)` at a postsynaptic spike, `-y1 (a2_minus + a3_minus x2)` at a presynaptic one.

    Traces of all earlier spikes: `x1`, `x2` presynaptic with `tau_plus`, `tau_x`; `y1`, `y2` postsynaptic
    with `tau_minus`, `tau_y`. Defaults: the full model's all-to-all fit to visual cortex. NEST's
    `stdp_triplet_synapse`.

    **Arguments:** `a2_plus`, `a3_plus`, `a2_minus`, `a3_minus`: unit of the weight. Time constants: ms.

    **Reference:** Pfister and Gerstner, J. Neurosci. 26:9673 (2006), table 3.
    """

    a2_plus: Param = param(5e-10, unit="weight")
    a3_plus: Param = param(6.2e-3, unit="weight")
    a2_minus: Param = param(7e-3, unit="weight")
    a3_minus: Param = param(2.3e-4, unit="weight")
    tau_plus: Param = param(16.8, unit="ms", gt=0.0)
    tau_x: Param = param(101.0, unit="ms", gt=0.0)
    tau_minus: Param = param(33.7, unit="ms", gt=0.0)
    tau_y: Param = param(125.0, unit="ms", gt=0.0)

    def pre_traces(self):
        return {"x1": SpikeTrace(self.tau_plus), "x2": SpikeTrace(self.tau_x)}

    def post_traces(self):
        return {"y1": SpikeTrace(self.tau_minus), "y2": SpikeTrace(self.tau_y)}

    def on_pre(self, w, s):
        return -s.post.y1 * (self.a2_minus + self.a3_minus * s.pre.x2)

    def on_post(self, w, s):
        return s.pre.x1 * (self.a2_plus + self.a3_plus * s.post.y2)
