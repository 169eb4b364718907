"""What deep-learning libraries have in common: decays by a factor a step, and surrogates of `v - v_th` itself."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .._types import Param, as_number, check, is_concrete, param
from ..neurons.surrogates import AbstractSurrogate


def time_constant(factor: Any, dt: float, name: str) -> Array:
    """The time constant, ms, with which a variable decays by `factor` in a step of `dt` ms: `-dt / log(factor)`."""
    factor = as_number(factor)
    check(lambda: (factor > 0) & (factor <= 1), f"{name} is {factor}; expected a factor a step above 0 and at most 1.")
    with jax.ensure_compile_time_eval():
        return dt / jnp.abs(jnp.log(factor))  # 1, no decay: infinite


class OfDifference(AbstractSurrogate):
    """A surrogate whose argument is `v - v_th` as it is, not in units of `unit = v_th - v_reset` as elsewhere here."""

    surrogate: AbstractSurrogate
    unit: Param = param(1.0, unit="that of v", gt=0.0)

    def slope(self, x):
        return self.unit * self.surrogate.slope(self.unit * x)


def of_difference(surrogate: AbstractSurrogate, unit: Any) -> AbstractSurrogate:
    """`surrogate` as a function of `v - v_th`, for a neuron with `v_th - v_reset = unit`."""
    unit = as_number(unit)
    if is_concrete(unit) and np.all(np.asarray(unit) == 1.0):
        return surrogate
    return OfDifference(surrogate, unit)
