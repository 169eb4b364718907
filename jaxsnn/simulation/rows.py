"""When the rows of a run's records were taken."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .._types import canonical_float, is_concrete


class RowTimes(NamedTuple):
    """What a run knows of its records' times besides where it ended; hashable, for a static field."""

    steps: int
    dt: float  # ms
    structure: Any  # of the record
    spacing: tuple[int | None, ...]  # steps from row to row, by probe

    def times(self, names: tuple[Any, ...], found: Any, end: Any) -> Any:
        """Times of the rows of the record at `names`, ms: row `j` at `(first + (j + 1) spacing) dt`.

        **Arguments:** `found`: that record. `end`: the step after the run, of shape `()` or of a batch of runs.
        """
        at = jax.tree.unflatten(self.structure, [_Spacing(spacing) for spacing in self.spacing])
        for name in names:
            at = at[name]
        said = "".join(f"[{name!r}]" for name in names)
        if not isinstance(at, _Spacing):
            raise ValueError(f"run{said} holds several records: name one of them, run.times({_listed(names)}...).")
        if at.steps is None:
            raise ValueError(f"run{said} is {type(found).__name__} without an axis of time: it has no times.")
        row = np.arange(1, self.steps // at.steps + 1, dtype=np.int64) * at.steps
        if not is_concrete(end):
            return (jnp.expand_dims(end - self.steps, -1) + row).astype(canonical_float()) * self.dt
        first = np.asarray(end, np.int64) - self.steps
        return (first[..., None] + row) * self.dt


class _Spacing:
    """A leaf."""

    def __init__(self, steps: int | None):
        self.steps = steps


def _listed(names: tuple[Any, ...]) -> str:
    return "".join(f"{name!r}, " for name in names)
