"""What of a sweep a page shows: its axes, a column a result with one number a point, and what went wrong."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .design import Parameter, dims, in_order, parameters
from .scales import log_colours
from .series import Series, reduced
from .troubles import OWN, Trouble, troubles

if TYPE_CHECKING:
    import xarray

MOST = 2_000_000  # points on one page


class Variable(NamedTuple):
    """A number for every point, in the order of the grid, its last axis fastest; NaN where there is none."""

    name: str
    unit: str
    values: np.ndarray
    log: bool
    note: str = ""  # of how many numbers it is the mean


class View(NamedTuple):
    """A sweep as a page shows it."""

    dims: dict[str, int]
    parameters: list[Parameter]
    variables: list[Variable]
    series: list[Series]
    kept: list[str]  # results of which the page has the mean only, each with its size
    troubles: list[Trouble]
    pending: np.ndarray  # points that have not run yet

    @property
    def size(self) -> int:
        """How many points."""
        return math.prod(self.dims.values())

    @property
    def lost(self) -> np.ndarray:
        """Which points have no result."""
        found = self.pending.copy()
        for trouble in self.troubles:
            found[trouble.points] |= trouble.lost
        return found


def view(dataset: xarray.Dataset, repeats: tuple[str, ...] = ()) -> View:
    """A sweep's result, arranged for looking at. `repeats`: axes beside the seeds that one result is made of.

    A result with dimensions of its own is shown by its mean over them, and as a curve where there is one of them.

    **Raises:** ValueError where there is nothing to show, or more than a browser holds.
    """
    sizes = dims(dataset)
    size = math.prod(sizes.values())
    if not 0 < size <= MOST:
        raise ValueError(f"Got {size} points, expected 1 to {MOST} on one page; show a part: ds.isel(...).")
    trouble, pending = troubles(dataset, sizes)
    found = View(sizes, parameters(dataset, sizes, repeats), [], [], [], trouble, pending)
    lost = found.lost
    for name, array in dataset.data_vars.items():
        if name not in OWN and array.dtype.kind in "biufc":
            _add(found, str(name), array, lost)
    if not found.variables:
        raise ValueError(f"Got a dataset with {[*dataset.data_vars]}, expected at least one result that is a number.")
    return found


def _add(found: View, name: str, array: xarray.DataArray, lost: np.ndarray) -> None:
    unit = str(array.attrs.get("units", ""))
    if array.dtype.kind == "c":
        array, name = abs(array), f"|{name}|"
    array = array.squeeze([dim for dim in array.dims if dim not in found.dims and array.sizes[dim] == 1], drop=True)
    rest = [dim for dim in array.dims if dim not in found.dims]
    if not rest:
        values, note = _numbers(in_order(array, found.dims), lost), ""
    else:
        mean, series = reduced(array, found.dims, name, unit)
        shape = " × ".join(str(array.sizes[dim]) for dim in rest)
        values, note = _numbers(mean, lost), f"mean of {shape} values"
        if series is None:
            found.kept.append(f"{name} ({shape} values a point)")
        else:
            series.values[lost] = np.nan
            found.series.append(series)
    found.variables.append(Variable(name, unit, values, log_colours(values), note))


def _numbers(values: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """With NaN where a point has no result."""
    if values.dtype.kind != "f" and not lost.any():
        return values
    return np.where(lost, np.nan, values.astype(values.dtype if values.dtype.kind == "f" else np.float64))
