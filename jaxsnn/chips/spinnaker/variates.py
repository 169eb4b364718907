"""Numbers that SpiNNaker's Poisson sources read or compute once: normal variates of 16 bits, square roots."""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Int

from .arithmetic import high

# --- the normal distribution ------------------------------------------------------------------------------------------

_ENDS = (  # of distances from the ends of 0 to 31, as accums
    229376, 136628, 131359, 128187, 125892, 124086, 122593, 121318, 120204, 119213, 118321, 117508, 116762, 116072,
    115430, 114830, 114265, 113733, 113229, 112751, 112295, 111860, 111444, 111045, 110662, 110294, 109939, 109596,
    109265, 108945, 108635, 108334,
)  # fmt: skip
_TAILS = (  # of a distance from the ends of 32 to 63, 64 to 127 .. 512 to 1023: what is added, powers 4 to 0
    (98304, 489693536, -966086639, 1048652819, -1202555181, 638185482),
    (98304, 510971994, -1008958387, 1097593202, -1269255408, 208850025),
    (65536, 535062308, -1057614622, 1153468280, -1347876992, 1901851228),
    (65536, 562587223, -1113360216, 1217886707, -1442344496, 1417447081),
    (65536, 594357355, -1177895230, 1292890733, -1558625637, 896662126),
)
_CENTRES = (  # of a distance from 1024 on, octave by octave: the least square, its factor; and as of tails
    (7200, 32, 16, 1364524482, 4157352, 893590920, 482307216, -56131990),
    (6272, 16, 14, 1594011413, 34197350, 980366094, 540913971, 14157698),
    (4608, 8, 13, 2059946197, 130876674, 1126841309, 628910107, -391651081),
    (2048, 6, 11, 669410721, 151375990, 657881394, 208981697, -111730420),
    (0, 6, 10, 135763632, 134215538, 347443147, -134393924, 14235314),
)


@cache
def normal_table() -> np.ndarray:
    """Normal variates, accums, of the upper 16 bits of a random number: that of the signed `k` is entry `k + 2^15`.

    Polynomials of 16 x 32 bits on octaves of the distance to the ends, which the program evaluates for each variate.
    """
    k = np.arange(2**15 + 1, dtype=np.int64)
    left, half = 2**15 - k, np.zeros(2**15 + 1, np.int64)
    half[left < 32] = np.array(_ENDS)[left[left < 32]]
    octave = np.frexp(left.astype(float))[1] - 1
    for j, (added, *powers) in enumerate(_TAILS):
        at = (octave == 5 + j) & (left >= 32)
        half[at] = added + ((_horner(powers, (left[at] - (32 << j)) << (10 - j)) + 2**14) >> 16)
    for j, (least, factor, added, *powers) in enumerate(_CENTRES):
        at = octave == 10 + j
        z = ((k[at] ** 2 >> 17) - least) * factor << 1
        half[at] = (((_horner(powers, z) + (z << 14)) >> 16) + (added << 13)) * k[at] >> 16
    return np.concatenate([-half[:0:-1], half[:-1]]).astype(np.int32)


def _horner(powers: list[int], x: np.ndarray) -> np.ndarray:
    """A polynomial in `x / 2^16`; every product floors."""
    found = np.full(x.shape, powers[0], np.int64)
    for a in powers[1:]:
        found = (found * x >> 16) + a
    return found


# --- the square root --------------------------------------------------------------------------------------------------


def square_root(a: Int[Array, "..."]) -> Int[Array, "..."]:
    """The root of an accum `a >= 0`: `floor(sqrt(2^15 a))`, and for some `a` whose root is an accum that less one.

    The program iterates; where the root is an accum it may end a part in 2^63 below it, and floors. Which these are is
    a table.
    """
    target = a.astype(jnp.uint32) >> 17, a.astype(jnp.uint32) << 15

    def digit(i: Array, root: Array) -> Array:
        more = root | (jnp.uint32(1) << (22 - i).astype(jnp.uint32))
        upper, lower = high(more, more), more * more
        fits = (upper < target[0]) | ((upper == target[0]) & (lower <= target[1]))
        return jnp.where(fits, more, root)

    root = lax.fori_loop(0, 23, digit, jnp.zeros(jnp.shape(a), jnp.uint32)).astype(jnp.int32)
    m = root >> 8  # 2^15 a is a square where a = 2 m^2
    exact = (root & 255 == 0) & (2 * m * m == a)
    return root - (exact & jnp.asarray(_below())[jnp.clip(m, 0, 2**15 - 1)]).astype(jnp.int32)


@cache
def _below() -> np.ndarray:
    """Of `2 m^2`, whether the program's root is less than `2^8 m`.

    Its method is Newton's for `1 / sqrt(x)` as `1 - r / 2`: three steps in which `r` is cut to 32 bits, and two more.
    """
    m = np.arange(1, 2**15, dtype=np.uint64)
    a = 2 * m * m
    zeros = 32 - np.frexp(a.astype(float))[1].astype(np.uint64)
    x = a << zeros  # 1 to 2, in units of 2^-31
    r = (x & _MASK >> 1) >> 1 << 32  # in units of 2^-64
    for _ in range(3):
        r = _short_step(x, r >> 32)
    for _ in range(2):
        r = _long_step(x, r)
    root = (x << 32) - (_times(r, x) >> 1) >> 8 + (zeros >> 1)
    root = np.where(zeros % 2 == 1, _times(root, _HALF_ROOT), root) >> 32
    below = np.concatenate([[False], root < m << 8])
    below[128] = False  # the root of 1 is 1, without a step
    return below


_MASK, _HALF_ROOT = np.uint64(2**32 - 1), np.uint64(3037000500)


def _times(x: np.ndarray, y: Any) -> np.ndarray:
    """`x y / 2^32` of words of 64 and 32 bits, to the nearest."""
    return (x >> 32) * y + ((x & _MASK) * y + 2**31 >> 32)


def _short_step(x: np.ndarray, r: np.ndarray) -> np.ndarray:
    """A step from `r` of 32 bits to one of 64."""
    near = (x << 32) - (x * r >> 1)
    error = near - _times(near, r >> 1) - 2**63
    return _corrected(error, r << 32, lambda size: _times(size, r >> 1))


def _long_step(x: np.ndarray, r: np.ndarray) -> np.ndarray:
    """A step from `r` of 64 bits."""
    near, half = (x << 32) - (_times(r, x) >> 1), r >> 1
    upper, lower = half >> 32, half & _MASK
    middle = (near >> 32) * lower + ((near & _MASK) * lower >> 31 & 1)
    rest = (near & _MASK) * upper + (middle & _MASK)
    error = near - ((near >> 32) * upper + (middle >> 32) + (rest + 2**31 >> 32)) - 2**63
    return _corrected(error, r, lambda size: _times(size, upper) + (_times(size, lower) >> 32))


def _corrected(error: np.ndarray, r: np.ndarray, share: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """`r + 2 (e - e r / 2)` of a signed error `e = x (1 - r / 2)^2 - 1`, whose sign is taken aside."""
    negative = error >> 63 == 1
    size = np.where(negative, 0 - error, error)
    size = size - share(size)
    return r + (np.where(negative, 0 - size, size) << 1)
