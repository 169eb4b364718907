"""Short-term plasticity: depression and facilitation, in the two forms in use."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._linear import phi
from .._types import Param, param
from .release import AbstractRelease, faded, fired


class TwoStates(NamedTuple):
    """Utilisation `u` after the last spike, decayed since, and the fraction `z` of resources that is depleted."""

    u: Float[Array, "..."]
    z: Float[Array, "..."]


class TsodyksMarkram(AbstractRelease):
    """Depression and facilitation with two variables; released resources recover with `tau_rec`.

    `du/dt = -u / tau_fac`, `dx/dt = (1 - x) / tau_rec`; a spike does `u <- u + U (1 - u)`, sends `u x`, and then
    `x <- x - u x`. Between spikes at a distance `h` that is `u <- U + u (1 - U) exp(-h / tau_fac)` and
    `x <- 1 + (x - x u - 1) exp(-h / tau_rec)`: the form of Maass and Markram, of NEST's `tsodyks2_synapse` and of
    Brian2's examples. Exact for any step. Probes read `u`, `x` and `z = 1 - x`.

    **Arguments**, each of shape `()` or `(n_pre,)`: `U`: increment of utilisation, 0 to 1. `tau_rec`: recovery from
    depression, ms. `tau_fac`: decay of facilitation, ms; 0 for none.

    **Reference:** Tsodyks and Markram, PNAS 94:719 (1997); Maass and Markram, Neural Networks 15:155 (2002).
    """

    U: Param = param(0.5, unit="1", ge=0.0, le=1.0)
    tau_rec: Param = param(800.0, unit="ms", gt=0.0)
    tau_fac: Param = param(0.0, unit="ms", ge=0.0)

    def init(self, shape, dtype):
        return TwoStates(jnp.zeros(shape, dtype), jnp.zeros(shape, dtype))

    def step(self, s, spike, dt):
        u = faded(s.u, dt, self.tau_fac)
        z = faded(
            s.z, dt, self.tau_rec
        )  # the depleted fraction, not the available one, which would lose precision near rest
        jump = self.U * (1.0 - u)
        released = (u + jump) * (1.0 - z)
        event = fired(spike)
        return TwoStates(u + event * jump, z + event * released), spike * released

    def view(self, s):
        return {"u": s.u, "x": 1.0 - s.z, "z": s.z}


class ThreeStates(NamedTuple):
    """Utilisation `u`, and the fractions of resources that are active (`y`) and inactive (`z`)."""

    u: Float[Array, "..."]
    y: Float[Array, "..."]
    z: Float[Array, "..."]


class TsodyksUzielMarkram(AbstractRelease):
    """Depression and facilitation with three states of resources: available, active after release, then inactive.

    `dy/dt = -y / tau_psc`, `dz/dt = y / tau_psc - z / tau_rec`, `x = 1 - y - z`, `du/dt = -u / tau_fac`; a spike does
    `u <- u + U (1 - u)`, sends `u x`, and then `x <- x - u x`, `y <- y + u x`. NEST's `tsodyks_synapse`. Exact for any
    step and any time constants, equal ones included. As `tau_psc` goes to 0 it becomes `TsodyksMarkram`. The current
    itself is the port's: give the port the same time constant. Probes read `u`, `x`, `y` and `z`.

    **Arguments**, each of shape `()` or `(n_pre,)`: `U`: increment of utilisation, 0 to 1. `tau_psc`: inactivation,
    `tau_rec`: recovery, ms. `tau_fac`: decay of facilitation, ms; 0 for none.

    **Reference:** Tsodyks, Uziel and Markram, J. Neurosci. 20:RC50 (2000).
    """

    U: Param = param(0.5, unit="1", ge=0.0, le=1.0)
    tau_psc: Param = param(3.0, unit="ms", gt=0.0, finite=True)
    tau_rec: Param = param(800.0, unit="ms", gt=0.0)
    tau_fac: Param = param(0.0, unit="ms", ge=0.0)

    def init(self, shape, dtype):
        return ThreeStates(*(jnp.zeros(shape, dtype) for _ in range(3)))

    def step(self, s, spike, dt):
        u = faded(s.u, dt, self.tau_fac)
        stays = jnp.exp(-dt / self.tau_rec)
        became = dt / self.tau_psc * stays * phi(dt / self.tau_rec - dt / self.tau_psc)
        y = faded(s.y, dt, self.tau_psc)
        z = faded(s.z, dt, self.tau_rec) + s.y * became
        jump = self.U * (1.0 - u)
        released = (u + jump) * (1.0 - y - z)
        event = fired(spike)
        return ThreeStates(u + event * jump, y + event * released, z), spike * released

    def view(self, s):
        return {"u": s.u, "x": 1.0 - s.y - s.z, "y": s.y, "z": s.z}
