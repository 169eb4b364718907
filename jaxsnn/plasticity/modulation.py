"""Three-factor learning: changes that rules request become an eligibility, which a modulator turns into a change."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp

from .._types import OptionalParam, Param, param
from .base import AbstractModifier


class Modulate(AbstractModifier):
    """`dw/dt = c (m - baseline)`, `dc/dt = -c / tau + the changes that the rules before it request`.

    `c` is an eligibility of every synapse, `m` a modulator such as reward or dopamine that a drive feeds. Exact for any
    step, and computed only at spikes: between events a synapse gains `c` times an integral that is the same for all
    synapses, `int exp(-t/tau) (m - baseline) dt`, which is applied at its next event. Once per `tau` all synapses are
    updated, to keep that integral precise; where weights have bounds, also in every step in which `m - baseline`
    changes its sign, so that a weight leaves its bound at the right time. NEST's `stdp_dopamine_synapse`.

    What is fed in a step acts on eligibilities as they were at its start: a reward that is paid for a spike has to come
    at least a step after that spike has changed them. (A drive sees a spike a step after it was fired, and a dendritic
    delay brings it to the synapse then at the earliest: wait one step more.)

    **Arguments:**

    - `name`: of the modulator (`Inputs.modulators`). `tau`: of the eligibility, ms.
    - `decay`: time constant of the modulator, ms: what is fed in a step is a jump of `m` at its end, which then decays.
      None: what is fed is `m`, constant over the step.
    - `baseline`: what counts as no modulation; for rewards their average, or weights drift.

    **References:** Izhikevich, Cereb. Cortex 17:2443 (2007); Florian, Neural Computation 19:1468 (2007).
    """

    variables: ClassVar[tuple[str, ...]] = ("eligibility", "settled_at")
    lazy: ClassVar[bool] = True

    name: str = eqx.field(static=True)
    tau: Param = param(1000.0, unit="ms", gt=0.0)
    decay: OptionalParam = param(None, unit="ms", gt=0.0, optional=True, kw_only=True)
    baseline: Param = param(0.0, unit="modulator", kw_only=True)

    def __check_init__(self):
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"Modulate.name is {self.name!r}, expected the name of a modulator, such as 'reward'.")

    def start(self, n_post, dtype):
        nothing = jnp.zeros((), dtype)
        clock = {"steps": jnp.zeros((), jnp.int32), "age": nothing, "gain": nothing, "way": nothing}
        return clock if self.decay is None else clock | {"m": jnp.zeros((), dtype)}

    def tick(self, clock, s):
        if self.name not in s.modulators:
            fed = ", ".join(sorted(s.modulators)) or "none"
            raise ValueError(
                f"Modulate({self.name!r}) needs that modulator, but the drive feeds {fed}; add a drive that does, "
                f"such as Modulator({self.name!r}, ...)."
            )
        fed = s.modulators[self.name]
        faded = -jnp.expm1(-s.dt / self.tau) * self.tau
        if self.decay is None:
            area = (fed - self.baseline) * faded
        else:
            both = self.tau * self.decay / (self.tau + self.decay)
            area = -clock["m"] * both * jnp.expm1(-s.dt / both) - self.baseline * faded
            clock = clock | {"m": clock["m"] + clock["m"] * jnp.expm1(-s.dt / self.decay) + fed}
        steps = clock["steps"] + 1
        # eligibilities are stored as of the last refresh: a later change is scaled up, and the integral down
        gain = clock["gain"] + area * jnp.exp(-clock["age"])
        way = jnp.where(area == 0, clock["way"], jnp.sign(area))
        return clock | {"steps": steps, "age": steps.astype(gain.dtype) * (s.dt / self.tau), "gain": gain, "way": way}

    def reverses(self, before, clock):
        return before["way"] * clock["way"] < 0

    def change(self, w, dw, kept, clock):
        made = kept["eligibility"] * (clock["gain"] - kept["settled_at"])
        eligibility = kept["eligibility"] + dw * jnp.exp(clock["age"])
        return made, {"eligibility": eligibility, "settled_at": jnp.broadcast_to(clock["gain"], w.shape)}

    def refresh_due(self, clock):
        return clock["age"] >= 1.0

    def refresh(self, w, kept, clock, total):
        now = kept["eligibility"] * jnp.exp(-clock["age"])
        return w, {"eligibility": now, "settled_at": jnp.zeros_like(w)}

    def reset_clock(self, clock):
        nothing = {name: jnp.zeros_like(clock[name]) for name in ("steps", "age", "gain")}
        return clock | nothing
