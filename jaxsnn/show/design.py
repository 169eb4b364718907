"""The design of a sweep as its result has it: the dimensions, and what varies along each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .scales import log_axis

if TYPE_CHECKING:
    import xarray

Dims = dict[str, int]


class Parameter(NamedTuple):
    """What varies along a dimension of the design: one where it is an axis of a grid, several where it lists points."""

    name: str
    unit: str
    dim: str
    values: np.ndarray  # numbers or text, one for each place along `dim`
    form: str  # how the command line takes a value: "float", "int", "bool" or "text"
    log: bool
    repeats: bool  # seeds: not looked at one by one


def dims(dataset: xarray.Dataset) -> Dims:
    """Those of `status`, or without one those that all variables have in common, with their sizes.

    **Raises:** ValueError for a dataset without variables.
    """
    if not dataset.data_vars:
        raise ValueError("Got a dataset without variables, expected the result of a sweep.")
    if "status" in dataset:
        names = dataset["status"].dims
    else:
        first = next(iter(dataset.data_vars.values()))
        names = [dim for dim in first.dims if all(dim in array.dims for array in dataset.data_vars.values())]
    return {str(dim): dataset.sizes[dim] for dim in names}


def parameters(dataset: xarray.Dataset, dims: Dims, repeats: tuple[str, ...] = ()) -> list[Parameter]:
    """What varies, in the order of the dimensions. `repeats`: names of those that are repeated, beside the seeds."""
    found = []
    for dim, size in dims.items():
        along = {str(name): array for name, array in dataset.coords.items() if array.dims == (dim,)}
        if len(along) > 1:
            along.pop(dim, None)  # points are listed, and this only counts them
        for name, array in along.items():
            repeated = name in repeats or array.attrs.get("kind", "Seeds" if name == "seed" else "") == "Seeds"
            found.append(_parameter(name, dim, array.values, array.attrs, repeated and len(along) == 1))
        if not along:
            found.append(_parameter(dim, dim, np.arange(size), {}, dim in repeats))
    return found


def in_order(array: xarray.DataArray, dims: Dims) -> np.ndarray:
    """The values of an array over the design: a row a point, repeated along the dimensions that it does not have."""
    own = [dim for dim in dims if dim in array.dims]
    return spread(array.transpose(*own, ...).values, own, dims)


def spread(values: np.ndarray, own: list[str], dims: Dims) -> np.ndarray:
    """Values whose first dimensions are `own`, as a row a point of the whole design."""
    inner = values.shape[len(own) :]
    sizes = dict(zip(own, values.shape))
    whole = np.broadcast_to(values.reshape((*(sizes.get(dim, 1) for dim in dims), *inner)), (*dims.values(), *inner))
    return whole.reshape(-1, *inner)


def _parameter(name: str, dim: str, values: np.ndarray, attrs: dict, repeats: bool) -> Parameter:
    form = {"f": "float", "i": "int", "u": "int", "b": "bool"}.get(values.dtype.kind, "text")
    number = form in ("float", "int")
    log = number and (bool(attrs["log"]) if "log" in attrs else log_axis(values))
    if form == "bool":
        values = np.where(values, "true", "false")
    return Parameter(
        name, str(attrs.get("units", "")), dim, values if number else values.astype(str), form, log, repeats
    )
