"""A sum-of-products rule as data: what changes, when, and by the product of what."""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from ...._types import Checked, Register, is_concrete, register
from ....lowering.storage import stored

SPIKES = ("x0", "y0")  # who has fired in the epoch: one bit
TRACES = ("x1", "x2", "y1", "y2", "y3")
SYNAPSE = ("w", "d", "t")  # weight, delay, tag
DEPENDENCIES = (*SPIKES, *(f"u{k}" for k in range(10)))
BITS = {**dict.fromkeys(SPIKES, 1), **dict.fromkeys(TRACES, 7), **dict.fromkeys(SYNAPSE, 9)}  # of a factor's magnitude
MANTISSA_BITS = 4
ACCUMULATOR_BITS = 15  # of the magnitude of what is added up
FRACTION_BITS = 7  # the accumulator holds w, d and t with this many bits after the point
CONSTANT = {name: (-256, 255) if name in SYNAPSE else (-128, 127) for name in BITS}  # what may be added to a factor


@stored
class Factor(Checked):
    """`variable + constant`, saturated to the variable's width `b`: `[-2^b, 2^b - 1]`."""

    variable: str = eqx.field(static=True)
    constant: Register = register(0)

    def __check_init__(self):
        if self.variable not in BITS:
            raise ValueError(f"{type(self).__name__}.variable is {self.variable!r}; expected one of {' '.join(BITS)}.")

    def register_ranges(self):
        return {"constant": CONSTANT[self.variable]}

    def __call__(self, value: Int[Array, "..."]) -> Int[Array, "..."]:
        bound = 2 ** BITS[self.variable]
        return jnp.clip(self.of(value + self.constant), -bound, bound - 1)

    def of(self, value: Int[Array, "..."]) -> Int[Array, "..."]:
        """What counts of `variable + constant`: all of it."""
        return value

    @property
    def largest(self) -> int:
        """A bound of its magnitude."""
        bits = BITS[self.variable]
        if not is_concrete(self.constant):
            return 2**bits
        shift = int(self.constant)
        low, high = (-(2**bits) if self.variable in SYNAPSE else 0), 2**bits - 1
        return min(max(abs(low + shift), abs(high + shift)), 2**bits)

    def __str__(self) -> str:
        shift = int(self.constant)
        return f"({self.variable} {'+-'[shift < 0]} {abs(shift)})" if shift else self.variable


@stored
class Sign(Factor):
    """`sgn(variable + constant)`: -1, 0 or 1."""

    def of(self, value: Int[Array, "..."]) -> Int[Array, "..."]:
        return jnp.sign(value)

    @property
    def largest(self) -> int:
        return 1

    def __str__(self) -> str:
        return f"sgn{text}" if (text := super().__str__())[0] == "(" else f"sgn({text})"


@stored
class Product(Checked):
    """`mantissa 2^exponent * dependency * factor * ...`

    `dependency`: `x0` (an epoch in which the sender fired), `y0` (the receiver), `u<k>` (every `2^k`-th epoch).
    """

    dependency: str = eqx.field(static=True)
    factors: tuple[Factor, ...] = ()
    mantissa: Register = register(1, within=(-8, 7))
    exponent: Register = register(0, within=(-7, 8))

    def __check_init__(self):
        if self.dependency not in DEPENDENCIES:
            raise ValueError(f"Product.dependency is {self.dependency!r}; expected one of {' '.join(DEPENDENCIES)}.")
        if self.largest >= 2**31:
            raise ValueError(f"A Product may reach {self.largest}, and the multiplier has 32 bits; take out a factor.")

    @property
    def bits(self) -> int:
        """The width of the product before it is shifted into the accumulator."""
        return sum(BITS[factor.variable] for factor in self.factors) + MANTISSA_BITS

    @property
    def lost(self) -> int:
        """Bits dropped from the low end of the product. Its exponent does not make up for them: see `scale`."""
        return max(0, self.bits - ACCUMULATOR_BITS)

    @property
    def scale(self) -> float:
        """What the product contributes to its variable, over what the formula says: 1 with one trace, 1/8 with two.

        The product is shifted right by `lost`, left by `exponent + 7`, and read with 7 bits after the point.
        """
        return 2.0**-self.lost

    @property
    def largest(self) -> int:
        """A bound of the product's magnitude before the shift; int32 has to hold it."""
        mantissa = abs(int(self.mantissa)) if is_concrete(self.mantissa) else 2 ** (MANTISSA_BITS - 1)
        return mantissa * int(np.prod([factor.largest for factor in self.factors], dtype=object))

    def __call__(self, gate: Int[Array, "..."], read: Callable[[str], Int[Array, "..."]]) -> Int[Array, "..."]:
        """The addend, with 7 bits after the point. `gate`: the dependency, 0 or 1. `read(variable)`: its value."""
        value = gate * self.mantissa
        for factor in self.factors:
            value = value * factor(read(factor.variable))
        value = (value >> self.lost) << (self.exponent + FRACTION_BITS)
        return saturated(value)

    def __str__(self) -> str:
        mantissa, exponent = int(self.mantissa), int(self.exponent)
        power = [f"2^{exponent}"] if exponent else []
        number = [str(abs(mantissa))] if abs(mantissa) != 1 else []
        return "*".join([*number, *power, self.dependency, *map(str, self.factors)])


@stored
class SumOfProducts(eqx.Module):
    """How one variable of a synapse (`w`, `d` or `t`) changes at the end of an epoch; `str(rule)` parses back."""

    products: tuple[Product, ...]

    def __check_init__(self):
        if not self.products or not all(isinstance(product, Product) for product in self.products):
            raise ValueError("Got a SumOfProducts without a Product; expected at least one.")

    @property
    def variables(self) -> frozenset[str]:
        """Every variable that is read."""
        return frozenset(factor.variable for product in self.products for factor in product.factors)

    @property
    def dependencies(self) -> frozenset[str]:
        """Everything that lets a product count."""
        return frozenset(product.dependency for product in self.products)

    def __call__(self, start: Int[Array, "..."], addend: Callable[[int, Product], Array]) -> Array:
        """The new accumulator: `start` plus the products in their order, saturated after each."""
        for k, product in enumerate(self.products):
            start = saturated(start + addend(k, product))
        return start

    def __str__(self) -> str:
        text = ""
        for product in self.products:
            negative = int(product.mantissa) < 0
            text += (" - " if negative else " + ") if text else ("-" if negative else "")
            text += str(product)
        return text


def saturated(value: Int[Array, "..."]) -> Int[Array, "..."]:
    """Within the accumulator, `[-2^15 - 1, 2^15 - 1]` (the lower end is Lava's)."""
    return jnp.clip(value, -(2**ACCUMULATOR_BITS) - 1, 2**ACCUMULATOR_BITS - 1)
