"""The integrate-and-fire neuron of the textbook: a resistor, a capacitor, and one Euler step."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._linear import Current
from .._types import Param, Requirement, param, shown
from .firing import AbstractIntegrateFire
from .resets import AbstractReset, AbstractResetTime, SameStep, ToValue
from .surrogates import AbstractSurrogate, FastSigmoid
from .thresholds import AbstractComparator, GreaterEqual


class LapicqueState(NamedTuple):
    """Membrane potential, steps of refractoriness left, and spikes whose reset is pending."""

    v: Float[Array, "..."]
    r: Int[Array, "..."]
    pending: Float[Array, "..."] | None = None


class Lapicque(AbstractIntegrateFire):
    """The textbook neuron, `C dv/dt = I - v/R` in one Euler step: `v <- v + dt (I - v/R) / C`. snnTorch: `Lapicque`.

    With `dt = 1` it is the line `V += (I - V/R)/C` of the textbooks, rest at 0. `LIF(tau=R C, gain=Resistance(R))` is
    the same equation solved exactly; Euler's `v` decays by `1 - dt/(R C)` a step;
    `dt > R C`, where it would overshoot, is refused.

    **Arguments**, each of shape `()` or `(n,)`:

    - `resistance`, `capacitance`: their product is the time constant in ms (MOhm and nF; currents then in nA).
    - `v_th`, `v_reset`: mV. `t_ref`: refractory period, ms, in which `v` is held constant and jumps are lost.
    - `comparator`, `reset_mechanism`, `reset_time`, `surrogate`: as of `LIF`.

    **Reference:** Lapicque, J. Physiol. Pathol. Gen. 9:620 (1907); Dayan and Abbott (2001), chapter 5.
    """

    resistance: Param = param(10.0, unit="MOhm", gt=0.0)
    capacitance: Param = param(1.0, unit="nF", gt=0.0, finite=True)
    v_th: Param = param(1.0, unit="mV")
    v_reset: Param = param(0.0, unit="mV", finite=True)
    t_ref: Param = param(0.0, unit="ms", ge=0.0, finite=True)
    comparator: AbstractComparator = eqx.field(default_factory=GreaterEqual)
    reset_mechanism: AbstractReset = eqx.field(default_factory=ToValue)
    reset_time: AbstractResetTime = eqx.field(default_factory=SameStep)
    surrogate: AbstractSurrogate = eqx.field(default_factory=FastSigmoid)

    def requirements_at(self, dt):
        tau = self.resistance * self.capacitance
        return (
            Requirement(
                lambda: dt <= tau * (1.0 + 1e-6),
                lambda: (
                    f"Lapicque has resistance * capacitance = {shown(tau)} ms; expected at least dt = {dt:g} ms: "
                    "Euler's step would overshoot. Take a shorter dt, or LIF, which is exact."
                ),
            ),
        )

    def init(self, shape: tuple[int, ...], dtype: Any) -> LapicqueState:
        return LapicqueState(**self.at_rest(jnp.zeros(()), shape, dtype))

    def advance(self, s: LapicqueState, current: Current, dt: float, *, noise: Array | None = None) -> LapicqueState:
        i = current.a if current.b is None else current.a + current.b * s.v
        v = s.v + dt / self.capacitance * (i - s.v / self.resistance)
        return s._replace(v=jnp.where(self.held(s), s.v, v))

    def add_jump(self, s: LapicqueState, jump: Array, dt: float, *, fired: Array | None = None) -> LapicqueState:
        deaf = self.held(s) if fired is None else self.held(s) | fired
        return s._replace(v=s.v + jnp.where(deaf, 0.0, jump))
