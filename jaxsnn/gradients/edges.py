"""A projection under an estimator: from neurons to synapses and back, whatever holds the synapses."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from ..connectivity.graph import DenseGraph, SparseGraph
from ..connectivity.ring import Ring
from ..networks.projection import Projection


class Edges(eqx.Module):
    """One projection, as estimators see it: synapses of which each has its own derivative."""

    first: int = eqx.field(static=True)  # of the columns of its port
    projection: Projection
    senders: Array | None  # of every synapse, written down once; None for a matrix

    @classmethod
    def of(cls, p: Projection, first: int = 0) -> Edges:
        return cls(first, p, p.graph.pre if isinstance(p.graph, SparseGraph) else None)

    @property
    def pre(self) -> str:
        return self.projection.pre

    @property
    def matrix(self) -> bool:
        """Whether it is a matrix with one delay, so that weights of many steps have one product."""
        p = self.projection
        return isinstance(p.graph, DenseGraph) and (p.delay is None or p.delay.ndim == 0)

    def delay(self) -> Array:
        """Steps; 0 for a same-step edge."""
        return jnp.zeros((), jnp.int32) if self.projection.delay is None else self.projection.delay

    def synapses(self) -> tuple[Array, Array, Array, Array]:
        """`(pre, post, weight, delay)` of every synapse; padding has `pre == n_pre`."""
        pre, post, weight, delay = self.projection.graph.synapses(self.projection.weight, self.delay())
        return pre if self.senders is None else self.senders, post, weight, delay

    def zeros(self) -> tuple[Array, Array]:
        """Derivatives with respect to the weight and the delay of every synapse, initially 0."""
        p = self.projection
        shape = p.graph.shape if self.matrix else self.synapses()[0].shape
        zero = jnp.zeros(shape, p.weight.dtype)
        return zero, zero

    # --- for the way back: the adjoint of the targets is looked up at the time at which spikes arrived ---------------

    def step(self, ring: Ring, sizes: Array, times: Array, t: Array, amplitude: Array) -> tuple[Array, Any, Any]:
        """Step `t`: the derivative by the time of the senders' spikes, what is added now, and what at a chunk's end."""
        if self.matrix:
            n = self.projection.graph.n_post
            size, time = (ring.read(x, t + self.delay(), self.first, n) for x in (sizes, times))
            return self.weights() @ time, None, (amplitude, size, time)
        pre, post, weight, delay = self.synapses()
        at = ring.start(t + delay) + self.first + post
        sent = amplitude.at[pre].get(mode="fill", fill_value=0)  # padding has pre == n_pre
        size, time = (x.at[at].get(mode="clip") for x in (sizes, times))
        time = weight * time
        by_time = jnp.zeros_like(amplitude).at[pre].add(time, mode="drop")
        return by_time, (sent * size, sent * time), None

    def of_chunk(self, stacked: Any) -> tuple[Array, Array]:
        """Derivatives by weights and delays of a chunk's steps at once: products over time."""
        amplitude, size, time = stacked
        return amplitude.T @ size, self.weights() * (amplitude.T @ time)

    def weights(self) -> Array:
        """Of a projection that is a matrix."""
        p = self.projection
        assert isinstance(p.graph, DenseGraph)
        if p.weight.ndim:
            return p.graph.masked(p.weight)
        return (
            jnp.broadcast_to(p.weight, p.graph.shape)
            if p.graph.count is None
            else p.weight * p.graph.count.astype(p.weight.dtype)
        )

    def forwards(self, spikes: Array) -> Array:
        """What arrives at every target when all spikes do so at once."""
        if self.matrix:
            return spikes @ self.weights()
        pre, post, weight, _ = self.synapses()
        sent = weight * spikes.at[pre].get(mode="fill", fill_value=0)
        return jnp.zeros(self.projection.graph.n_post, spikes.dtype).at[post].add(sent, mode="drop")

    def backwards(self, signal: Array) -> Array:
        """The transpose: from a signal at the targets to one at the senders."""
        if self.matrix:
            return self.weights() @ signal
        pre, post, weight, _ = self.synapses()
        back = weight * signal.at[post].get(mode="clip")
        return jnp.zeros(self.projection.graph.n_pre, signal.dtype).at[pre].add(back, mode="drop")

    def spread(self, x: Array) -> Array:
        """A number for every target, brought to its synapses."""
        return x[None, :] if self.matrix else x.at[self.synapses()[1]].get(mode="clip")

    def gathered(self, by_weight: Array, by_delay: Array) -> tuple[Array, Array]:
        """From synapses to the shapes of the projection's `weight` and `delay`, the latter per ms."""
        p = self.projection
        parts = lambda w, d: p.graph.synapses(w, d)[2:]
        _, pull = jax.vjp(parts, p.weight, self.delay().astype(p.weight.dtype))
        return pull((by_weight.reshape(-1), by_delay.reshape(-1)))
