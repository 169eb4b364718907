"""Neurons with a parabola for a membrane: quadratic integrate-and-fire, and Izhikevich's with recovery."""

from __future__ import annotations

import equinox as eqx
from jaxtyping import Array

from .._types import Param, param
from .integrators import AbstractIntegrator, SemiImplicitEuler
from .ode import AbstractCutoff


class QIF(AbstractCutoff):
    """Quadratic integrate-and-fire: `tau dv/dt = k (v - v_rest) (v - v_c) + R I`.

    Where `v` reaches `v_peak` it fires and restarts at `v_reset`. With `v_rest = v_c = 0`, `k = 1` it is the normal
    form `tau dv/dt = v^2 + I`, whose time from `-inf` to `inf` is `pi tau / sqrt(I)`.

    **Arguments**, each of shape `()` or `(n,)`:

    - `tau`: ms. `k`: 1/mV. `v_rest` and `v_c`, rest and threshold; `v_peak`, `v_reset`: mV. `r`: mV per unit of
      current. `t_ref`: refractory period, ms. `bias`: a current.
    - `integrator`, `comparator`, `reset_mechanism`, `surrogate`: as of `EIF`.

    **Reference:** Ermentrout and Kopell, SIAM J. Appl. Math. 46:233 (1986).
    """

    tau: Param = param(10.0, unit="ms", gt=0.0, finite=True)
    k: Param = param(1.0, unit="1/mV", gt=0.0, finite=True)
    v_rest: Param = param(0.0, unit="mV", finite=True)
    v_c: Param = param(0.0, unit="mV", finite=True)
    r: Param = param(1.0, unit="mV per unit of current", finite=True)
    v_peak: Param = param(10.0, unit="mV", finite=True)
    v_reset: Param = param(-10.0, unit="mV", finite=True)
    t_ref: Param = param(0.0, unit="ms", ge=0.0, finite=True)
    bias: Param = param(0.0, unit="current", finite=True)

    def flow(self, s, current):
        rate = self.k * (s.v - self.v_rest) * (s.v - self.v_c) + self.r * (self.bias + current)
        return (rate / self.tau,)


class Izhikevich(AbstractCutoff):
    """Izhikevich's neuron: `dv/dt = 0.04 v^2 + 5 v + 140 - u + I`, `du/dt = a (b v - u)`.

    Where `v` reaches `v_peak` it fires: `v <- c`, `u <- u + d`. Published results are those of one scheme and step,
    and other schemes give other spikes:

    - `integrator=SemiImplicitEuler(2)` (default): two half steps of `v`, then `u` with the new `v`, at `dt = 1`: the
      2003 paper, and NEST's `izhikevich` with `consistent_integration=False`.
    - `integrator=SemiImplicitEuler(1)`, `comparator=Greater()`: the program of the 2004 paper.
    - `integrator=Euler()`: both from the old values: NEST's default (`consistent_integration=True`), best at 0.1 ms.

    They are unstable where `v` is far below rest, -112 mV in half steps of 0.5 ms (`Euler` in steps of 0.1 ms: -187),
    or a conductance strong, and would fire on inhibition alone: such a run is reported (`Status.STIFF`), and
    `ExponentialEuler()` is for it.

    **Arguments**, each of shape `()` or `(n,)`:

    - `a`: 1/ms. `b`, `quadratic`, `linear`, `constant`: coefficients. `c`, `v_peak`: mV. `d`: in the unit of `u`.
    - `t_ref`: refractory period, ms (0 in the papers). `bias`: a current. `v0`: where it starts, mV, with `u = b v0`.
    - `integrator`, `comparator`, `reset_mechanism`, `surrogate`: as of `EIF`.

    **Reference:** Izhikevich, IEEE Trans. Neural Networks 14:1569 (2003) and 15:1063 (2004).
    """

    variables = ("v", "u")

    a: Param = param(0.02, unit="1/ms", finite=True)
    b: Param = param(0.2, unit="1/ms", finite=True)
    c: Param = param(-65.0, unit="mV", finite=True)
    d: Param = param(8.0, unit="mV/ms", finite=True)
    v_peak: Param = param(30.0, unit="mV", finite=True)
    t_ref: Param = param(0.0, unit="ms", ge=0.0, finite=True)
    bias: Param = param(0.0, unit="mV/ms", finite=True)
    v0: Param = param(-65.0, unit="mV", finite=True)
    quadratic: Param = param(0.04, unit="1/(mV ms)", finite=True)
    linear: Param = param(5.0, unit="1/ms", finite=True)
    constant: Param = param(140.0, unit="mV/ms", finite=True)
    integrator: AbstractIntegrator = eqx.field(default_factory=SemiImplicitEuler, kw_only=True)

    @property
    def v_reset(self) -> Array:
        """Where `v` restarts: `c`."""
        return self.c

    def beginning(self):
        return {"v": self.v0, "u": self.b * self.v0}

    def seen(self, s):
        return s.v  # the published programs bound nothing

    def flow(self, s, current):
        dv = self.quadratic * s.v * s.v + self.linear * s.v + self.constant - s.u + (self.bias + current)
        return dv, self.a * (self.b * s.v - s.u)

    def jump(self, s, spike):
        return super().jump(s, spike)._replace(u=s.u + self.d * spike)
