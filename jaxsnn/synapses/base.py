"""The interface of a synapse port: a current from its state, its decay, and arrivals."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._linear import Current
from .._types import Checked


class AbstractSynapse(Checked):
    """A port of a receiving population, shared by all projections into it; written for one neuron, elementwise.

    In step `k`, `advance` gives the current of the state at `t_k` (an affine function of `v`, constant over the step)
    and decays the state to `t_{k+1}`; `receive` adds what arrived and says which part of it is a jump of `v` (None
    where none ever is, so that the membrane need not be updated). Parameters are leaves of shape `()` or `(n,)`, or
    distributions. `signed`: whether what arrives may be negative; a conductance may not. `variable`: what jumps of the
    neuron, if anything. `ranges`: of state variables. `weight_unit`: of what arrives, for summaries.
    """

    drawn = True
    signed: ClassVar[bool] = True
    variable: ClassVar[str] = "v"
    weight_unit: ClassVar[str] = ""
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = MappingProxyType({})

    @abc.abstractmethod
    def init(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """The state without arrivals."""

    @abc.abstractmethod
    def advance(
        self, s: Any, v: Float[Array, "..."] | None, dt: float, tau_m: Array | None
    ) -> tuple[Any, Current | None]:
        """Current over the step, and the state after it.

        `v`: the membrane potential, None of a neuron without. `tau_m`: its time constant, None if it is not linear.
        """

    @abc.abstractmethod
    def receive(self, s: Any, arrivals: Float[Array, "..."]) -> tuple[Any, Float[Array, "..."] | None]:
        """The state with this step's arrivals added, and the jump of `v` they cause."""


class AbstractHold(eqx.Module):
    """Which constant current represents, over one step, a current that decays within it."""


class ExactIntegral(AbstractHold):
    """The current with the same effect on a linear membrane at the end of the step: exact for any step length."""


class ZeroOrderHold(AbstractHold):
    """The value at the start of the step: what Brian2's `exponential_euler` does beside a conductance."""


def membrane_rate(dt: float, tau_m: Array | None) -> Array:
    """`dt / tau_m`, and 0 for a membrane that is not linear: the exact current then is the mean over the step."""
    return jnp.zeros(()) if tau_m is None else dt / tau_m
