"""Binomial and Poisson counts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Bool, Float, Int32, UInt32

from .._types import as_number, canonical_float, check, is_concrete, on_device
from .._xla.named import named
from .generator import words
from .thresholds import ALWAYS, Thresholds, offsets, reach_of, thresholds_of, thresholds_on_host


def binomial(word: UInt32[Array, "..."], n: int, p: Float[Array, ""], most: float) -> Int32[Array, "..."]:
    """Numbers of successes in `n` trials of probability `p <= most` (`n`, `most` static), one for every word."""
    return BinomialTables.of([n], p[None], [most]).count(0, word)


class BinomialTables(eqx.Module):
    """Tables of several binomial laws, made side by side."""

    n: Int32[Array, " laws"]
    p: Float[Array, " laws"]
    thresholds: Thresholds

    @classmethod
    def of(cls, n: Sequence[int], p: Float[Array, " laws"], most: Sequence[float]) -> BinomialTables:
        """Of `n` trials of probability `p <= most` each; `n` and `most` are static."""
        trials = on_device(np.array(n, p.dtype))
        rare = jnp.minimum(p, 1 - p)
        odds, against = rare / (1 - rare), (1 - rare) / rare  # not 1 / odds, which a compiler would rewrite
        mode = jnp.minimum(jnp.floor((trials + 1) * rare), trials)
        offset = offsets(max((k + 1) * min(q, 0.5) for k, q in zip(n, most, strict=True)), mode)
        ahead, behind, trials = mode[None] + offset, mode[None] - offset, trials[None]
        up = jnp.maximum(trials - ahead, 0.0) / (ahead + 1.0) * odds[None]
        down = jnp.where(behind > 0, behind / (trials + 1.0 - behind) * against[None], 0.0)
        return cls(on_device(np.array(n, np.int32)), p, thresholds_of(mode, up, down))

    def count(self, which: ArrayLike, word: UInt32[Array, "..."]) -> Int32[Array, "..."]:
        """Numbers of successes of one law, one for every word."""
        table = Thresholds(self.thresholds.first[which], self.thresholds.survival[:, which], None)
        count = table.count(word)
        return jnp.where(self.p[which] > 0.5, self.n[which] - count, count)


def binomial_on_host(word: np.ndarray, n: int, p: float, most: float) -> np.ndarray:
    """`binomial` of NumPy words, by NumPy alone."""
    dtype = canonical_float().type
    p = dtype(p)
    rare = min(p, dtype(1) - p)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        odds, against = rare / (dtype(1) - rare), (dtype(1) - rare) / rare
        mode = min(np.floor(dtype(n + 1) * rare), dtype(n))
        offset = np.arange(reach_of((n + 1) * min(most, 0.5)), dtype=dtype)
        ahead, behind = mode + offset, mode - offset
        up = np.maximum(dtype(n) - ahead, dtype(0)) / (ahead + dtype(1)) * odds
        down = np.where(behind > 0, behind / (dtype(n + 1) - behind) * against, dtype(0))
        first, survival = thresholds_on_host(np.asarray(mode), up, down)
    number = np.minimum(word.view(np.int32), ALWAYS - 1)
    below = survival.size - np.searchsorted(survival[::-1], number, side="right")  # survival falls
    count = first + below.astype(np.int32)
    return (np.int32(n) - count if p > 0.5 else count).astype(np.int32)


@named("single_rounded.poisson_ratios")
def _ratios(lam: Array, mode: Array, offset: Array) -> tuple[Array, Array]:
    """Of successive probabilities, above the mode and below it."""
    ahead, behind = mode[None] + offset, mode[None] - offset  # whole numbers, exact
    return lam[None] / (ahead + 1.0), jnp.where(behind > 0, behind * (1.0 / lam[None]), 0.0)


_MOST = 80.0  # mean per step that a table covers when its own mean is traced


class PoissonTable(eqx.Module):
    """Poisson counts with mean `lam` per step, made once and used in every step: exact up to probabilities of 2^-32.

    **Arguments:** `lam`: shape () or (n,). `most`: static, the largest mean covered; by default 80, or the largest
    `lam` where that is known. A known `lam` gives a table just large enough. `valid`: whether `lam` was in [0, most].
    """

    thresholds: Thresholds
    valid: Bool[Array, ""]

    def __init__(self, lam: ArrayLike, most: float | None = None):
        with jax.ensure_compile_time_eval():
            lam = as_number(lam)
            check((lam >= 0) & (lam < jnp.inf), f"Got a mean of {lam} events a step; expected finite numbers >= 0.")
            if most is None:
                most = max(_MOST, math.ceil(float(jnp.max(lam)))) if is_concrete(lam) else _MOST
            check(lam <= most, f"Got a mean of {lam} events a step, more than most={most}; give a larger `most`.")
            self.valid = jnp.all((lam >= 0) & (lam <= most))
            lam = jnp.nan_to_num(jnp.clip(lam, 0.0, most))
            mode = jnp.floor(lam)
            thresholds = thresholds_of(mode, *_ratios(lam, mode, offsets(most, mode)))
            self.thresholds = thresholds.trimmed() if is_concrete(lam) else thresholds


def poisson(table: PoissonTable, stream: Array, step: ArrayLike, ids: ArrayLike) -> Int32[Array, "..."]:
    """Poisson counts for every id in this step, from the first of its two words."""
    return table.thresholds(words(stream, step, ids)[0])


def poisson_of_several(
    table: PoissonTable, streams: list[Array], step: ArrayLike, ids: list[Array]
) -> list[Int32[Array, "..."]]:
    """`poisson` for several streams. A GPU draws all of them in one kernel."""
    one_by_one = lambda *given: [
        poisson(table, stream, step, own) for stream, own in zip(given[::2], given[1::2], strict=True)
    ]
    if len(ids) == 1 or table.thresholds.first.shape or any(own.ndim != 1 for own in ids):
        return one_by_one(*itertools.chain(*zip(streams, ids, strict=True)))

    def together(*given: Array) -> list[Array]:
        streams, ids = given[::2], given[1::2]
        of = lambda half: jnp.concatenate([jnp.broadcast_to(x[half], own.shape) for x, own in zip(streams, ids)])
        counts = poisson(table, jnp.stack([of(0), of(1)]), step, jnp.concatenate(ids))
        return jnp.split(counts, np.cumsum([len(own) for own in ids])[:-1])

    given = itertools.chain(*zip(streams, ids, strict=True))
    return lax.platform_dependent(*given, cuda=together, default=one_by_one)
