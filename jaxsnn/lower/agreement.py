"""How well two recordings of the same cells agree, spike by spike."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .._types import canonical_float


class Agreement(NamedTuple):
    """Spikes a cell and step of both; how many coincide; the first step that differs, -1 where none does."""

    rates: tuple[Float[Array, ""], Float[Array, ""]]
    coincidence: Float[Array, ""]
    first: Int[Array, "..."]


def spike_agreement(a: Any, b: Any) -> Agreement:
    """Compare spikes of a program with those of its model, or of any two runs.

    **Arguments:** `a`, `b`: rasters of shape `(..., steps, n)`, booleans or numbers; run and model in step with each
    other (take `program.late` steps off the front of the program's).

    **Returns:** `Agreement`: `rates`, spikes a cell and step; `coincidence`, over all runs the harmonic mean of the
    shares of either's spikes that have one of the other in the same cell within a step, 1 where neither fires; `first`,
    of shape `(...)`, the first step in which any cell differs, or -1.
    """
    xp = np if isinstance(a, np.ndarray) and isinstance(b, np.ndarray) else jnp  # on the host nothing is compiled
    a, b = xp.asarray(a).astype(bool), xp.asarray(b).astype(bool)
    if a.shape != b.shape or a.ndim < 2:
        raise ValueError(f"Got rasters of shapes {a.shape} and {b.shape}, expected twice the same (..., steps, n).")
    share = lambda part: xp.sum(part, dtype=canonical_float())
    total = share(a) + share(b)
    recall, precision = (share(x & _near(y, xp)) / xp.maximum(share(x), 1.0) for x, y in ((a, b), (b, a)))
    mean = 2.0 * recall * precision / xp.maximum(recall + precision, 1e-12)
    differs = xp.any(a != b, axis=-1)
    first = xp.where(xp.any(differs, axis=-1), xp.argmax(differs, axis=-1), -1)
    return Agreement((share(a) / a.size, share(b) / b.size), xp.where(total > 0, mean, 1.0), first)


def _near(x: Any, xp: Any) -> Any:
    """Where a cell fires within a step."""
    none = xp.zeros_like(x[..., :1, :])
    before, after = (xp.concatenate(parts, axis=-2) for parts in ((none, x[..., :-1, :]), (x[..., 1:, :], none)))
    return x | before | after
