"""The neuron of BrainScaleS-2 as its group's software model steps it: adaptive, exponential, current-based."""

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..._linear import Current
from ..._types import OptionalParam, Param, Requirement, param, shown
from ...neurons.base import AbstractNeuron, zero_or_one
from ...neurons.firing import counted
from ...neurons.resets import ToValue
from ...neurons.surrogates import AbstractSurrogate, FastSigmoid


class CubaAdExState(NamedTuple):
    """Membrane, synaptic current, adaptation (None where there is none), steps of refractoriness left."""

    v: Float[Array, "..."]
    i: Float[Array, "..."]
    w: Float[Array, "..."] | None
    r: Int[Array, "..."]


class CubaAdEx(AbstractNeuron):
    """Adaptive exponential integrate-and-fire with a synaptic current, in forward Euler steps, in this order:

        dv = dt/c (i + g_l (v_rest - v) + g_l delta exp((v - v_t)/delta) - w)     with the current before its input
        i <- i (1 - dt/tau_syn) + x                                               x: what arrives, at a Delta port
        v <- v + dv,   z = 1 where v > v_th
        w <- w (1 - dt/tau_w) + dt/tau_w a (v - v_rest) + b z                     before the reset
        v <- v_reset where z, and for ceil(t_ref/dt) steps after it, in which z = 0

    The first effect of a spike on `v` is a step late. In a refractory step a membrane that would have crossed still
    adds `b` to `w`, as in the group's code. `CubaLIF` with `CurrentBeforeInput()`, `EulerDecay()`,
    `gain=Resistance()` and `Greater()` is the same without the exponential and without adaptation, where `g_l = 1`.

    **Arguments**, each of shape `()` or `(n,)`; times in ms of the model, thousandths of which are the chip's:

    - `tau_syn`. `c`: capacitance, ms (`c / g_l` is the membrane time constant). `g_l`: leak conductance.
    - `v_rest`, `v_reset`, `v_th`. `t_ref`: refractory period. `bias`: a constant current.
    - `delta`: slope of the exponential term, or None for none; `v_t`: where it begins.
    - `tau_w`: of adaptation, or None for none; `a`, `b`: its coupling to `v`, and what a spike adds.
    - `surrogate`: of `(v - v_th) / (v_th - v_reset)`. Gradients do not pass through the reset, as in the group's code.

    **Reference:** Brette and Gerstner, J. Neurophysiol. 94:3637 (2005); hxtorch, which this equals to rounding.
    """

    tau_syn: Param = param(10.0, unit="ms", gt=0.0)
    c: Param = param(10.0, unit="ms", gt=0.0)
    g_l: Param = param(1.0, unit="1", ge=0.0, finite=True)
    v_rest: Param = param(0.0, unit="1", finite=True)
    v_th: Param = param(1.0, unit="1", finite=True)
    v_reset: Param = param(0.0, unit="1", finite=True)
    t_ref: Param = param(0.0, unit="ms", ge=0.0, finite=True)
    bias: Param = param(0.0, unit="current", finite=True)
    delta: OptionalParam = param(None, unit="1", optional=True, gt=0.0, finite=True)
    v_t: Param = param(0.5, unit="1", finite=True)
    tau_w: OptionalParam = param(None, unit="ms", optional=True, gt=0.0)
    a: Param = param(0.0, unit="1", finite=True)
    b: Param = param(0.0, unit="current", finite=True)
    surrogate: AbstractSurrogate = eqx.field(default_factory=FastSigmoid)

    def requirements(self):
        said = lambda: f"CubaAdEx.v_reset is {shown(self.v_reset)}; expected less than v_th = {shown(self.v_th)}."
        return (Requirement(lambda: self.v_reset < self.v_th, said),)

    def requirements_at(self, dt):
        times = {"tau_syn": self.tau_syn, "tau_w": self.tau_w}
        return tuple(
            Requirement(
                lambda tau=tau: dt <= tau * (1.0 + 1e-6),
                lambda tau=tau, name=name: (
                    f"CubaAdEx.{name} is {shown(tau)} ms; expected at least dt = {dt:g} ms, as its steps are Euler's."
                ),
            )
            for name, tau in times.items()
            if tau is not None
        )

    def init(self, shape: tuple[int, ...], dtype: Any) -> CubaAdExState:
        zero = jnp.zeros(shape, dtype)
        v = jnp.broadcast_to(self.v_rest, shape).astype(dtype)
        return CubaAdExState(v, zero, None if self.tau_w is None else zero, jnp.zeros(shape, jnp.int32))

    def held(self, s: CubaAdExState):
        return s.r > 0

    def advance(self, s: CubaAdExState, current: Current, dt: float, *, noise: Array | None = None) -> CubaAdExState:
        total = s.i + self.bias + current.a + self.g_l * (self.v_rest - s.v)
        if self.delta is not None:
            seen = jnp.minimum(s.v, self.v_th)  # at the start of a step it never is above; a gradient may not overflow
            total = total + self.g_l * self.delta * jnp.exp((seen - self.v_t) / self.delta)
        if s.w is not None:
            total = total - s.w
        return s._replace(v=s.v + dt / self.c * total, i=s.i - dt / self.tau_syn * s.i)

    def add_jump(self, s: CubaAdExState, jump: Array, dt: float, *, fired: Array | None = None) -> CubaAdExState:
        return s._replace(i=s.i + jump)

    @zero_or_one
    def spike(self, s: CubaAdExState) -> Float[Array, "..."]:
        fires = self.surrogate(s.v > self.v_th, s.v - self.v_th, self.v_th - self.v_reset)
        return jnp.where(self.held(s), 0.0, fires)

    def reset(self, s: CubaAdExState, spike: Array, dt: float) -> CubaAdExState:
        w = s.w
        if w is not None and self.tau_w is not None:
            crossed = jnp.where(self.held(s), (s.v > self.v_th).astype(s.v.dtype), spike)
            w = w + dt / self.tau_w * (self.a * (s.v - self.v_rest) - w) + self.b * crossed
        v = ToValue(detach=True)(s.v, spike, self.v_th, self.v_reset)
        v = jnp.where(self.held(s), self.v_reset, v)
        return CubaAdExState(v, s.i, w, counted(s.r, spike, self.t_ref, dt))
