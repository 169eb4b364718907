"""The formats of Loihi's registers, with as many bits as are asked for. Thresholds and inputs are multiples of 2^6."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..._types import Register, as_integer, canonical_float, is_concrete, out_of_bounds, register
from ...lowering.formats import AbstractFormat, Fixed
from ...lowering.integers import power_of_two
from .synapses import sign_mode

UNIT = 64.0  # 2^6


class _Bits(AbstractFormat):
    """A format of so many bits, of those that a register has: what is traced and out of range stores -1."""

    def _or_none(self, stored: Array) -> Array:
        return stored if is_concrete(self) else jnp.where(out_of_bounds(self), jnp.int32(-1), stored)


class DecayFormat(_Bits):
    """Multiples of `2^-bits`, stored as 4096ths: at least one of them, and 0 for a membrane without a leak."""

    bits: Register = register(12, within=(1, 12))

    def nearest(self, x):
        unit = power_of_two(self.bits, x.dtype)
        least = jnp.where(x == 0, 0.0, 1.0)
        stored = jnp.clip(jnp.round(x * unit), least, unit).astype(jnp.int32) * (as_integer(1) << (12 - self.bits))
        return self._or_none(stored), jnp.zeros(jnp.shape(x), bool)

    def value(self, stored):
        return stored.astype(canonical_float()) / 4096.0

    def range(self):
        return 0, 4096

    def contains(self, stored):
        return (stored >= 0) & (stored <= 4096)

    def __str__(self) -> str:
        return "4096ths"


class ThresholdFormat(_Bits):
    """17 bits times 2^6, of which the highest `bits` are used."""

    bits: Register = register(17, within=(1, 17))

    def nearest(self, x):
        coarse = 17 - self.bits  # low bits that are left out
        stored, clipped = Fixed(self.bits, -(6 + coarse), signed=False).nearest(x)
        return self._or_none(stored << coarse), clipped

    def value(self, stored):
        return stored.astype(canonical_float()) * UNIT

    def range(self):
        return 0, 131071

    def contains(self, stored):
        return (stored >= 0) & (stored <= 131071)

    def __str__(self) -> str:
        return "unsigned 17 bits, -6 behind the point"


class BiasFormat(AbstractFormat):
    """12 bits and a sign, with an exponent from 0 to 7 for every cell."""

    def fit(self, x, sign=0):
        exponent = jnp.clip(jnp.ceil(jnp.log2(jnp.maximum(jnp.abs(x) / 4095.0, 1.0))), 0, 7).astype(jnp.int32)
        return Fixed(12, -exponent)

    def nearest(self, x):
        return self.fit(x).nearest(x)

    def value(self, stored):
        raise ValueError("A bias is worth nothing without its exponent; take the format that `fit` gives.")

    def range(self):
        return -4096, 4095

    def contains(self, stored):
        return (stored >= -4096) & (stored <= 4095)


class StoredWeights(AbstractFormat):
    """Weights of a group of synapses: `mantissa 2^(6 + exponent)`, of which `bits` are stored.

    `raised`: by how many bits mantissas are shifted up, so that they fill the high bits and all cores agree on them
    whatever they do with low ones. `limit`: the largest magnitude before that.
    """

    bits: Array
    exponent: Array
    raised: Array
    limit: Array
    sign: int = eqx.field(static=True)

    def scaled(self, x: Array) -> Array:
        """Whole multiples of the unit before they are clipped and raised."""
        return jnp.round(x / UNIT * power_of_two(-(self.exponent + self.raised), x.dtype))

    def nearest(self, x):
        rounded, limit = self.scaled(x), self.limit.astype(x.dtype)
        return jnp.clip(rounded, -limit, limit).astype(jnp.int32) << self.raised, jnp.abs(rounded) > limit

    def value(self, stored):
        return stored.astype(canonical_float()) * power_of_two(self.exponent, canonical_float()) * UNIT

    def range(self):
        return -256, 255

    def contains(self, stored):
        return (stored >= -256) & (stored <= 255)

    @property
    def data(self) -> dict[str, Any]:
        sign = type(sign_mode(self.sign)).__name__
        return {"sign": sign, "exponent": int(self.exponent), "bits": int(self.bits)}

    def __str__(self) -> str:
        if not is_concrete((self.bits, self.exponent)):
            return "mantissas"
        return f"signed 8 bits, {np.asarray(-(6 + self.exponent))} behind the point, {self.bits} stored"


class WeightFormat(_Bits):
    """Mantissas of `bits` bits, the sign among them where signs are mixed, with one exponent for a group."""

    bits: Register = register(8, within=(1, 8))

    def fit(self, x, sign=0):
        """The smallest exponent that fits: a negative one would buy nothing, as an input is a multiple of 2^6.

        Bits that no weight uses are not stored.
        """
        sign_bits = int(sign == 0)
        limit = power_of_two(jnp.maximum(self.bits - sign_bits, 0), x.dtype) - 1.0
        top = jnp.max(jnp.abs(x / UNIT), initial=0.0)
        most = (15 + sign_bits - self.bits).astype(x.dtype)  # 7, of a mantissa that fills the high bits
        need = jnp.ceil(jnp.log2(jnp.maximum(top, 1e-30) / (jnp.maximum(limit, 0.5) + 0.499)))
        exponent = jnp.clip(need, 0.0, most).astype(jnp.int32)
        low = StoredWeights(self.bits, exponent, jnp.int32(0), limit, sign)
        largest = jnp.max(jnp.abs(low.nearest(x)[0]), initial=0)
        used = jnp.ceil(jnp.log2(largest.astype(x.dtype) + 1.0)).astype(jnp.int32)
        bits = jnp.minimum(used + sign_bits, 8)
        raised = jnp.minimum(8 - bits + sign_bits, exponent + 8)  # an exponent is at least -8
        bits = bits if is_concrete(self) else jnp.where(out_of_bounds(self), jnp.int32(9), bits)
        return StoredWeights(bits, exponent - raised, raised, limit, sign)

    def nearest(self, x):
        return self.fit(x).nearest(x)

    def value(self, stored):
        raise ValueError("A mantissa is worth nothing without its exponent; take the format that `fit` gives.")

    def range(self):
        return -256, 255

    def contains(self, stored):
        return (stored >= -256) & (stored <= 255)
