"""Number formats: the bits of a value, the nearest number that can be stored, and the value of a stored number."""

from __future__ import annotations

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .._types import Checked, Register, canonical_float, is_concrete, register
from .integers import power_of_two


class AbstractFormat(Checked):
    """A number format. Its parameters are leaves, so that precision can be swept."""

    def fit(self, x: Float[Array, "..."], sign: int = 0) -> AbstractFormat:
        """The format with the exponent chosen for these values; this format if it has none to choose.

        `sign`: 1 if no value is negative, -1 if none is positive, 0 for both or unknown.
        """
        return self

    @abc.abstractmethod
    def range(self) -> tuple[Any, Any]:
        """The smallest and the largest number that is stored."""

    @abc.abstractmethod
    def contains(self, stored: Array) -> Bool[Array, "..."]:
        """Whether this format has these stored numbers."""

    @abc.abstractmethod
    def nearest(self, x: Float[Array, "..."]) -> tuple[Array, Bool[Array, "..."]]:
        """The stored numbers nearest to real ones, and which were clipped."""

    @abc.abstractmethod
    def value(self, stored: Array) -> Float[Array, "..."]:
        """The real values of stored numbers."""

    @property
    def data(self) -> dict[str, Any]:
        """What a report says of the format."""
        return {}


class Real(AbstractFormat):
    """A floating-point number, not quantised."""

    def range(self):
        return -jnp.inf, jnp.inf

    def contains(self, stored):
        return jnp.isfinite(stored)

    def nearest(self, x):
        return x, jnp.zeros(jnp.shape(x), bool)

    def value(self, stored):
        return stored

    def __str__(self) -> str:
        return "real"


class Fixed(AbstractFormat):
    """`bits` binary digits (and a sign, if `signed`), `frac` of them behind the point: `value = mantissa 2^-frac`.

    `frac` may be negative: a mantissa with an exponent. Both are leaves.
    """

    bits: Register = register()
    frac: Register = register(0)
    signed: bool = eqx.field(default=True, static=True)

    @property
    def high(self) -> Int[Array, ""]:
        """The largest mantissa."""
        return (jnp.int32(1) << self.bits) - 1

    @property
    def low(self) -> Int[Array, ""]:
        """The smallest mantissa."""
        return -(jnp.int32(1) << self.bits) if self.signed else jnp.zeros_like(self.bits)

    def range(self):
        return self.low, self.high

    def contains(self, stored):
        return (stored >= self.low) & (stored <= self.high)

    def nearest(self, x):
        """The nearest mantissa, ties to even."""
        scaled = jnp.round(x * power_of_two(self.frac, x.dtype))
        low, high = self.low.astype(x.dtype), self.high.astype(x.dtype)
        return jnp.clip(scaled, low, high).astype(jnp.int32), (scaled < low) | (scaled > high)

    def value(self, stored):
        return stored.astype(canonical_float()) * power_of_two(-self.frac, canonical_float())

    def __str__(self) -> str:
        if not is_concrete((self.bits, self.frac)):
            return "fixed"
        low, high = np.min(self.frac), np.max(self.frac)
        behind = f"{low}" if low == high else f"{low} .. {high}"
        return f"{'signed' if self.signed else 'unsigned'} {self.bits} bits, {behind} behind the point"
