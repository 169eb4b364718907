"""Neurons whose spike is an exponential upstroke: exponential integrate-and-fire, without and with adaptation."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._types import Param, Requirement, param, shown
from .ode import AbstractCutoff

_LARGEST = 70.0  # e^70 = 2.5e30: room for a current and a step in float32


class AbstractExponential(AbstractCutoff):
    """The membrane of `EIF` and its arguments, for neurons that add currents of their own to it."""

    c: Param = param(281.0, unit="pF", gt=0.0, finite=True)
    g_l: Param = param(30.0, unit="nS", ge=0.0, finite=True)
    e_l: Param = param(-70.6, unit="mV", finite=True)
    v_t: Param = param(-50.4, unit="mV", finite=True)
    delta_t: Param = param(2.0, unit="mV", gt=0.0, finite=True)
    v_peak: Param = param(0.0, unit="mV", finite=True)
    v_reset: Param = param(-60.0, unit="mV", finite=True)
    t_ref: Param = param(0.0, unit="ms", ge=0.0, finite=True)
    bias: Param = param(0.0, unit="pA", finite=True)

    def requirements(self):
        return (
            *super().requirements(),
            Requirement(
                lambda: (self.v_peak - self.v_t) / self.delta_t <= _LARGEST,
                lambda: (
                    f"{type(self).__name__}.v_peak is {shown(self.v_peak)} mV; expected at most {_LARGEST:g} delta_t "
                    f"above v_t = {shown(self.v_t)} mV: the upstroke would overflow. Lower v_peak or raise delta_t."
                ),
            ),
        )

    def charge(self, v: Array, current: Array) -> Float[Array, "..."]:
        """`dv/dt`; `flow` sees no `v` above `v_peak`, so that the upstroke cannot overflow (as in NEST)."""
        upstroke = self.g_l * self.delta_t * jnp.exp((v - self.v_t) / self.delta_t)
        return (upstroke - self.g_l * (v - self.e_l) + self.bias + current) / self.c


class EIF(AbstractExponential):
    """Exponential integrate-and-fire: `C dv/dt = -g_l (v - e_l) + g_l delta_t exp((v - v_t)/delta_t) + I`.

    Where `v` reaches `v_peak` it fires and restarts at `v_reset`.

    **Arguments**, each of shape `()` or `(n,)`:

    - `c`: pF. `g_l`: nS. `e_l`, `v_t` (where the upstroke begins), `v_peak`, `v_reset`: mV. `delta_t`: its sharpness,
      mV. `t_ref`: refractory period, ms, in which `v` is held constant and jumps are lost. `bias`: pA.
    - `integrator`: `ExponentialEuler()` (default: stable at any step and conductance), `RK4`, `RK2` or `Euler`, which
      are reported where they are not (`Status.STIFF`), or `RKF45`. A spike is found at the end of a step, so intervals
      of a few steps come out too long; only `RKF45` finds spikes within it.
    - `comparator`, `reset_mechanism`, `surrogate`: as of `LIF`.

    **Reference:** Fourcaud-Trocme, Hansel, van Vreeswijk and Brunel, J. Neurosci. 23:11628 (2003).
    """

    def flow(self, s, current):
        return (self.charge(s.v, current),)


class AdEx(AbstractExponential):
    """Adaptive exponential integrate-and-fire:
    `C dv/dt = -g_l (v - e_l) + g_l delta_t exp((v - v_t)/delta_t) - w + I`, `tau_w dw/dt = a (v - e_l) - w`.

    A spike sets `v` to `v_reset` and adds `b` to `w`. The defaults are NEST's `aeif_cond_exp`, which is
    `integrator=RKF45(1e-6, relative=1e-6, first=0.01)` spike for spike: there a spike is found, and `w` raised, within
    the step. With the other integrators that happens at its end, which at 0.1 ms moves spikes by a step now and then.

    **Arguments**, each of shape `()` or `(n,)`: those of `EIF`, and

    - `a`: nS. `tau_w`: ms. `b`: pA.

    **Reference:** Brette and Gerstner, J. Neurophysiol. 94:3637 (2005).
    """

    variables = ("v", "w")

    a: Param = param(4.0, unit="nS", finite=True)
    tau_w: Param = param(144.0, unit="ms", gt=0.0)
    b: Param = param(80.5, unit="pA", finite=True)

    def flow(self, s, current):
        return self.charge(s.v, current - s.w), (self.a * (s.v - self.e_l) - s.w) / self.tau_w

    def jump(self, s, spike):
        return super().jump(s, spike)._replace(w=s.w + self.b * spike)
