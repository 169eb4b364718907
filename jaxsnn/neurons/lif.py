"""The leaky integrate-and-fire neuron, and the membrane that others of its kind share with it."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._linear import Current, grown, lasting
from .._types import OptionalParam, Param, param
from .firing import AbstractIntegrateFire
from .gains import AbstractGain, Resistance
from .refractory import AbstractRefractoryInput, Buffer, Clamp, Ungated
from .resets import AbstractReset, AbstractResetTime, SameStep, ToValue
from .surrogates import AbstractSurrogate, FastSigmoid
from .thresholds import AbstractComparator, GreaterEqual


def leak(v: Array, v_rest: Array, tau: Array, gain: AbstractGain, current: Current, dt: float) -> Array:
    """One step of `tau dv/dt = -(v - v_rest) + R (a + b v)`.

    Exact for a current that does not depend on `v`; with `b` it is the exponential Euler step on the total current.
    """
    if current.b is None:
        # an increment: a factor near 1, rounded once, would bias every step of float32 alike
        return v + (v - v_rest) * jnp.expm1(-dt / tau) + gain.per_step(tau, dt) * current.a
    tau = lasting(tau, dt)
    r = gain.resistance(tau, dt)
    slope = (r * current.b - 1.0) / tau
    drive = (v_rest + r * current.a) / tau
    return v + (drive + slope * v) * dt * grown(slope * dt)


class LIFState(NamedTuple):
    """Membrane potential, steps of refractoriness left, and what `Buffer()` and `NextStep()` store."""

    v: Float[Array, "..."]
    r: Int[Array, "..."]
    kept: Float[Array, "..."] | None = None  # Buffer(): jumps that arrived while refractory
    pending: Float[Array, "..."] | None = None  # NextStep(): spikes whose reset is pending


class AbstractLIF(AbstractIntegrateFire):
    """The linear membrane of `LIF`, its arguments and its refractory input, for neurons with another threshold.

    Its state has, besides what every integrate-and-fire neuron has, the jumps `kept` while refractory (or None).
    """

    tau: Param = param(20.0, unit="ms", gt=0.0)
    v_rest: Param = param(0.0, unit="mV", finite=True)
    v_th: Param = param(20.0, unit="mV")
    v_reset: Param = param(0.0, unit="mV", finite=True)
    t_ref: Param = param(0.0, unit="ms", ge=0.0, finite=True)
    bias: Param = param(0.0, unit="current", finite=True)
    noise: OptionalParam = param(None, unit="mV", optional=True, ge=0.0, finite=True)
    gain: AbstractGain = eqx.field(default_factory=Resistance)
    comparator: AbstractComparator = eqx.field(default_factory=GreaterEqual)
    reset_mechanism: AbstractReset = eqx.field(default_factory=ToValue)
    reset_time: AbstractResetTime = eqx.field(default_factory=SameStep)
    refractory_input: AbstractRefractoryInput = eqx.field(default_factory=Clamp)
    surrogate: AbstractSurrogate = eqx.field(default_factory=FastSigmoid)

    @property
    def membrane_tau(self) -> Array:
        return self.tau

    @property
    def noisy(self) -> bool:
        return self.noise is not None

    def at_rest(self, v: Array, shape: tuple[int, ...], dtype: Any) -> dict[str, Any]:
        kept = jnp.zeros(shape, dtype) if isinstance(self.refractory_input, Buffer) else None
        return {**super().at_rest(v, shape, dtype), "kept": kept}

    def advance(self, s: Any, current: Current, dt: float, *, noise: Array | None = None) -> Any:
        v = leak(s.v, self.v_rest, self.tau, self.gain, current._replace(a=current.a + self.bias), dt)
        if self.noise is not None and noise is not None:
            v = v + self.noise * jnp.sqrt(-jnp.expm1(-2.0 * dt / self.tau)) * noise
        if not isinstance(self.refractory_input, Ungated):
            v = jnp.where(self.held(s), s.v, v)
        return s._replace(v=v)

    def add_jump(self, s: Any, jump: Array, dt: float, *, fired: Array | None = None) -> Any:
        if isinstance(self.refractory_input, Ungated):
            return s._replace(v=s.v + jump)
        deaf = self.held(s) if fired is None else self.held(s) | fired
        if s.kept is None:
            return s._replace(v=s.v + jnp.where(deaf, 0.0, jump))
        discounted = jump * jnp.exp(-dt / self.tau * s.r.astype(jump.dtype))
        return s._replace(v=s.v + jnp.where(deaf, 0.0, jump + s.kept), kept=jnp.where(deaf, s.kept + discounted, 0.0))


class LIF(AbstractLIF):
    """Leaky integrate-and-fire: `tau dv/dt = -(v - v_rest) + R I`, a spike where `v` reaches `v_th`.

    NEST: `iaf_psc_exp`, `iaf_psc_alpha`, `iaf_psc_delta`, by the port; PyNN: `IF_curr_exp`; snnTorch: `Leaky`; Norse:
    `LIFBoxCell`; SpikingJelly: `LIFNode`, `IFNode`. `snn.presets` has them with their defaults.

    The membrane is integrated exactly for any step. A spike in step `k` sets a counter to `R = ceil(t_ref / dt)`;
    steps `k+1 .. k+R` are refractory, so the shortest interval is `R + 1` steps. (NEST counts like this; Brian2's
    `refractory=t` is `t_ref = t - dt` here.)

    **Arguments**, each of shape `()` or `(n,)`:

    - `tau`: membrane time constant, ms. `v_rest`, `v_th`, `v_reset`: mV. `t_ref`: refractory period, ms.
    - `bias`: a constant current, in the unit that `gain` expects.
    - `noise`: stationary standard deviation of white current noise, mV; None for no noise (nothing is drawn).
    - `gain`: `Resistance`, `Capacitance` or `PerStep`. `comparator`: `GreaterEqual` or `Greater`.
    - `reset_mechanism`: `ToValue`, `Subtract` or `NoReset`. `reset_time`: `SameStep` or `NextStep`.
    - `refractory_input`: `Clamp`, `Buffer` or `Ungated`. `surrogate`: the pseudo-derivative of the
      threshold, of the distance `(v - v_th) / (v_th - v_reset)`.

    **Reference:** Rotter and Diesmann, Biol. Cybern. 81:381 (1999) for exact integration.
    """

    def init(self, shape: tuple[int, ...], dtype: Any) -> LIFState:
        return LIFState(**self.at_rest(self.v_rest, shape, dtype))
