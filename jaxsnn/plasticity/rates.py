"""Rules of rates, carried over to spikes: Oja and BCM."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array

from .._types import param
from .base import AbstractRule
from .traces import AbstractTrace, SpikeTrace


class Oja(AbstractRule):
    """`dw = eta (x - decay y w)` at a post spike: Hebbian growth that keeps the weights of a neuron bounded.

    `x`, `y`: traces of both neurons with `tau`. With rates `r` in place of traces, `dw/dt = eta r_post (r_pre -
    decay r_post w)`: weights turn to the first principal component of the input, with `|w|^2 = 1 / decay` for a linear
    neuron.

    **Arguments:** `eta`: learning rate. `decay`: 1. `tau`: ms.

    **Reference:** Oja, J. Math. Biol. 15:267 (1982).
    """

    eta: Array = param(1e-3, unit="weight")
    decay: Array = param(1.0, unit="1/weight", least=0.0)
    tau: Array = param(20.0, unit="ms", above=0.0)

    def pre_traces(self):
        return {"x": SpikeTrace(self.tau)}

    def post_traces(self):
        return {"y": SpikeTrace(self.tau)}

    def on_post(self, w, s):
        return self.eta * (s.pre.x - self.decay * s.post.y * w)


class SlidingThreshold(AbstractTrace):
    """The square of another trace, averaged over a long time: `tau dx/dt = y^2 / y_0 - x`.

    **Arguments:** `tau`: ms. `y_0`: the value of `y` at which threshold and activity meet.
    """

    tau: Array = param(1000.0, unit="ms", above=0.0)
    y_0: Array = param(1.0, unit="1", above=0.0)

    def decay(self, x, neuron, dt):
        return x + (x - neuron.y**2 / self.y_0) * jnp.expm1(-dt / self.tau)


class BCM(AbstractRule):
    """`dw = eta x (y - theta)` at a post spike; `theta` follows the average of `y^2`.

    `x`, `y`: traces of both neurons with `tau`. Synapses grow where the post neuron is more active than its threshold,
    and shrink below; the threshold slides faster than activity, so that activity settles where `y = theta`.

    **Arguments:** `eta`: unit of the weight. `tau`, `tau_theta`: ms. `rate`: rate at which activity settles, Hz.

    **Reference:** Bienenstock, Cooper and Munro, J. Neurosci. 2:32 (1982).
    """

    eta: Array = param(1e-3, unit="weight")
    tau: Array = param(50.0, unit="ms", above=0.0)
    tau_theta: Array = param(1000.0, unit="ms", above=0.0)
    rate: Array = param(10.0, unit="Hz", above=0.0)

    def pre_traces(self):
        return {"x": SpikeTrace(self.tau)}

    def post_traces(self):
        return {"y": SpikeTrace(self.tau), "theta": SlidingThreshold(self.tau_theta, 1e-3 * self.rate * self.tau)}

    def on_post(self, w, s):
        return self.eta * s.pre.x * (s.post.y - s.post.theta)
