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
    spacing: tuple[int | None, ...] = ()  # steps from row to row, by probe
    units: tuple[str, ...] = ()  # by probe

    def times(self, names: tuple[Any, ...], found: Any, end: Any) -> Any:
        """Times of the rows of the record at `names`, ms: row `j` at `(first + (j + 1) spacing) dt`.

        **Arguments:** `found`: that record. `end`: the step after the run, of shape `()` or of a batch of runs.
        """
        at, said = self._probe(names, "times"), "".join(f"[{name!r}]" for name in names)
        if at.steps is None:
            raise ValueError(f"run{said} is {type(found).__name__} without an axis of time: it has no times.")
        row = np.arange(1, self.steps // at.steps + 1, dtype=np.int64) * at.steps
        if not is_concrete(end):
            return (jnp.expand_dims(end - self.steps, -1) + row).astype(canonical_float()) * self.dt
        first = np.asarray(end, np.int64) - self.steps
        return (first[..., None] + row) * self.dt

    def unit(self, names: tuple[Any, ...]) -> str:
        """The unit of the record at `names`."""
        return self._probe(names, "units").unit

    def _probe(self, names: tuple[Any, ...], asked: str) -> _Probe:
        at = jax.tree.unflatten(self.structure, [*map(_Probe, self.spacing, self.units)])
        for name in names:
            at = at[name]
        if not isinstance(at, _Probe):
            said = "".join(f"[{name!r}]" for name in names)
            raise ValueError(f"run{said} holds several records: name one of them, run.{asked}({_listed(names)}...).")
        return at


class _Probe:
    """A leaf."""

    def __init__(self, steps: int | None, unit: str):
        self.steps, self.unit = steps, unit


def _listed(names: tuple[Any, ...]) -> str:
    return "".join(f"{name!r}, " for name in names)
