"""Correlation sensors: every synapse measures how its sender's and its receiver's spikes follow each other."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..._types import Checked, Param, param

_NEVER = 2.0**20  # steps: longer than any time constant


class SensorState(NamedTuple):
    """What has been accumulated, LSB; spikes on their way to the synapse; steps since the last of either side."""

    causal: Float[Array, "pre post"]
    acausal: Float[Array, "pre post"]
    coming: Float[Array, " pre"]
    since_pre: Float[Array, " pre"]
    since_post: Float[Array, " post"]


class Sensors(Checked):
    """The two accumulators of a synapse, which pairs of nearest spikes charge:

        causal  += amplitude exp(-(t_post - t_pre)/tau)     at a spike of the receiver
        acausal += amplitude exp(-(t_pre - t_post)/tau)     at the arrival of one of the sender's

    A spike arrives a step after it was sent; one that arrives in the step in which the receiver fires is causal. Rules
    are the users': run, read `causal` and `acausal` of the state with `reading`, change weights, reset, run on.

    **Arguments**, of shape `()` or `(senders, receivers)`: `amplitude`: LSB of the CADC for a pair without distance.
    `tau`: ms of the model.
    """

    amplitude: Param = param(0.5, unit="LSB", ge=0.0, finite=True)
    tau: Param = param(5.0, unit="ms", gt=0.0)

    def init(self, n_pre: int, n_post: int) -> SensorState:
        """Nothing accumulated."""
        none, far = jnp.zeros((n_pre, n_post)), jnp.full
        return SensorState(none, none, jnp.zeros(n_pre), far(n_pre, _NEVER), far(n_post, _NEVER))

    def step(self, s: SensorState, pre: Array, post: Array, dt: float) -> SensorState:
        """The state after a step, from the spikes that either side sent in it."""
        arrives, fires = s.coming > 0, post > 0
        since_pre = jnp.where(arrives, 0.0, s.since_pre + 1.0)
        before = s.since_post + 1.0
        charge = lambda steps: self.amplitude * jnp.exp(-steps * dt / jnp.broadcast_to(self.tau, s.causal.shape))
        wide = lambda x: jnp.broadcast_to(x[:, None], s.causal.shape)
        along = lambda x: jnp.broadcast_to(x[None], s.causal.shape)
        causal = s.causal + jnp.where(along(fires), charge(wide(since_pre)), 0.0)
        acausal = s.acausal + jnp.where(wide(arrives), charge(along(before)), 0.0)
        return SensorState(causal, acausal, pre.astype(s.coming.dtype), since_pre, jnp.where(fires, 0.0, before))


def reading(accumulated: Float[Array, "pre post"]) -> Int[Array, "pre post"]:
    """What the CADC reads of an accumulator, 0..255."""
    return jnp.clip(jnp.round(accumulated), 0.0, 255.0).astype(jnp.int32)
