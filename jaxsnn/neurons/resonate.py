"""Resonate and fire: a damped oscillation, which inputs drive that come in step with it."""

from __future__ import annotations

import abc
import math
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from .._linear import Current
from .._types import Param, Requirement, param, shown
from .base import AbstractNeuron, zero_or_one
from .surrogates import AbstractSurrogate, FastSigmoid


class ResonatorState(NamedTuple):
    """`z = u + i v`: the current-like and the voltage-like part; and `v` a step before, where a phase is passed."""

    u: Float[Array, "..."]
    v: Float[Array, "..."]
    before: Float[Array, "..."] | None = None  # AtPhaseZero()


class AbstractFiringPhase(eqx.Module):
    """When an oscillation fires, and what a spike does to it."""

    def before(self, v: Array) -> Array | None:
        """What of the last step has to be known."""
        return None

    @abc.abstractmethod
    def meets(self, s: ResonatorState, v_th: Array) -> tuple[Bool[Array, "..."], Float[Array, "..."]]:
        """Who may fire in this step, and how far above the threshold it is."""

    def after(self, s: ResonatorState, spike: Array, v_th: Array) -> ResonatorState:
        """The state after the spikes."""
        return s


class AtThreshold(AbstractFiringPhase):
    """Izhikevich's: a spike where `v` reaches `v_th`; then `z <- i v_th`. Lava: `RF_IZ`.

    **Arguments:** `detach`: whether no gradient passes through the reset, static.
    """

    detach: bool = eqx.field(default=False, static=True)

    def meets(self, s, v_th):
        return jnp.ones(jnp.shape(s.v), bool), s.v - v_th

    def after(self, s, spike, v_th):
        fired = lax.stop_gradient(spike) if self.detach else spike
        return s._replace(u=(1.0 - fired) * s.u, v=(1.0 - fired) * s.v + fired * v_th)


class AtPhaseZero(AbstractFiringPhase):
    """A spike where `u` is at least `v_th` as `v` passes 0 upward, at most one a turn; nothing is reset. Lava: `RF`.

    The pseudo-derivative is that of `u` at the threshold, in the steps in which `v` passes 0.

    **Reference:** Orchard et al., arXiv:2111.03746 (2021).
    """

    def before(self, v):
        return v

    def meets(self, s, v_th):
        assert s.before is not None
        return (s.v >= 0.0) & (s.before < 0.0), s.u - v_th


class ResonateAndFire(AbstractNeuron):
    """Resonate and fire: `dz/dt = (-1 / tau + 2 pi i / period) z + I`, with `z = u + i v`.

    Inputs that arrive a whole `period` apart add up, those half a `period` apart cancel. Arrivals at a `Delta` port
    are jumps of `u`, currents move `u`, and `v` is the voltage that the oscillation shows. Exact for any step and a
    current that is constant within it; a conductance is taken at `v` of the start of the step.

    **Arguments**, each of shape `()` or `(n,)`:

    - `period`: of a turn, ms, at least two steps. `tau`: with which a turn decays, ms; infinite for none.
    - `v_th`: threshold, in the unit of weights.
    - `firing`: `AtThreshold()` (Izhikevich: `v` reaches the threshold, and a reset) or `AtPhaseZero()` (Loihi 2: once a
      turn where `u` does, without a reset). `surrogate`: the pseudo-derivative, of the distance over `v_th`.

    **Reference:** Izhikevich, Neural Networks 14:883 (2001), where `b = -1 / tau` and `omega = 2 pi / period`.
    """

    period: Param = param(20.0, unit="ms", gt=0.0, finite=True)
    tau: Param = param(20.0, unit="ms", gt=0.0)
    v_th: Param = param(1.0, unit="1", gt=0.0, finite=True)
    firing: AbstractFiringPhase = eqx.field(default_factory=AtThreshold)
    surrogate: AbstractSurrogate = eqx.field(default_factory=FastSigmoid)

    def requirements_at(self, dt):
        return (
            Requirement(
                lambda: self.period * (1.0 + 1e-6) >= 2.0 * dt,
                lambda: (
                    f"ResonateAndFire.period is {shown(self.period)} ms; expected at least two steps of dt = {dt:g} ms:"
                    " take a shorter dt."
                ),
            ),
        )

    def init(self, shape: tuple[int, ...], dtype: Any) -> ResonatorState:
        zeros = jnp.zeros(shape, dtype)
        return ResonatorState(zeros, zeros, self.firing.before(zeros))

    def advance(self, s: ResonatorState, current: Current, dt: float, *, noise: Array | None = None) -> ResonatorState:
        b, omega = -1.0 / self.tau, 2.0 * math.pi / self.period
        # exp((b + i omega) dt) - 1, as an increment: a factor near 1 is rounded, and biases every step alike
        shrinks, half = jnp.expm1(b * dt), jnp.sin(0.5 * omega * dt)
        real = shrinks * jnp.cos(omega * dt) - 2.0 * half * half
        imag = (shrinks + 1.0) * jnp.sin(omega * dt)
        i = current.a if current.b is None else current.a + current.b * s.v
        size = b * b + omega * omega  # and that over b + i omega is what a constant current adds
        u = s.u + (real * s.u - imag * s.v) + i * ((real * b + imag * omega) / size)
        v = s.v + (imag * s.u + real * s.v) + i * ((imag * b - real * omega) / size)
        return ResonatorState(u, v, self.firing.before(s.v))

    def add_jump(self, s: ResonatorState, jump: Array, dt: float, *, fired: Array | None = None) -> ResonatorState:
        return s._replace(u=s.u + jump)

    @zero_or_one
    def spike(self, s: ResonatorState) -> Float[Array, "..."]:
        may, distance = self.firing.meets(s, self.v_th)
        return jnp.where(may, self.surrogate(distance >= 0.0, distance, self.v_th), 0.0)

    def reset(self, s: ResonatorState, spike: Array, dt: float) -> ResonatorState:
        return self.firing.after(s, spike, self.v_th)
