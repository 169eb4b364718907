"""Neurons whose spike is an exponential upstroke: exponential integrate-and-fire, without and with adaptation."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._types import check, param
from .choices import AbstractComparator, AbstractReset, AtLeast, ToValue
from .integrators import RK4, AbstractIntegrator
from .ode import AbstractCutoff
from .surrogate import AbstractSurrogate, FastSigmoid

_LARGEST = 70.0  # e^70 = 2.5e30: room for a current and a step in float32


class EIFState(NamedTuple):
    """Membrane potential, steps of refractoriness left, and what adaptive integrators remember."""

    v: Float[Array, "..."]
    r: Int[Array, "..."]
    fired: Float[Array, "..."] | None = None
    step: Float[Array, "..."] | None = None


class AbstractExponential(AbstractCutoff):
    """The membrane of `EIF` and its arguments, for neurons that add currents of their own to it."""

    c: Array = param(281.0, unit="pF", above=0.0)
    g_l: Array = param(30.0, unit="nS", least=0.0)
    e_l: Array = param(-70.6, unit="mV")
    v_t: Array = param(-50.4, unit="mV")
    delta_t: Array = param(2.0, unit="mV", above=0.0)
    v_peak: Array = param(0.0, unit="mV")
    v_reset: Array = param(-60.0, unit="mV")
    t_ref: Array = param(0.0, unit="ms", least=0.0)
    bias: Array = param(0.0, unit="pA")
    integrator: AbstractIntegrator = eqx.field(default_factory=RK4)
    comparator: AbstractComparator = eqx.field(default_factory=AtLeast)
    reset_kind: AbstractReset = eqx.field(default_factory=ToValue)
    surrogate: AbstractSurrogate = eqx.field(default_factory=FastSigmoid)

    def __check_init__(self):
        check(
            lambda: (self.v_peak - self.v_t) / self.delta_t <= _LARGEST,
            f"{type(self).__name__}.v_peak is {self.v_peak} mV; expected at most {_LARGEST:g} delta_t above "
            f"v_t = {self.v_t} mV: the upstroke would overflow. Lower v_peak or raise delta_t.",
        )
        check(
            lambda: self.v_reset < self.v_peak,
            f"{type(self).__name__}.v_reset is {self.v_reset} mV; expected less than v_peak = {self.v_peak} mV.",
        )

    def seen(self, s: Any) -> Float[Array, "..."]:
        """Bounded by `v_peak`, so that the upstroke cannot overflow (as in NEST)."""
        return jnp.minimum(s.v, self.v_peak)

    def charge(self, v: Array, current: Array) -> Float[Array, "..."]:
        """`dv/dt` at a bounded `v`."""
        upstroke = self.g_l * self.delta_t * jnp.exp((v - self.v_t) / self.delta_t)
        return (upstroke - self.g_l * (v - self.e_l) + self.bias + current) / self.c


class EIF(AbstractExponential):
    """Exponential integrate-and-fire: `C dv/dt = -g_l (v - e_l) + g_l delta_t exp((v - v_t)/delta_t) + I`.

    Where `v` reaches `v_peak` it fires and restarts at `v_reset`.

    **Arguments**, each of shape `()` or `(n,)`:

    - `c`: pF. `g_l`: nS. `e_l`, `v_t` (where the upstroke begins), `v_peak`, `v_reset`: mV. `delta_t`: its sharpness,
      mV. `t_ref`: refractory period, ms, in which `v` is held and jumps are lost. `bias`: pA.
    - `integrator`: `RK4()` (default), `RK2`, `ExponentialEuler`, `Euler` or `RKF45`.
    - `comparator`, `reset_kind`, `surrogate`: as of `LIF`.

    **Reference:** Fourcaud-Trocme, Hansel, van Vreeswijk and Brunel, J. Neurosci. 23:11628 (2003).
    """

    def init(self, shape: tuple[int, ...], dtype: Any) -> EIFState:
        return EIFState(**self.at_rest(self.e_l, shape, dtype))

    def flow(self, s, current):
        return (self.still(s, self.charge(self.seen(s), current)),)


class AdExState(NamedTuple):
    """As of `EIF`, and the adaptation current."""

    v: Float[Array, "..."]
    w: Float[Array, "..."]
    r: Int[Array, "..."]
    fired: Float[Array, "..."] | None = None
    step: Float[Array, "..."] | None = None


class AdEx(AbstractExponential):
    """Adaptive exponential integrate-and-fire: `EIF` with `- w` beside `I`, `tau_w dw/dt = a (v - e_l) - w`.

    A spike sets `v` to `v_reset` and adds `b` to `w`. The defaults are NEST's `aeif_cond_exp`, which is
    `integrator=RKF45(1e-6, relative=1e-6, first=0.01)` spike for spike: there a spike is found, and `w` raised, within
    the step. With the other integrators that happens at its end, which at 0.1 ms moves spikes by a step now and then.

    **Arguments**, each of shape `()` or `(n,)`: those of `EIF`, and

    - `a`: nS. `tau_w`: ms. `b`: pA.

    **Reference:** Brette and Gerstner, J. Neurophysiol. 94:3637 (2005).
    """

    variables = ("v", "w")

    a: Array = param(4.0, unit="nS")
    tau_w: Array = param(144.0, unit="ms", above=0.0)
    b: Array = param(80.5, unit="pA")

    def init(self, shape: tuple[int, ...], dtype: Any) -> AdExState:
        return AdExState(w=jnp.zeros(shape, dtype), **self.at_rest(self.e_l, shape, dtype))

    def flow(self, s, current):
        v = self.seen(s)
        return self.still(s, self.charge(v, current - s.w)), (self.a * (v - self.e_l) - s.w) / self.tau_w

    def jump(self, s, spike):
        return super().jump(s, spike)._replace(w=s.w + self.b * spike)
