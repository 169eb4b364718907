"""The points of a labelled result as rows of numbers, with a name for every column."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray

_OWN = ("status", "failure")


def dataset_of(ds: Any) -> xarray.Dataset:
    """The dataset of a sweep, or of one node of a tree of them.

    **Raises:** ValueError where it is something else.
    """
    import xarray

    found = ds.to_dataset() if isinstance(ds, xarray.DataTree) else ds
    if not isinstance(found, xarray.Dataset) or "status" not in found:
        what = f"{type(ds).__name__} without status" if hasattr(ds, "data_vars") else type(ds).__name__
        raise ValueError(f"Got a {what}, expected the dataset of a sweep, or one node of a tree of them.")
    return found


def along(array: xarray.DataArray, ds: xarray.Dataset) -> np.ndarray:
    """A row a point, whatever the order of dimensions is: `(points, ...)`."""
    dims = ds.status.dims
    whole = array.broadcast_like(ds.status).transpose(*dims, ...)
    return np.asarray(whole).reshape(ds.status.size, *whole.shape[len(dims) :])


def elements(ds: xarray.Dataset, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """Every element of every output, or of those that are named: `{"rate_hz": ..., "power[band_hz=30]": ...}`.

    **Raises:** ValueError for a name that there is not, and for what is no real number.
    """
    known = sorted(str(name) for name in ds.data_vars if name not in _OWN)  # zarr forgets their order
    asked = known if names is None else [names] if isinstance(names, str) else [*names]
    if unknown := [name for name in asked if name not in known]:
        raise ValueError(f"Got the output {unknown[0]!r}, expected some of {', '.join(known)}.")
    if not asked:
        raise ValueError(f"Got no outputs, expected some of {', '.join(known)}.")
    found: dict[str, np.ndarray] = {}
    for name in asked:
        array = ds[name]
        if array.dtype.kind not in "biuf":
            raise ValueError(f"The output {name!r} is {array.dtype}, expected real numbers; give parts or a magnitude.")
        rows = along(array, ds)
        marks = [_marks(ds, dim) for dim in array.dims if dim not in ds.status.dims]
        for place, words in zip(np.ndindex(rows.shape[1:]), itertools.product(*marks), strict=True):
            found[f"{name}[{','.join(words)}]" if words else name] = rows[(slice(None), *place)]
    return found


def _marks(ds: xarray.Dataset, dim: Any) -> list[str]:
    """What the places along a dimension are called: by the coordinate, if there is one, or by number."""
    if dim not in ds.coords:
        return [str(i) for i in range(ds.sizes[dim])]
    return [f"{dim}={mark:g}" if isinstance(mark, int | float) else f"{dim}={mark}" for mark in ds[dim].values.tolist()]
