"""The leaky integrate-and-fire neuron as a differential equation, to be integrated with its conductances."""

from __future__ import annotations

from .._types import Param, param
from .ode import AbstractCutoff


class CobaLIF(AbstractCutoff):
    """LIF whose conductances act within the step: `C dv/dt = -g_l (v - e_l) + sum_p g_p (e_p - v) + I`.

    The same equation as `LIF(gain=Capacitance(c))` beside `Conductance` ports, which freezes the conductances over a
    step and is of first order, as `ExponentialEuler()` is here; `RK4()` takes membrane and ports together, and is of
    fourth as long as `dt (g_l + sum_p g_p) / C` stays below 2.78 (reported where it does not). `RKF45()` is NEST's
    `iaf_cond_exp` (PyNN: `IF_cond_exp`), spike for spike. Without conductances `LIF` is exact, and cheaper.

    **Arguments**, each of shape `()` or `(n,)`; the defaults are NEST's:

    - `c`: pF. `g_l`: nS. `e_l`, `v_th`, `v_reset`: mV. `t_ref`: refractory period (`v` constant), ms. `bias`: pA.
    - `integrator`, `comparator`, `reset_mechanism`, `surrogate`: as of `EIF`.
    """

    c: Param = param(250.0, unit="pF", gt=0.0, finite=True)
    g_l: Param = param(16.6667, unit="nS", ge=0.0, finite=True)
    e_l: Param = param(-70.0, unit="mV", finite=True)
    v_th: Param = param(-55.0, unit="mV")
    v_reset: Param = param(-60.0, unit="mV", finite=True)
    t_ref: Param = param(2.0, unit="ms", ge=0.0, finite=True)
    bias: Param = param(0.0, unit="pA", finite=True)

    def flow(self, s, current):
        return ((self.bias + current - self.g_l * (s.v - self.e_l)) / self.c,)

    def event(self, s):
        return s  # the threshold is checked once, at the end of the step
