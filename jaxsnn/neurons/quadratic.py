"""Neurons with a parabola for a membrane: quadratic integrate-and-fire, and Izhikevich's with recovery."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._types import check, param
from .choices import AbstractComparator, AbstractReset, AtLeast, ToValue
from .exponential import EIFState
from .integrators import RK4, AbstractIntegrator, MembraneFirst
from .ode import AbstractCutoff
from .surrogate import AbstractSurrogate, FastSigmoid


class QIF(AbstractCutoff):
    """Quadratic integrate-and-fire: `tau dv/dt = k (v - v_rest) (v - v_c) + R I`.

    Where `v` reaches `v_peak` it fires and restarts at `v_reset`. With `v_rest = v_c = 0`, `k = 1` it is the normal
    form `tau dv/dt = v^2 + I`, whose time from `-inf` to `inf` is `pi tau / sqrt(I)`.

    **Arguments**, each of shape `()` or `(n,)`:

    - `tau`: ms. `k`: 1/mV. `v_rest` and `v_c`, rest and threshold; `v_peak`, `v_reset`: mV. `r`: mV per unit of
      current. `t_ref`: refractory period, ms. `bias`: a current.
    - `integrator`, `comparator`, `reset_kind`, `surrogate`: as of `EIF`.

    **Reference:** Ermentrout and Kopell, SIAM J. Appl. Math. 46:233 (1986).
    """

    tau: Array = param(10.0, unit="ms", above=0.0)
    k: Array = param(1.0, unit="1/mV", above=0.0)
    v_rest: Array = param(0.0, unit="mV")
    v_c: Array = param(0.0, unit="mV")
    r: Array = param(1.0, unit="mV per unit of current")
    v_peak: Array = param(10.0, unit="mV")
    v_reset: Array = param(-10.0, unit="mV")
    t_ref: Array = param(0.0, unit="ms", least=0.0)
    bias: Array = param(0.0, unit="current")
    integrator: AbstractIntegrator = eqx.field(default_factory=RK4)
    comparator: AbstractComparator = eqx.field(default_factory=AtLeast)
    reset_kind: AbstractReset = eqx.field(default_factory=ToValue)
    surrogate: AbstractSurrogate = eqx.field(default_factory=FastSigmoid)

    def __check_init__(self):
        check(
            lambda: self.v_reset < self.v_peak,
            f"QIF.v_reset is {self.v_reset} mV; expected less than v_peak = {self.v_peak} mV.",
        )

    def init(self, shape: tuple[int, ...], dtype: Any) -> EIFState:
        return EIFState(**self.at_rest(self.v_rest, shape, dtype))

    def seen(self, s):
        return jnp.minimum(s.v, self.v_peak)

    def flow(self, s, current):
        v = self.seen(s)
        rate = self.k * (v - self.v_rest) * (v - self.v_c) + self.r * (self.bias + current)
        return (self.still(s, rate / self.tau),)


class IzhikevichState(NamedTuple):
    """Membrane potential, recovery, steps of refractoriness left, and what adaptive integrators remember."""

    v: Float[Array, "..."]
    u: Float[Array, "..."]
    r: Int[Array, "..."]
    fired: Float[Array, "..."] | None = None
    step: Float[Array, "..."] | None = None


class Izhikevich(AbstractCutoff):
    """Izhikevich's neuron: `dv/dt = 0.04 v^2 + 5 v + 140 - u + I`, `du/dt = a (b v - u)`.

    Where `v` reaches `v_peak` it fires: `v <- c`, `u <- u + d`. Published results are those of one scheme and step,
    and other schemes give other spikes:

    - `integrator=MembraneFirst(2)` (default): two half steps of `v`, then `u` with the new `v`, at `dt = 1`: the 2003
      paper, and NEST's `izhikevich` with `consistent_integration=False`.
    - `integrator=MembraneFirst(1)`, `comparator=Above()`: the program of the 2004 paper.
    - `integrator=Euler()`: both from the old values: NEST's default (`consistent_integration=True`), best at 0.1 ms.

    **Arguments**, each of shape `()` or `(n,)`:

    - `a`: 1/ms. `b`, `quadratic`, `linear`, `constant`: coefficients. `c`, `v_peak`: mV. `d`: in the unit of `u`.
    - `t_ref`: refractory period, ms (0 in the papers). `bias`: a current. `v0`: where it starts, mV, with `u = b v0`.
    - `integrator`, `comparator`, `reset_kind`, `surrogate`: as of `EIF`.

    **Reference:** Izhikevich, IEEE Trans. Neural Networks 14:1569 (2003) and 15:1063 (2004).
    """

    variables = ("v", "u")

    a: Array = param(0.02, unit="1/ms")
    b: Array = param(0.2, unit="1/ms")
    c: Array = param(-65.0, unit="mV")
    d: Array = param(8.0, unit="mV/ms")
    v_peak: Array = param(30.0, unit="mV")
    t_ref: Array = param(0.0, unit="ms", least=0.0)
    bias: Array = param(0.0, unit="mV/ms")
    v0: Array = param(-65.0, unit="mV")
    quadratic: Array = param(0.04, unit="1/(mV ms)")
    linear: Array = param(5.0, unit="1/ms")
    constant: Array = param(140.0, unit="mV/ms")
    integrator: AbstractIntegrator = eqx.field(default_factory=MembraneFirst)
    comparator: AbstractComparator = eqx.field(default_factory=AtLeast)
    reset_kind: AbstractReset = eqx.field(default_factory=ToValue)
    surrogate: AbstractSurrogate = eqx.field(default_factory=FastSigmoid)

    @property
    def v_reset(self) -> Array:
        """Where `v` restarts: `c`."""
        return self.c

    def init(self, shape: tuple[int, ...], dtype: Any) -> IzhikevichState:
        u = jnp.broadcast_to(self.b * self.v0, shape).astype(dtype)
        return IzhikevichState(u=u, **self.at_rest(self.v0, shape, dtype))

    def flow(self, s, current):
        dv = self.quadratic * s.v * s.v + self.linear * s.v + self.constant - s.u + (self.bias + current)
        return self.still(s, dv), self.a * (self.b * s.v - s.u)

    def jump(self, s, spike):
        return super().jump(s, spike)._replace(u=s.u + self.d * spike)
