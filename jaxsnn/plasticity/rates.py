"""Rules of rates, carried over to spikes: Oja and BCM."""

from __future__ import annotations

import jax.numpy as jnp

from .._types import Param, param
from .base import AbstractRule
from .traces import SpikeTrace


class Oja(AbstractRule):
    """`dw = eta (x - decay y w)` at a postsynaptic spike: Hebbian growth that keeps the weights of a neuron bounded.

    `x`, `y`: traces of both neurons with `tau`. With rates `r` in place of traces, `dw/dt = eta r_post (r_pre -
    decay r_post w)`: weights turn to the first principal component of the input, with `|w|^2 = 1 / decay` for a linear
    neuron.

    **Arguments:** `eta`: learning rate. `decay`: 1. `tau`: ms.

    **Reference:** Oja, J. Math. Biol. 15:267 (1982).
    """

    eta: Param = param(1e-3, unit="weight", ge=0.0)
    decay: Param = param(1.0, unit="1/weight", ge=0.0)
    tau: Param = param(20.0, unit="ms", gt=0.0)

    def pre_traces(self):
        return {"x": SpikeTrace(self.tau)}

    def post_traces(self):
        return {"y": SpikeTrace(self.tau)}

    def on_post(self, w, s):
        return self.eta * (s.pre.x - self.decay * s.post.y * w)


class BCM(AbstractRule):
    """`dw = eta x (y - theta)` at a postsynaptic spike; sliding threshold `theta = <y>^2 / y_0`, `y_0 = rate tau`.

    `x`, `y`: traces of both neurons with `tau`; `<y>`: average of `y` over `tau_theta`. Synapses grow where the
    postsynaptic neuron is more active than its threshold, and shrink below; the threshold rises faster than activity,
    so that activity settles where `y = theta`, at `rate`.

    **Arguments:** `eta`: unit of the weight. `tau`, `tau_theta`: ms. `rate`: Hz.

    **References:** Bienenstock, Cooper and Munro, J. Neurosci. 2:32 (1982); Intrator and Cooper, Neural Networks 5:3
    (1992).
    """

    eta: Param = param(1e-3, unit="weight", ge=0.0)
    tau: Param = param(50.0, unit="ms", gt=0.0)
    tau_theta: Param = param(1000.0, unit="ms", gt=0.0)
    rate: Param = param(10.0, unit="Hz", gt=0.0)

    def pre_traces(self):
        return {"x": SpikeTrace(self.tau)}

    def post_traces(self):
        return {"y": SpikeTrace(self.tau), "slow": SpikeTrace(self.tau_theta)}

    def on_post(self, w, s):
        average = s.post.slow * (self.tau / self.tau_theta)
        theta = jnp.square(average) / (1e-3 * self.rate * self.tau)
        return self.eta * s.pre.x * (s.post.y - theta)
