"""Laws of counts as thresholds of a word: tables that are the same bit for bit wherever they are built."""

import operator
from collections.abc import Callable
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int32, UInt32

from .._types import on_device
from .._xla.named import named

_NEGLIGIBLE = 2.0**-44  # weights this far below the mode's are taken as zero: the sums then do not depend on the window
_ROWS = (8, 16, 32)  # numbers of rows for which the comparison is compiled where the rows needed are not known
ALWAYS, NEVER = 2**31 - 1, -(2**31)


class Thresholds(eqx.Module):
    """Inverse distribution function of a law of counts: `count(word) = first + #{j: word < survival[j]}`.

    The word is read as a signed number (CPUs compare those faster), uniform in [-2^31, 2^31), and
    `survival[j] = 2^32 P(X > first + j) - 2^31`. Rows from `needed` on count never; None if every row matters.
    """

    first: Int32[Array, "*shape"]
    survival: Int32[Array, "rows *shape"]
    needed: Int32[Array, ""] | None

    def count(self, word: UInt32[Array, "..."]) -> Int32[Array, "..."]:
        """The counts, all rows at once: quick to compile, which is what one use (building a graph) wants."""
        number = jnp.minimum(lax.bitcast_convert_type(word, jnp.int32), ALWAYS - 1)
        shape = self.first.shape or (1,) * number.ndim
        survival = self.survival.reshape((self.survival.shape[0], *shape))
        return self.first + jnp.sum(number[None] < survival, axis=0, dtype=jnp.int32)

    def trimmed(self) -> "Thresholds":
        """The rows that matter and no others: for concrete thresholds."""
        rows = None if self.needed is None else int(self.needed)
        return Thresholds(self.first, self.survival[:rows], needed=None)

    def __call__(self, word: UInt32[Array, "..."]) -> Int32[Array, "..."]:
        """The same counts, quick to run, which is what a use in every step wants."""
        number = jnp.minimum(lax.bitcast_convert_type(word, jnp.int32), ALWAYS - 1)
        rows = self.survival.shape[0]
        compared = lambda count: _rows_above(number, self.survival, count)
        needed = self.needed
        if needed is None:
            return self.first + compared(rows)

        def quick(word: Array) -> Array:
            sizes = [size for size in _ROWS if size < rows]
            enough = sum(((needed > size).astype(jnp.int32) for size in sizes), jnp.int32(0))
            last = compared if rows <= _ROWS[-1] else lambda _: _blocks_above(number, self.survival, needed)
            return self.first + lax.switch(enough, [*(partial(compared, size) for size in sizes), partial(last, rows)])

        searched = lambda word: self.first + _in_two_levels(number, self.survival)
        # A branch that depends on data would make the host wait for an accelerator.
        return lax.platform_dependent(word, cpu=quick, cuda=searched, default=lambda word: self.count(word))


@partial(jax.jit, inline=True)
def _in_two_levels(number: Array, survival: Array) -> Array:
    """How many rows lie above each number: of every 16th row, and then of 16. A sum over rows is a kernel more."""
    if survival.ndim > 1:
        return jnp.sum(number[None] < survival, axis=0, dtype=jnp.int32)
    wide = 16
    survival = jnp.pad(survival, (0, -survival.shape[0] % wide), constant_values=NEVER)
    coarse = survival[wide - 1 :: wide]
    first = wide * _rows_above(number, coarse, coarse.shape[0])
    rows = (survival.at[first + i].get(mode="fill", fill_value=NEVER) for i in range(wide))
    return first + sum(((number < row).astype(jnp.int32) for row in rows), jnp.zeros(number.shape, jnp.int32))


@partial(jax.jit, static_argnums=2)
def _rows_above(number: Array, survival: Array, count: int) -> Array:
    """How many of the first `count` rows lie above each number; unrolled, so that it is one loop over the neurons."""
    within = ((number < survival[i]).astype(jnp.int32) for i in range(count))
    return sum(within, jnp.zeros(number.shape, jnp.int32))


def _blocks_above(number: Array, survival: Array, needed: Array) -> Array:
    """The same of the first `needed` rows, which are many: block by block, since each row takes XLA time to compile."""
    block = _ROWS[-1]
    more = [(0, -survival.shape[0] % block)] + [(0, 0)] * (survival.ndim - 1)
    survival = jnp.pad(survival, more, constant_values=NEVER)

    def add(i: Array, found: Array) -> Array:
        return found + _rows_above(number, lax.dynamic_slice_in_dim(survival, i * block, block), block)

    return lax.fori_loop(0, -(-needed // block), add, jnp.zeros(number.shape, jnp.int32))


@named("single_rounded.thresholds")
def thresholds_of(mode: Array, up: Array, down: Array) -> Thresholds:
    """Thresholds of a law with one mode, from ratios of successive probabilities, without exponentials or factorials.

    **Arguments:** `up[i] = P(mode+i+1) / P(mode+i)`, `down[i] = P(mode-i-1) / P(mode-i)`, shape (reach, *shape).

    Every operation is a single rounded one: a product here, a sum there, never both in one loop, which the compiler
    would fuse, and no division by what all elements share, which it may replace. So a table is the same bit for bit
    wherever it is built.
    """

    def along(step: Callable[[Array, Array], Array], start: float, *rows: Array) -> list[Array]:
        """What each of some arrays of one shape has become after each of its rows: one loop for all of them."""
        both = jnp.stack(rows, axis=1)
        begin = on_device(np.full(both.shape[1:], start, both.dtype))
        found = lax.scan(lambda s, row: (now := step(s, row), now), begin, both)[1]
        return [found[:, i] for i in range(len(rows))]

    below, above = along(operator.mul, 1.0, down, up)
    weights = jnp.concatenate([below[::-1], on_device(np.ones((1, *up.shape[1:]), up.dtype)), above])
    weights = jnp.where(weights < _NEGLIGIBLE, 0.0, weights)
    at_most, at_least = along(operator.add, 0.0, weights, weights[::-1])
    at_least = at_least[::-1]
    beyond = jnp.concatenate([at_least[1:], on_device(np.zeros((1, *at_least.shape[1:]), at_least.dtype))])
    scale = 1.0 / at_most[-1:]

    def integer(weight: Array) -> Array:  # only used below one half, where it fits
        return (jnp.minimum(weight * scale, 0.5) * 2.0**32).astype(jnp.uint32)

    # Each side from its own tail, so that neither suffers from 1 - (almost 1); ~x is 2^32 - 1 - x.
    survival = jnp.where(at_most < beyond, ~integer(at_most), integer(beyond)) ^ np.uint32(1 << 31)
    survival = lax.bitcast_convert_type(survival, jnp.int32)
    # Rows that count always, whoever asks, go into `first` once and for all.
    start = jnp.min(jnp.sum(survival == ALWAYS, axis=0, dtype=jnp.int32))
    padded = jnp.concatenate([survival, on_device(np.full(survival.shape, NEVER, np.int32))])
    survival = lax.dynamic_slice_in_dim(padded, start, survival.shape[0])
    return Thresholds(
        first=mode.astype(jnp.int32) - down.shape[0] + start,
        survival=survival,
        needed=jnp.max(jnp.sum(survival > NEVER, axis=0, dtype=jnp.int32)),
    )


def thresholds_on_host(mode: np.ndarray, up: np.ndarray, down: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`first` and `survival` of `thresholds_of` by NumPy: the same operations one by one, hence the same bits."""
    dtype = up.dtype.type

    def walk(ratios: np.ndarray) -> np.ndarray:
        return np.multiply.accumulate(ratios, axis=0)

    weights = np.concatenate([walk(down)[::-1], np.ones_like(up[:1]), walk(up)])
    weights = np.where(weights < dtype(_NEGLIGIBLE), dtype(0), weights)
    at_most, at_least = np.add.accumulate(weights, axis=0), np.add.accumulate(weights[::-1], axis=0)[::-1]
    beyond = np.concatenate([at_least[1:], np.zeros_like(at_least[:1])])
    scale = dtype(1) / at_most[-1:]
    integer = lambda weight: (np.minimum(weight * scale, dtype(0.5)) * dtype(2.0**32)).astype(np.uint32)
    survival = np.where(at_most < beyond, ~integer(at_most), integer(beyond)) ^ np.uint32(1 << 31)
    return mode.astype(np.int32) - np.int32(down.shape[0]), survival.view(np.int32)


def offsets(most: float, mode: Array) -> Float[Array, "reach ..."]:
    """0, 1, 2, ... until a Poisson law of mean `most` has become negligible beyond its mode, to go with `mode`."""
    reach = reach_of(most)
    return on_device(np.arange(reach, dtype=mode.dtype).reshape((reach,) + (1,) * mode.ndim))


def reach_of(most: float) -> int:
    """How far beyond its mode a Poisson law of mean `most` is not negligible."""
    weight, reach = 1.0, 1
    while weight >= _NEGLIGIBLE:  # the ratios of all laws with a mean up to `most` are at most these
        weight, reach = weight * most / (most + reach), reach + 1
    return reach
