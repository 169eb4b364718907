"""First spikes as `EventProp` sees them: a time that moves, where `BPTT` sees spikes that come or go."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax

from ..simulate.counts import FirstSpike
from ..simulate.record import AbstractProbe


class FirstSpikeTime(AbstractProbe):
    """`FirstSpike`, with a derivative of one by the time of the first spike.

    The probe's product says what one more spike in the step before the first would do, `-dt`; here one in the step
    after it does the opposite. Half the difference of the two, over `dt`, is then the derivative by the time.
    """

    probe: FirstSpike
    dt: float = eqx.field(static=True)

    def init(self, dynamics, steps, first):
        silent, count = self.probe.init(dynamics, steps, first)
        return silent, count, jnp.zeros_like(silent), jnp.zeros_like(silent)

    def step(self, carry, signals, t):
        silent, count, just, moved = carry
        (after, count), _ = self.probe.step((silent, count), signals, t)
        spikes = signals.spikes[self.probe.population]
        moved = moved + just * (spikes - lax.stop_gradient(spikes)) * self.dt
        return (after, count, lax.stop_gradient(silent - after), moved), None

    def finish(self, carry, emitted, dynamics):
        silent, count, _, moved = carry
        return self.probe.finish((silent, count), emitted, dynamics) + moved


def timed(loss: Any, dt: float) -> Any:
    """A loss in which first spikes have times."""
    first = lambda x: isinstance(x, FirstSpike)
    return jax.tree.map(lambda x: FirstSpikeTime(x, dt) if first(x) else x, loss, is_leaf=first)
