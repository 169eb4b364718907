"""What a sweep has found so far, and the labelled result."""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from .._status import Status, explain
from .grid import Grid
from .labels import label, labels
from .plan import Points
from .space import Axis, Static

if TYPE_CHECKING:
    import xarray

Form = dict[str, jax.ShapeDtypeStruct]


def nbytes(grid: Grid, form: Form) -> int:
    """What the result of a sweep takes, bytes."""
    return grid.size * (4 + sum(int(np.prod(x.shape, dtype=object)) * x.dtype.itemsize for x in form.values()))


def check_memory(grid: Grid, form: Form) -> None:
    """Whether the result of a sweep fits into the memory of this machine.

    **Raises:** ValueError with the largest of the results.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if nbytes(grid, form) > memory:
        sizes = {name: nbytes(grid, {name: x}) for name, x in form.items()}
        largest = max(sizes, key=lambda name: sizes[name])
        raise ValueError(
            f"The results of {grid.size} points take {nbytes(grid, form) / 2**30:.4g} GiB, {largest!r} alone "
            f"{sizes[largest] / 2**30:.4g}, and this machine has {memory / 2**30:.4g} GiB of memory; return less of "
            "each point, or sweep a part."
        )


class Results:
    """The results of all points, each where it stands in the grid; written by several threads, every point once."""

    def __init__(self, grid: Grid, form: Form):
        self.grid = grid
        self.found = {name: np.empty((grid.size, *x.shape), x.dtype) for name, x in form.items() if name != "status"}
        self.status = np.full(grid.size, Status.NOT_RUN, np.uint32)
        self.failures: dict[int, str] = {}
        self._lock, self._closed = threading.Lock(), False

    def put(self, call: Points, form: Form, out: list[np.ndarray], status: np.ndarray) -> None:
        """What one call returned; after `close`, nothing."""
        with self._lock:
            if self._closed:
                return
            for name, values in zip(form, out, strict=True):
                if name != "status":
                    self.found[name][call.where] = values[: len(call.where)]
            self.status[call.where] = status[: len(call.where)]

    def close(self) -> None:
        """Calls that still run come too late."""
        with self._lock:
            self._closed = True

    def fail(self, where: np.ndarray, why: str) -> None:
        """Points that have no result."""
        self.failures.update(dict.fromkeys(where.tolist(), why))

    @property
    def ran(self) -> np.ndarray:
        """Which points have a result."""
        return self.status & np.uint32(Status.NOT_RUN) == 0

    def dataset(self) -> xarray.Dataset:
        """Labelled, with one dimension an axis. Points without a result are NaN or 0, and `failure` says why."""
        import xarray

        grid, missing = self.grid, np.flatnonzero(~self.ran)
        found: dict[str, np.ndarray] = dict(self.found)
        for values in found.values():
            values[missing] = np.nan if values.dtype.kind in "fc" else 0
        found["status"] = self.status
        if len(missing):
            why = np.full(grid.size, "", object)
            why[missing] = [self.failures.get(i, "did not run") for i in missing.tolist()]
            found["failure"] = why.astype(str)
        variables = {}
        for name, values in found.items():
            extra = tuple(f"{name}_dim{i}" for i in range(values.ndim - 1))
            variables[name] = ((*grid.dims, *extra), values.reshape((*grid.shape, *values.shape[1:])))
        coords: dict[str, Any] = {name: _coordinate(grid, name, values) for name, values in grid.dims.items()}
        coords |= {name: (dim, _coordinate(grid, name, values)) for name, (dim, values) in grid.labels.items()}
        dataset = xarray.Dataset(variables, coords)
        units = {name: axis.unit for name, axis in grid.space.items() if axis.unit}
        for name, axis in grid.space.items():
            if name not in dataset.coords:
                dataset.attrs[name] = label(axis.points[0] if not isinstance(axis, Axis | Static) else axis.default)
            elif name in units:
                dataset.coords[name].attrs["units"] = units[name]
        fixed = {name: unit for name, unit in units.items() if name not in dataset.coords}
        if fixed:
            dataset.attrs["units"] = json.dumps(fixed, ensure_ascii=False)
        dataset.attrs["points"] = grid.size
        if len(missing):
            dataset.attrs["finished"] = grid.size - len(missing)
        if problems := self.problems():
            dataset.attrs["problems"] = problems
        return dataset

    def problems(self) -> list[str]:
        """One sentence for every status bit that is set anywhere."""
        return explain(np.bitwise_or.reduce(self.status))

    def failing(self, most: int = 5) -> str:
        """Where the status is not clean, with the values there."""
        where = np.flatnonzero(self.status).tolist()
        listed = []
        for i in where[:most]:
            values = ", ".join(f"{name}={label(value)}" for name, value in self.grid.values(i).items())
            listed.append(f"({values or 'the only one'}): {self.failures.get(i) or _names(int(self.status[i]))}")
        return "; ".join(listed) + (f"; and {len(where) - most} more" if len(where) > most else "")


def _coordinate(grid: Grid, name: str, values: Any) -> np.ndarray:
    return labels(values) if isinstance(grid.space.get(name), Static) else np.asarray(values)


def _names(bits: int) -> str:
    return str(Status(bits).name)
