"""The leaky integrate-and-fire neuron as a differential equation, to be integrated with its conductances."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from .._types import check, param
from .choices import AbstractComparator, AbstractReset, AtLeast, ToValue
from .exponential import EIFState
from .integrators import RK4, AbstractIntegrator
from .ode import AbstractCutoff
from .surrogate import AbstractSurrogate, FastSigmoid


class CobaLIF(AbstractCutoff):
    """LIF whose conductances act within the step: `C dv/dt = -g_l (v - e_l) + sum_p g_p (e_p - v) + I`.

    The same equation as `LIF(gain=Capacitance(c))` beside `Conductance` ports, which freezes the conductances over a
    step and is of first order; here `integrator` takes membrane and ports together, so that `RK4()` is of fourth.
    `RKF45()` is NEST's `iaf_cond_exp`, spike for spike. Without conductances `LIF` is exact, and cheaper.

    **Arguments**, each of shape `()` or `(n,)`; the defaults are NEST's:

    - `c`: pF. `g_l`: nS. `e_l`, `v_th`, `v_reset`: mV. `t_ref`: refractory period (`v` is held), ms. `bias`: pA.
    - `integrator`, `comparator`, `reset_kind`, `surrogate`: as of `EIF`.
    """

    c: Array = param(250.0, unit="pF", above=0.0)
    g_l: Array = param(16.6667, unit="nS", least=0.0)
    e_l: Array = param(-70.0, unit="mV")
    v_th: Array = param(-55.0, unit="mV")
    v_reset: Array = param(-60.0, unit="mV")
    t_ref: Array = param(2.0, unit="ms", least=0.0)
    bias: Array = param(0.0, unit="pA")
    integrator: AbstractIntegrator = eqx.field(default_factory=RK4)
    comparator: AbstractComparator = eqx.field(default_factory=AtLeast)
    reset_kind: AbstractReset = eqx.field(default_factory=ToValue)
    surrogate: AbstractSurrogate = eqx.field(default_factory=FastSigmoid)

    def __check_init__(self):
        check(
            lambda: self.v_reset < self.v_th,
            f"CobaLIF.v_reset is {self.v_reset} mV; expected less than v_th = {self.v_th} mV.",
        )

    @property
    def v_peak(self) -> Array:
        """Where it fires: `v_th`."""
        return self.v_th

    def init(self, shape: tuple[int, ...], dtype: Any) -> EIFState:
        return EIFState(**self.at_rest(self.e_l, shape, dtype))

    def seen(self, s):
        return jnp.minimum(s.v, self.v_th)

    def flow(self, s, current):
        return (self.still(s, (self.bias + current - self.g_l * (self.seen(s) - self.e_l)) / self.c),)

    def event(self, s):
        return s  # the threshold is looked at once, at the end of the step
