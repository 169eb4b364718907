"""The arithmetic of SpiNNaker's programs: s16.15 numbers that floor and wrap, in words of 32 bits.

An accum is an int32 in units of 2^-15; a fract is a uint32 in units of 2^-32. Products have 64 bits on the processor;
here they are made of halves of words, exactly.
"""

import dataclasses
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from functools import cache
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Int, UInt32

from ..._types import is_concrete, on_device, param

ONE = 1 << 15  # 1.0
LARGEST = 2**31 - 1
_BITS = 15
_EXP_LARGEST, _EXP_SMALLEST = 363_408, -340_695  # arguments of `exp` that do not give the largest number, or 0


def product(a: Int[Array, "..."], b: Int[Array, "..."]) -> Int[Array, "..."]:
    """accum x accum: `floor(a b / 2^15)`, the lowest 32 bits.

    With `a = a1 2^15 + a0` and `b = b1 2^15 + b0` it is `a1 b + a0 b1 + floor(a0 b0 / 2^15)`, where all may wrap.
    """
    a0, b0 = a & (ONE - 1), b & (ONE - 1)
    return (a >> _BITS) * b + a0 * (b >> _BITS) + ((a0 * b0) >> _BITS)


def high(a: UInt32[Array, "..."], b: UInt32[Array, "..."]) -> UInt32[Array, "..."]:
    """The upper 32 of the 64 bits of a product."""
    low = jnp.uint32(0xFFFF)
    a0, a1, b0, b1 = a & low, a >> 16, b & low, b >> 16
    first = a1 * b0 + ((a0 * b0) >> 16)
    return a1 * b1 + (first >> 16) + ((a0 * b1 + (first & low)) >> 16)


def decayed(a: Int[Array, "..."], d: UInt32[Array, "..."]) -> Int[Array, "..."]:
    """accum x fract: `floor(a d / 2^32)`."""
    unsigned = high(a.astype(jnp.uint32), d) - jnp.where(a < 0, d, jnp.uint32(0))
    return unsigned.astype(jnp.int32)


def quotient(a: Int[Array, "..."], b: Int[Array, "..."]) -> Int[Array, "..."]:
    """accum / accum: `floor(a 2^15 / b)`, the lowest 32 bits, for `a >= 0` and `b > 0`: by long division."""
    a, b = (x.astype(jnp.uint32) for x in jnp.broadcast_arrays(a, b))

    def digit(k: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
        rest, found = state  # the rest stays below b < 2^31
        rest = (rest << 1) | jnp.where(k < 32, (a >> (31 - jnp.minimum(k, 31)).astype(jnp.uint32)) & 1, jnp.uint32(0))
        fits = rest >= b
        return jnp.where(fits, rest - b, rest), (found << 1) | fits.astype(jnp.uint32)

    zero = jnp.zeros_like(a)
    return lax.fori_loop(0, 32 + _BITS, digit, (zero, zero))[1].astype(jnp.int32)


def exponential(x: Int[Array, "..."]) -> tuple[UInt32[Array, "..."], UInt32[Array, "..."]]:
    """`2^32 e^x` of an accum as the chip computes it, its upper and lower words.

    From tables at whole numbers and sixteenths, and a polynomial of what is left: within 5295 of `2^32 e^x` for
    `x <= 0`.
    """
    whole, part = x >> _BITS, x & (ONE - 1)
    up = part > 0  # from the next whole number downwards
    left = jnp.where(up, ONE - part, 0).astype(jnp.uint32)
    upper, lower = _powers()
    place = jnp.clip(whole + up.astype(jnp.int32) - _LEAST, 0, len(upper) - 1)
    e = jnp.asarray(upper)[place], jnp.asarray(lower)[place]
    y = (left & 2047) << 17
    small = 5294 + high(y, jnp.uint32(4293434720) - high(jnp.uint32(2081624032), y))
    for share in (jnp.asarray(_sixteenths())[left >> 11], small):
        less = _less(e, share)
        e = jnp.where(up, less[0], e[0]), jnp.where(up, less[1], e[1])
    return e


def exp_accum(x: Int[Array, "..."]) -> Int[Array, "..."]:
    """`e^x` of an accum as an accum."""
    upper, lower = exponential(x)
    found = ((upper << _BITS) | (lower >> 17)).astype(jnp.int32)
    return jnp.where(x > _EXP_LARGEST, LARGEST, jnp.where(x < _EXP_SMALLEST, 0, found))


def exp_fract(x: Int[Array, "..."]) -> UInt32[Array, "..."]:
    """`e^x` of an accum, `x <= 0`, as a fract. That of 0 is 0: 1 does not fit."""
    return jnp.where(x < _EXP_SMALLEST, jnp.uint32(0), exponential(x)[1])


def _less(e: tuple[Array, Array], share: Array) -> tuple[Array, Array]:
    """A number of two words less a share of it in 2^-32; the lowest word is rounded, 0x7FFFFFFF and more upwards."""
    upper, lower = e
    part = high(lower, share) + _one_if(lower * share >= jnp.uint32(0x7FFFFFFF))
    taken = upper * share + part
    carried = high(upper, share) + _one_if(taken < part)
    return upper - carried - _one_if(lower < taken), lower - taken


def _one_if(x: Array) -> UInt32[Array, "..."]:
    return x.astype(jnp.uint32)


_LEAST = -11  # the least whole number of which there is a power


@cache
def _powers() -> tuple[np.ndarray, np.ndarray]:
    """`round(2^32 e^z)` of whole numbers, upper and lower words."""
    found = np.array([_rounded(Decimal(z).exp()) for z in range(_LEAST, 13)], np.uint64)
    return (found >> np.uint64(32)).astype(np.uint32), found.astype(np.uint32)


@cache
def _sixteenths() -> np.ndarray:
    """`round(2^32 (1 - e^(-j / 16)))`."""
    return np.array([_rounded(1 - (Decimal(-j) / 16).exp()) for j in range(16)], np.uint32)


def _rounded(x: Decimal) -> int:
    with localcontext(prec=40):
        return int((x * 2**32).to_integral_value(ROUND_HALF_EVEN))


def accum(x: Any) -> Int[Array, "..."]:
    """The nearest accum, ties to even, as the host rounds parameters."""
    return jnp.round(jnp.asarray(x) * ONE).astype(jnp.int32)


def words(value: Any) -> UInt32[Array, "..."]:
    """Words of 32 bits. **Raises:** ValueError for concrete numbers that are not whole, or outside 0 to 2^32 - 1."""
    if not is_concrete(value):
        return jnp.asarray(value).astype(jnp.uint32)
    given = np.asarray(value)
    whole = np.issubdtype(given.dtype, np.number) and not np.iscomplexobj(given) and np.all(np.rint(given) == given)
    if not whole or (given.size and not (given.min() >= 0 and given.max() < 2**32)):
        raise ValueError(f"Got {value!r} for words of 32 bits; expected whole numbers from 0 to {2**32 - 1}.")
    return on_device(given.astype(np.uint32))


def word_field(default: Any = dataclasses.MISSING) -> Any:
    """A register of 32 bits without a sign."""
    return param(default, unit="1", convert=words, kw_only=True)
