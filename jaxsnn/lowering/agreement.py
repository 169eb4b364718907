"""How well two recordings of the same cells agree, spike by spike."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .. import _sums
from .._types import canonical_float


class Agreement(NamedTuple):
    """`rates`: spikes per cell and step of both runs. `coincidence`: the share that coincides. `first`: the first step
    that differs, -1 for none.
    """

    rates: tuple[Float[Array, ""], Float[Array, ""]]
    coincidence: Float[Array | np.ndarray, ""]
    first: Int[Array | np.ndarray, "..."]


def spike_agreement(a: Any, b: Any, *, within: int = 1) -> Agreement:
    """Compare spikes of a program with those of its model, or of any two runs.

    **Arguments:** `a`, `b`: rasters of shape `(..., steps, n)`, booleans or numbers, aligned in time (drop the first
    `program.lags[name]` steps of a program's). `within`: the largest distance of coinciding spikes, steps, static.

    **Returns:** `Agreement`: `rates`, spikes per cell and step; `coincidence`, the harmonic mean of the two shares of
    spikes that have a spike of the other run in the same cell within `within` steps, 1 if neither run has spikes;
    `first`, of shape `(...)`, the first step in which any cell differs, or -1.
    """
    if isinstance(within, bool) or not isinstance(within, (int, np.integer)) or within < 0:
        raise ValueError(f"Got within = {within!r}, expected a whole number of steps, 0 or more.")
    xp = np if isinstance(a, np.ndarray) and isinstance(b, np.ndarray) else jnp  # on the host nothing is compiled
    a, b = xp.asarray(a).astype(bool), xp.asarray(b).astype(bool)
    if a.shape != b.shape or a.ndim < 2:
        raise ValueError(f"Got rasters of shapes {a.shape} and {b.shape}, expected twice the same (..., steps, n).")
    # integer sums over cells, then compensated sums: a plain float32 sum of ones stops growing at 2^24
    share = lambda part: _sums.over(xp.sum(part, axis=-1, dtype=np.int32).reshape(-1).astype(canonical_float()))
    total = share(a) + share(b)
    recall, precision = (share(x & _near(y, within, xp)) / xp.maximum(share(x), 1.0) for x, y in ((a, b), (b, a)))
    mean = 2.0 * recall * precision / xp.maximum(recall + precision, 1e-12)
    differs = xp.any(a != b, axis=-1)
    first = xp.where(xp.any(differs, axis=-1), xp.argmax(differs, axis=-1), -1)
    return Agreement((share(a) / a.size, share(b) / b.size), xp.where(total > 0, mean, 1.0), first)


def _near(x: Any, within: int, xp: Any) -> Any:
    """Whether a cell fires within so many steps."""
    steps, none = x.shape[-2], xp.zeros((*x.shape[:-2], within, x.shape[-1]), bool)
    padded = xp.concatenate([none, x, none], axis=-2)
    return xp.any(xp.stack([padded[..., k : k + steps, :] for k in range(2 * within + 1)]), axis=0)
