"""The labelled result of a sweep, from what is finished at any instant."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from .._status import Status, explain
from .form import Form, Result
from .grid import Grid
from .labels import label
from .space import Axis
from .store import Memory, Shard, Store
from .view import View, kind_of

if TYPE_CHECKING:
    import xarray

NOT_RUN = np.uint32(Status.NOT_RUN)


def view_of(grid: Grid, ids: np.ndarray, form: Form, attributes: dict[str, Any]) -> View:
    """What the result of a sweep looks like: dimensions, coordinates, units, the form of results."""
    units = {name: axis.unit for name, axis in grid.space.items() if axis.unit}
    coordinates: dict[str, tuple[tuple[str, ...], np.ndarray, dict[str, Any]]] = {}
    every = {dim: (dim, values) for dim, values in grid.dims.items()} | grid.labels
    for name, (dim, values) in every.items():
        about: dict[str, Any] = {"units": units[name]} if name in units else {}
        if name in grid.space:
            about["kind"] = kind_of(grid.space[name])
            if isinstance(axis := grid.space[name], Axis) and axis.log:
                about["log"] = 1
            if prior := grid.prior(name):
                about["prior"] = prior
        coordinates[name] = ((dim,), np.asarray(values), about)
    for result in form.values():
        for dim, (values, unit) in result.coordinates.items():
            coordinates[dim] = ((dim,), np.asarray(values), {"units": unit} if unit else {})
    fixed = {name: axis for name, axis in grid.space.items() if name not in every}
    known = {name: label(axis.default) for name, axis in fixed.items()}
    if fixed_units := {name: units[name] for name in fixed if name in units}:
        known["units"] = json.dumps(fixed_units, ensure_ascii=False)
    return View(tuple(grid.dims), grid.shape, coordinates, form, known | attributes, ids)


def dataset(view: View, store: Memory | Store, why: str = "") -> xarray.Dataset:
    """Everything that is finished, in memory. `why`: what is said of points that have no result and no reason.

    **Raises:** Damaged, where a shard turns out to be; its points are then not finished.
    """
    import xarray

    values, status = rows_of(view, store, slice(0, view.size))
    variables = {}
    for name, result in view.form.items():
        if name != "status":
            about: dict[str, Any] = {"units": result.unit} if result.unit else {}
            variables[name] = ((*view.dims, *result.dims), values[name].reshape((*view.shape, *result.shape)), about)
    variables["status"] = (view.dims, status.reshape(view.shape))
    if (failure := failures(view, store, status, why)) is not None:
        variables["failure"] = (view.dims, failure.reshape(view.shape))
    found = xarray.Dataset(variables, view.coordinates, view.attributes)
    found.attrs |= summary_of(
        view, status, {name: int(np.count_nonzero(_nan(x, status))) for name, x in values.items()}
    )
    return found


def rows_of(view: View, store: Memory | Store, rows: slice) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Some points, in their order: values by name (NaN, or 0, where there are none), and status."""
    ids = view.ids[rows]
    found = store.index.find(ids)
    status = np.where(found.shard < 0, NOT_RUN, found.status).astype(np.uint32)
    values = {name: _empty(len(ids), result) for name, result in view.form.items() if name != "status"}
    order = np.argsort(found.shard, kind="stable")
    numbers, begin = np.unique(found.shard[order], return_index=True)
    for number, some in zip(numbers.tolist(), np.split(order, begin[1:]), strict=True):
        if number >= 0:
            _fill(values, store.shard(number), some, found.row[some])
    return values, status


def failures(view: View, store: Memory | Store, status: np.ndarray, why: str = "") -> np.ndarray | None:
    """Why points have no result, by row; None where all have one, or have only not been reached."""
    missing = np.flatnonzero(status & NOT_RUN)
    told = [text or why for text in store.index.why(view.ids[missing])]
    if not any(told):
        return None
    found = np.full(view.size, "", object)
    found[missing] = told
    return found.astype(str)


def _fill(values: dict[str, np.ndarray], shard: Shard, at: np.ndarray, row: np.ndarray) -> None:
    for name, there in values.items():
        if name in shard.values:
            found = shard.values[name][row]
            if found.shape[1:] == there.shape[1:]:
                there[at] = found
            else:  # of a `Static` value with fewer
                there[(at, *(slice(0, n) for n in found.shape[1:]))] = found


def _empty(n: int, result: Result) -> np.ndarray:
    return np.full((n, *result.shape), np.nan if result.dtype.kind in "fc" else 0, result.dtype)


def _nan(x: np.ndarray, status: np.ndarray) -> np.ndarray:
    """At which points a result that is there has a NaN."""
    if x.dtype.kind not in "fc":
        return np.zeros(len(x), bool)
    return np.isnan(x).reshape(len(x), -1).any(axis=1) & (status & NOT_RUN == 0)


def summary_of(view: View, status: np.ndarray, nan: dict[str, int]) -> dict[str, Any]:
    """What the attributes of a result say of all its points."""
    missing = status & NOT_RUN != 0
    said: dict[str, Any] = {"points": view.size}
    if missing.any():
        said["finished"] = int(view.size - np.count_nonzero(missing))
    if problems := explain(int(np.bitwise_or.reduce(status))):
        said["problems"] = problems
    if counts := {name: n for name, n in nan.items() if n}:
        said["nan"] = json.dumps(counts)
    return said
