"""First spikes as `EventProp` sees them: a time that moves, where `BPTT` sees spikes that come or go."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax

from ..simulation.probes.base import AbstractProbe
from ..simulation.probes.counts import FirstSpike


class FirstSpikeTime(AbstractProbe):
    """`FirstSpike`, with a derivative of one by the time of the first spike.

    The probe's product says what one more spike in the step before the first would do, `-dt`; here one in the step
    after it does the opposite. Half the difference of the two, over `dt`, is then the derivative by the time.
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
    """A loss in which first spikes have times."""
    first = lambda x: isinstance(x, FirstSpike)
    return jax.tree.map(lambda x: FirstSpikeTime(x, dt) if first(x) else x, loss, is_leaf=first)
