"""Bounds of weights: hard, soft, and hard with a gradient that does not see them."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from .._types import check, param
from .base import AbstractModifier


class AbstractBound(AbstractModifier):
    """Weights between `lo` and `hi`, in the unit of the weight, shape `()`."""

    lo: Array
    hi: Array

    def __check_init__(self):
        check(
            lambda: self.lo <= self.hi,
            f"{type(self).__name__} has lo = {self.lo} and hi = {self.hi}; expected lo <= hi.",
        )

    def clipped(self, w: Array) -> Array:
        # not `clip`, whose derivative at a bound is a half
        return jnp.where(w < self.lo, self.lo, jnp.where(w > self.hi, self.hi, w))

    def allows(self, w):
        return (w >= self.lo) & (w <= self.hi)


class Bound(AbstractBound):
    """`w <- min(max(w, lo), hi)` after every change. The derivative beyond a bound is 0."""

    lo: Array = param(0.0, unit="weight")
    hi: Array = param(1.0, unit="weight")

    def limit(self, w):
        return self.clipped(w)


class StraightThroughBound(AbstractBound):
    """`Bound`, whose derivative is that of no bound: learning does not stop where weights are at rest at a bound."""

    lo: Array = param(0.0, unit="weight")
    hi: Array = param(1.0, unit="weight")

    def limit(self, w):
        return w + lax.stop_gradient(self.clipped(w) - w)


class SoftBound(AbstractBound):
    """Growth is scaled by `((hi - w) / (hi - lo))^power`, decline by `((w - lo) / (hi - lo))^power`; then `Bound`.

    **Arguments:** `lo`, `hi`: unit of the weight. `power`: 1 for the linear form.
    """

    lo: Array = param(0.0, unit="weight")
    hi: Array = param(1.0, unit="weight")
    power: Array = param(1.0, unit="1", least=0.0)

    def change(self, w, dw, kept, clock):
        span = self.hi - self.lo
        room = jnp.where(dw > 0, self.hi - w, w - self.lo) / span
        tiny = jnp.finfo(w.dtype).tiny  # a power of 0 has no derivative
        return dw * jnp.maximum(room, tiny) ** self.power, kept

    def limit(self, w):
        return self.clipped(w)
