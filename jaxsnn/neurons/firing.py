"""Threshold, reset and refractory counter: what integrate-and-fire neurons share, whatever their membrane."""

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from .._types import Requirement, shown
from .base import AbstractNeuron, zero_or_one
from .resets import AbstractReset, AbstractResetTime, NextStep, NoReset
from .surrogates import AbstractSurrogate
from .thresholds import AbstractComparator

if TYPE_CHECKING:
    from typing import ClassVar as AbstractVar
else:
    from equinox import AbstractVar


def refractory_steps(t_ref: Array, dt: float) -> Int[Array, "..."]:
    """`R = ceil(t_ref / dt)`; a thousandth of a step forgives a period that is on the grid but not in binary."""
    return jnp.ceil(t_ref / dt - 1e-3).astype(jnp.int32)


def counted(r: Array, spike: Array, t_ref: Array, dt: float) -> Int[Array, "..."]:
    """The refractory counter after a step: set by a spike, otherwise counting down."""
    return jnp.where(spike > 0, refractory_steps(t_ref, dt), jnp.maximum(r - 1, 0))


class AbstractIntegrateFire(AbstractNeuron):
    """A neuron that fires where `v` reaches a threshold, is reset, and is then refractory for some steps.

    Its state has `v`, the counter `r` and, for a reset in the next step, the `pending` spikes (else None).
    """

    v_th: AbstractVar[Array]
    v_reset: AbstractVar[Array]
    t_ref: AbstractVar[Array]
    comparator: AbstractVar[AbstractComparator]
    reset_mechanism: AbstractVar[AbstractReset]
    reset_time: AbstractVar[AbstractResetTime]
    surrogate: AbstractVar[AbstractSurrogate]

    def requirements(self) -> tuple[Requirement, ...]:
        return (Requirement(self._can_rest, self._cannot_rest),)

    def _can_rest(self) -> Any:
        """Whether `v_reset` is at most the threshold, or is not used."""
        return isinstance(self.reset_mechanism, NoReset) or self.v_reset <= self.v_th

    def _cannot_rest(self) -> str:
        return (
            f"{type(self).__name__}.v_reset is {shown(self.v_reset)} mV; expected at most v_th = "
            f"{shown(self.v_th)} mV: it would fire in every step."
        )

    def at_rest(self, v: Array, shape: tuple[int, ...], dtype: Any) -> dict[str, Any]:
        """The part of the state at rest that all of these neurons have."""
        pending = jnp.zeros(shape, dtype) if isinstance(self.reset_time, NextStep) else None
        return {
            "v": jnp.broadcast_to(v, shape).astype(dtype),
            "r": jnp.zeros(shape, jnp.int32),
            "pending": pending,
        }

    def threshold(self, s: Any) -> Float[Array, "..."]:
        """The threshold, which a subclass may let vary with the state."""
        return self.v_th

    def held(self, s: Any) -> Bool[Array, "..."]:
        return s.r > 0

    def due(self, s: Any) -> Float[Array, "..."]:
        """The membrane that is compared with the threshold, after a pending reset of the step before."""
        return s.v if s.pending is None else self.reset_mechanism(s.v, s.pending, self.v_th, self.v_reset)

    @zero_or_one
    def spike(self, s: Any) -> Float[Array, "..."]:
        v, threshold = self.due(s), self.threshold(s)
        fires = self.surrogate(self.comparator(v, threshold), v - threshold, self.v_th - self.v_reset)
        return jnp.where(self.held(s), 0.0, fires)  # who cannot fire has no pseudo-derivative either

    def reset(self, s: Any, spike: Array, dt: float) -> Any:
        v = self.due(s)
        if s.pending is None:
            s = s._replace(v=self.reset_mechanism(v, spike, self.v_th, self.v_reset))
        else:
            s = s._replace(v=v, pending=spike)
        return s._replace(r=counted(s.r, spike, self.t_ref, dt))
