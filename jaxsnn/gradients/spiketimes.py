"""First-spike times for `EventProp`, whose spikes shift in time, while those of `BPTT` appear and vanish."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax

from ..simulation.probes.base import AbstractProbe
from ..simulation.probes.counts import FirstSpike


class FirstSpikeTime(AbstractProbe):
    """`FirstSpike`, with a derivative of 1 with respect to the time of the first spike.

    The probe's product gives the effect of an additional spike one step before the first, `-dt`; here one a step later
    has the opposite effect. Half their difference, over `dt`, is the derivative with respect to the time.
    """

    probe: FirstSpike
    dt: float = eqx.field(static=True)

    def init(self, model, steps, first):
        begin = self.probe.init(model, steps, first)
        nothing = jnp.zeros_like(begin[1])
        return begin, nothing, nothing

    def step(self, carry, signals, t):
        before, just, moved = carry
        after, _ = self.probe.step(before, signals, t)
        spikes = self.probe.spikes(signals)
        moved = moved + just * (spikes - lax.stop_gradient(spikes)) * self.dt
        return (after, lax.stop_gradient(before[1] - after[1]), moved), None

    def finish(self, carry, emitted, model):
        found, _, moved = carry
        return self.probe.finish(found, emitted, model) + moved

    def status(self, carry):
        return self.probe.status(carry[0])


def timed(loss: Any, dt: float) -> Any:
    """A loss in which first spikes are read as times."""
    first = lambda x: isinstance(x, FirstSpike)
    return jax.tree.map(lambda x: FirstSpikeTime(x, dt) if first(x) else x, loss, is_leaf=first)
