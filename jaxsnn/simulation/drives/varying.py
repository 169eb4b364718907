"""Poisson trains whose rate changes over time: counts drawn from the mean of the step, without a table."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int32, UInt32

from ... import _random
from ..._status import Status, bit
from ..._types import as_number
from ...models import Inputs
from .base import AbstractDrive
from .target import Target, fed
from .when import Rows, Window

MOST = 80.0  # largest mean per step: e^-80 is still a normal number of single precision
_ROWS = 8  # counts compared in one iteration of the loop


class OfTime(eqx.Module):
    """A Python function of the time in ms."""

    function: Callable[..., Any] = eqx.field(static=True)

    def __call__(self, t: Array) -> Any:
        return self.function(t)


class Varying(AbstractDrive):
    """The prepared drive. `means`: per step, over time; or `rate`, Hz, a function of the time in ms."""

    means: Rows | None
    rate: Any
    weight: Array
    window: Window
    bad: Bool[Array, ""]
    targets: tuple[Target, ...] = eqx.field(static=True)
    dt: float = eqx.field(static=True)
    most: float = eqx.field(static=True)

    @property
    def closed_loop(self):
        return False

    def step(self, d, t, signals, *, key):
        if self.means is not None:
            mean = self.means.at(t)
        else:
            assert self.rate is not None
            mean = as_number(self.rate(t.astype(self.weight.dtype) * self.dt)) * (self.dt * 1e-3)
            mean = jnp.where((mean >= 0) & (mean <= self.most), mean, jnp.nan)  # and so is what is fed
        weight, parts = jnp.where(self.window.holds(t), self.weight, 0.0), []
        for target in self.targets:
            target.fits("The rate at one time", mean)
            stream = _random.stream(key, f"{target.path}.poisson")
            word, _ = _random.words(stream, t, target.ids)
            count = counts(lax.stop_gradient(mean), word, self.most).astype(weight.dtype)
            parts.append((target, weight * jnp.where(jnp.isnan(mean), jnp.nan, count)))
        return d, Inputs(arrivals=fed(parts))

    def status(self):
        status = bit(Status.RATE_RANGE, self.bad) | self.window.status()
        return status if self.means is None else status | self.means.bad


def counts(mean: Float[Array, "..."], word: UInt32[Array, " n"], most: float) -> Int32[Array, " n"]:
    """Poisson counts of `mean`, `()` or `(n,)`, at most `most` (static, up to 80), from one random word each.

    The count is the number of `k` for which `word < 2^32 P(X > k)`. The first of these probabilities is
    `1 - e^-mean`; the next ones take away `P(X = k + 1)`, in whole numbers, and beyond twice the mean none is more than
    `P(X = k)`. Probabilities are right to 2e-6, that of a spike to 1e-6 of itself.

    Real numbers are only multiplied, so that a compiler has no product and sum to fuse: the same counts everywhere.
    """
    mean = jnp.clip(mean, 0.0, most)
    none = jnp.exp(-mean)
    above = _integer(-jnp.expm1(-mean))
    ends = _ends(most)

    def turn(i: Any, carry: Any) -> Any:
        count, above, now = carry
        for j in range(_ROWS):
            k = i * _ROWS + j
            count = count + (word < above).astype(jnp.int32)
            now = now * (mean * (1.0 / jnp.asarray(k + 1, mean.dtype)))
            taken = _integer(now)
            above = jnp.where(above > taken, above - taken, jnp.uint32(0))
            above = jnp.where(jnp.asarray(k + 2, mean.dtype) >= 2.0 * mean, jnp.minimum(above, taken), above)
        return count, above, now

    start = (jnp.zeros(word.shape, jnp.int32), above, none)

    def quick(start: Any) -> Any:
        turns = 1 + jnp.sum(jnp.max(mean) > jnp.asarray(ends[:-1], mean.dtype), dtype=jnp.int32)
        return lax.fori_loop(0, turns, turn, start)[0]

    def whole(start: Any) -> Any:  # a loop of unknown length would make the host wait for an accelerator
        for i in range(len(ends)):
            start = turn(i, start)
        return start[0]

    return lax.platform_dependent(start, cpu=quick, default=whole)


def _integer(p: Array) -> UInt32[Array, "..."]:
    """A probability in units of 2^-32."""
    return (jnp.minimum(p, 1.0 - 2.0**-24) * 2.0**32).astype(jnp.uint32)


@lru_cache
def _ends(most: float) -> tuple[float, ...]:
    """The largest mean for which 1, 2, ... iterations suffice, up to `most`: the probability left out is below 2^-32.

    By Chernoff's bound, `P(X >= K) <= e^-m (e m / K)^K`.
    """
    ends: list[float] = []
    while not ends or ends[-1] < most:
        K, low, high = _ROWS * (len(ends) + 1), 0.0, float(_ROWS * (len(ends) + 1))
        for _ in range(50):
            m = (low + high) / 2
            enough = -m + K * (1.0 + math.log(m / K)) < -32 * math.log(2)
            low, high = (m, high) if enough else (low, m)
        ends.append(low)
    return tuple(ends)
