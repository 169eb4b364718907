"""Fixed-point numbers: formats that say how many bits a value has, and exact integer arithmetic in int32."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .._types import is_concrete


def register(default: Any = None, *, unit: str = "1", within: tuple[int, int] | None = None, **kwargs: Any) -> Any:
    """A whole-numbered field of an `eqx.Module`: an int32 leaf, so that it can be swept like any other number.

    `within`: the smallest and the largest number that it holds; a `Ranged` class checks it.
    """

    def convert(value: Any) -> Array:
        return as_integer(value)

    kwargs = kwargs if default is None else {"default": default, **kwargs}
    return eqx.field(converter=convert, metadata={"unit": unit, "within": within}, **kwargs)


def as_integer(value: Any) -> Int[Array, "..."]:
    """A strongly typed int32 array; an error for concrete numbers that are not whole or do not fit."""
    if is_concrete(value):
        given = np.asarray(value)
        if given.dtype == bool or not np.issubdtype(given.dtype, np.number) or np.iscomplexobj(given):
            raise ValueError(f"Got {value!r} for a register; expected a whole number or an array of them.")
        if given.size and not (np.all(np.rint(given) == given) and np.abs(given).max() < 2**31):
            raise ValueError(f"Got {value!r} for a register; expected whole numbers below 2^31: quantise them.")
        value = given.astype(np.int32)
    with jax.ensure_compile_time_eval():
        return jnp.asarray(value).astype(jnp.int32)


class Ranged(eqx.Module):
    """A part of a chip, whose registers hold so much: an error at once where numbers are known.

    Traced ones cannot raise: `out_of_range` finds them for a status bit.
    """

    def ranges(self) -> dict[str, tuple[int, int]]:
        """The smallest and the largest number of every register that has a range."""
        ends = {field.name: field.metadata.get("within") for field in dataclasses.fields(self)}
        return {name: end for name, end in ends.items() if end is not None and getattr(self, name) is not None}

    def faulty(self) -> Bool[Array, ""]:
        """Whether any number is none that the part holds; a subclass adds what is not a range."""
        bad = jnp.zeros((), bool)
        for name, (low, high) in self.ranges().items():
            value = getattr(self, name)
            bad |= jnp.any((value < low) | (value > high))
        return bad

    def __check_init__(self):
        for name, (low, high) in self.ranges().items():
            value = getattr(self, name)
            if not is_concrete(value):
                continue
            known = np.asarray(value)
            if known.size and not low <= known.min() <= known.max() <= high:
                raise ValueError(
                    f"{type(self).__name__}.{name} is {span(known)}; expected whole numbers from {low} to {high}."
                )


def out_of_range(tree: Any) -> Bool[Array, ""]:
    """Whether any number of any `Ranged` part in a tree is none that it holds."""
    bad = tree.faulty() if isinstance(tree, Ranged) else jnp.zeros((), bool)
    if dataclasses.is_dataclass(tree):
        parts = [getattr(tree, field.name, None) for field in dataclasses.fields(tree)]
    else:
        parts = [*tree.values()] if isinstance(tree, Mapping) else [*tree] if isinstance(tree, (list, tuple)) else []
    for part in parts:
        bad |= out_of_range(part)
    return bad


def whole(part: object, **least: int) -> None:
    """Refuses static numbers of a part, sizes and the like, that are not whole or less than so much."""
    for name, low in least.items():
        value = getattr(part, name)
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not low <= value < 2**31:
            raise ValueError(f"{type(part).__name__}.{name} is {value!r}; expected a whole number of at least {low}.")


def span(x: Any) -> str:
    """From the smallest to the largest of some numbers, for a text."""
    if not is_concrete(x):
        return "traced"
    x = np.asarray(x)
    low, high = (x.min(), x.max()) if x.size else (0, 0)
    return f"{low}" if low == high else f"{low} .. {high}"


class AbstractFormat(eqx.Module):
    """How a value is held."""

    @abc.abstractmethod
    def contains(self, x: Array) -> Bool[Array, "..."]:
        """Whether a value is one that this format can hold."""


class Real(AbstractFormat):
    """A floating-point number: a value that was not quantised yet."""

    def contains(self, x: Array) -> Bool[Array, "..."]:
        return jnp.isfinite(x)

    def __str__(self) -> str:
        return "real"


class Fixed(AbstractFormat):
    """`bits` binary digits (and a sign, if `signed`), `frac` of them behind the point: `value = mantissa 2^-frac`.

    `frac` may be negative: a mantissa with an exponent. Both are leaves, so that precision can be swept.
    """

    bits: Array = register()
    frac: Array = register(0)
    signed: bool = eqx.field(default=True, static=True)

    @property
    def high(self) -> Int[Array, ""]:
        """The largest mantissa."""
        return (jnp.int32(1) << self.bits) - 1

    @property
    def low(self) -> Int[Array, ""]:
        """The smallest mantissa."""
        return -(jnp.int32(1) << self.bits) if self.signed else jnp.zeros_like(self.bits)

    def contains(self, x: Array) -> Bool[Array, "..."]:
        return (x >= self.low) & (x <= self.high)

    def __str__(self) -> str:
        if not is_concrete((self.bits, self.frac)):
            return "fixed"
        low, high = np.min(self.frac), np.max(self.frac)
        behind = f"{low}" if low == high else f"{low} .. {high}"
        return f"{'signed' if self.signed else 'unsigned'} {self.bits} bits, {behind} behind the point"


def decay(x: Int[Array, "..."], d: Int[Array, "..."]) -> Int[Array, "..."]:
    """`x (4096 - d) / 4096`, rounded toward zero, exact for `|x| < 2^31` and `0 <= d <= 4096`.

    The product has up to 43 bits; from the high and low 12 bits of `|x|` it is exact without them.
    """
    keep, size = 4096 - d, jnp.abs(x)
    high, low = size >> 12, size & 4095
    return jnp.sign(x) * (high * keep + ((low * keep) >> 12))


def wrap(x: Int[Array, "..."], bits: int) -> Int[Array, "..."]:
    """Two's complement of `bits` bits and a sign: what a register keeps. Right also if int32 has wrapped before."""
    spare = 31 - bits
    return (x << spare) >> spare


def add(x: Int[Array, "..."], y: Int[Array, "..."]) -> tuple[Int[Array, "..."], Bool[Array, "..."]]:
    """`x + y` kept from `-(2^31 - 1)` to `2^31 - 1`, and where it had to be: -2^31 has no magnitude in 32 bits."""
    total = x + y
    lost = (((x ^ total) & (y ^ total)) < 0) | (total == -(2**31))  # both of one sign, the sum of the other
    end = jnp.where(x < 0, jnp.int32(-(2**31) + 1), jnp.int32(2**31 - 1))
    return jnp.where(lost, end, total), lost


def shift(x: Int[Array, "..."], by: Int[Array, ""]) -> Int[Array, "..."]:
    """`x 2^by`, rounded toward minus infinity where `by < 0`."""
    return (x << jnp.maximum(by, 0)) >> jnp.maximum(-by, 0)


def clear_low(x: Int[Array, "..."], bits: Int[Array, ""]) -> Int[Array, "..."]:
    """`x` with its `bits` lowest bits 0: rounded toward minus infinity to a multiple of `2^bits`."""
    return (x >> bits) << bits


def to_mantissa(x: Float[Array, "..."], form: Fixed) -> tuple[Int[Array, "..."], Bool[Array, "..."]]:
    """The nearest mantissa (ties to even) of a real number in a format, and whether it had to be clipped."""
    scaled = jnp.round(x * jnp.exp2(form.frac.astype(x.dtype)))
    low, high = form.low.astype(x.dtype), form.high.astype(x.dtype)
    return jnp.clip(scaled, low, high).astype(jnp.int32), (scaled < low) | (scaled > high)
