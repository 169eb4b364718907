"""Bounds of weights: hard, soft, and hard with a straight-through gradient."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from .._types import Param, Requirement, param
from .base import AbstractModifier, clipped


def power(x: Array, exponent: Array) -> Array:
    """`x^exponent` for `x >= 0`, with `0^0 = 1`; below 0 as at 0, where the derivative, which is infinite, is 0."""
    some = x > 0
    at_zero = jnp.asarray(exponent == 0, x.dtype)
    return jnp.where(some, jnp.where(some, x, 1.0) ** exponent, at_zero)


class AbstractBound(AbstractModifier):
    """Weights between `lo` and `hi`, in the unit of the weight, shape `()`."""

    lo: Array
    hi: Array

    def requirements(self):
        words = lambda: f"{type(self).__name__} has lo = {self.lo} and hi = {self.hi}; expected lo <= hi."
        return (Requirement(lambda: self.lo <= self.hi, words),)

    def bounds(self):
        return self.lo, self.hi


class Bound(AbstractBound):
    """`w <- min(max(w, lo), hi)` after every change. The derivative beyond a bound is 0."""

    lo: Param = param(0.0, unit="weight")
    hi: Param = param(1.0, unit="weight")


class StraightThroughBound(AbstractBound):
    """`w <- min(max(w, lo), hi)` as of `Bound`, with the derivative of no bound (straight through), so that training
    does not stop at a bound.

    **Arguments:** `lo`, `hi`: unit of the weight.
    """

    lo: Param = param(0.0, unit="weight")
    hi: Param = param(1.0, unit="weight")

    def limit(self, w):
        return w + lax.stop_gradient(clipped(w, self.bounds()) - w)


class SoftBound(AbstractBound):
    """`dw <- dw ((hi - w) / (hi - lo))^power` of a growth, `dw <- dw ((w - lo) / (hi - lo))^power` of a decline; then
    `Bound`.

    **Arguments:** `lo`, `hi`: unit of the weight. `power`: 1 for the linear form.
    """

    lo: Param = param(0.0, unit="weight")
    hi: Param = param(1.0, unit="weight")
    power: Param = param(1.0, unit="1", ge=0.0)

    def requirements(self):
        words = lambda: f"SoftBound has lo = {self.lo} and hi = {self.hi}; expected lo < hi."
        return (Requirement(lambda: self.lo < self.hi, words),)

    def change(self, w, dw, kept, clock):
        span = self.hi - self.lo
        room = jnp.where(dw > 0, self.hi - w, w - self.lo) / span
        return dw * power(room, self.power), kept
