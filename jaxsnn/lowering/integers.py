"""Exact integer arithmetic in int32: wrapping, saturating sums, shifts."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int


def wrap(x: Int[Array, "..."], bits: int) -> Int[Array, "..."]:
    """Two's complement of `bits` bits and a sign. Also right if int32 has wrapped before."""
    spare = 31 - bits
    return (x << spare) >> spare


def add(x: Int[Array, "..."], y: Int[Array, "..."]) -> tuple[Int[Array, "..."], Bool[Array, "..."]]:
    """`x + y`, saturated at `-(2^31 - 1)` and `2^31 - 1`, and where it was (-2^31 has no magnitude in 32 bits)."""
    total = x + y
    lost = (((x ^ total) & (y ^ total)) < 0) | (total == -(2**31))  # two numbers of one sign whose sum has the other
    end = jnp.where(x < 0, jnp.int32(-(2**31) + 1), jnp.int32(2**31 - 1))
    return jnp.where(lost, end, total), lost


def shift(x: Int[Array, "..."], by: Int[Array, ""]) -> Int[Array, "..."]:
    """`x 2^by`, rounded toward minus infinity where `by < 0`."""
    return (x << jnp.maximum(by, 0)) >> jnp.maximum(-by, 0)


def clear_low(x: Int[Array, "..."], bits: Int[Array, ""]) -> Int[Array, "..."]:
    """`x` with its `bits` lowest bits 0: rounded toward minus infinity to a multiple of `2^bits`."""
    return (x >> bits) << bits


def power_of_two(exponent: Int[Array, "..."], dtype: Any) -> Float[Array, "..."]:
    """`2^exponent`, exactly: XLA's `exp2` is off by up to 1e-6 on a CPU, also where the power is a whole one."""
    return jnp.ldexp(jnp.ones((), dtype), exponent)
