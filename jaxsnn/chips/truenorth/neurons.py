"""Neurons of a network that a core of TrueNorth holds, as float recursions that can be trained."""

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from ..._types import Param, Requirement, param, shown
from ...neurons.base import AbstractNeuron, Membrane
from ...neurons.resets import AbstractReset, ToValue
from ...neurons.surrogates import AbstractSurrogate, FastSigmoid


class LinearLeakIF(AbstractNeuron):
    """Integrate-and-fire with a linear leak: in every step, after what has arrived,

        v <- v + leak                       (`reversal`: v + sgn(v) leak, so that a negative leak goes towards 0)
        a spike where v >= v_th, then the reset; else v <- max(v, -floor)

    Arrivals are jumps of `v` (`Delta` ports) and come before the threshold (`NestOrder`). A leak that reverses rings
    around 0, as the published equations have it, unless `ringing=False`. There is no refractory period.

    **Arguments**, each of shape `()` or `(n,)`: `v_th`, `v_reset`, `leak` (a step), `floor`: mV; `reversal`, `ringing`:
    static. `reset_mechanism`: `ToValue`, `Subtract` or `NoReset`. `surrogate`: of `(v - v_th) / (v_th - v_reset)`.

    **Reference:** Cassidy et al., IJCNN 2013.
    """

    v_th: Param = param(1.0, unit="mV", finite=True)
    v_reset: Param = param(0.0, unit="mV", finite=True)
    leak: Param = param(0.0, unit="mV", finite=True)
    floor: Param = param(float("inf"), unit="mV", ge=0.0)
    reversal: bool = eqx.field(default=False, static=True)
    ringing: bool = eqx.field(default=True, static=True)
    reset_mechanism: AbstractReset = eqx.field(default_factory=ToValue)
    surrogate: AbstractSurrogate = eqx.field(default_factory=FastSigmoid)

    def requirements(self):
        said = lambda: f"LinearLeakIF.v_reset is {shown(self.v_reset)}; expected less than v_th = {shown(self.v_th)}."
        return (Requirement(lambda: self.v_reset < self.v_th, said),)

    def advance(self, s: Membrane, current: Any, dt: float, *, noise: Array | None = None) -> Membrane:
        return s

    def compared(self, s: Membrane) -> Float[Array, "..."]:
        """The membrane after its leak, which is compared with the threshold."""
        v = s.v
        if not self.reversal:
            return v + self.leak
        new = v + lax.stop_gradient(jnp.sign(v)) * self.leak
        return new if self.ringing else jnp.where(jnp.sign(new) == -jnp.sign(v), 0.0, new)

    def spike(self, s: Membrane) -> Float[Array, "..."]:
        v = self.compared(s)
        return self.surrogate(v >= self.v_th, v - self.v_th, self.v_th - self.v_reset)

    def reset(self, s: Membrane, spike: Array, dt: float) -> Membrane:
        v = self.compared(s)
        return Membrane(self.reset_mechanism(jnp.maximum(v, -self.floor), spike, self.v_th, self.v_reset))


class UnitState(NamedTuple):
    """What has arrived in the step, with the bias."""

    v: Float[Array, "..."]


class ThresholdUnit(AbstractNeuron):
    """A unit without memory: a spike where what arrives in a step, with the bias, is at least 0.

    Layers of it with trinary weights or with connections drawn from trained probabilities are what TrueNorth was built
    for. Arrivals are jumps of `v` (`Delta` ports) and come before the threshold (`NestOrder`).

    **Arguments:** `bias`: mV, `()` or `(n,)`. `surrogate`: of `v / span`, where `span` is the width of the slope, mV.
    """

    bias: Param = param(0.0, unit="mV", finite=True)
    span: Param = param(1.0, unit="mV", gt=0.0)
    surrogate: AbstractSurrogate = eqx.field(default_factory=FastSigmoid)

    def init(self, shape: tuple[int, ...], dtype: Any) -> UnitState:
        return UnitState(jnp.zeros(shape, dtype))

    def advance(self, s: UnitState, current: Any, dt: float, *, noise: Array | None = None) -> UnitState:
        return UnitState(jnp.broadcast_to(self.bias, s.v.shape).astype(s.v.dtype))

    def spike(self, s: UnitState) -> Float[Array, "..."]:
        return self.surrogate(s.v >= 0, s.v, self.span)

    def reset(self, s: UnitState, spike: Array, dt: float) -> UnitState:
        return s
