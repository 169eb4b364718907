"""Results with many numbers a point, reduced to what a page can carry: the mean, and a curve of a few hundred."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .design import Dims, spread

if TYPE_CHECKING:
    import xarray

SAMPLES = 240  # of a curve, at most
MOST = 6_000_000  # numbers of all curves of a result
BLOCK = 2**26  # bytes that are read at once: a result may be larger than the memory


class Series(NamedTuple):
    """A curve for every point, in the order of the grid: each number the mean of `every` neighbours."""

    name: str
    unit: str
    along: str  # what it goes along
    along_unit: str
    places: np.ndarray  # where on it, shape (samples,)
    every: int
    values: np.ndarray  # shape (points, samples)


def reduced(array: xarray.DataArray, dims: Dims, name: str, unit: str) -> tuple[np.ndarray, Series | None]:
    """The mean of every point over the dimensions that are not of the design, and its curve where there is one of them.

    NaN are left out of both. Read in blocks along the first dimension.
    """
    rest = [dim for dim in array.dims if dim not in dims]
    own = [dim for dim in dims if dim in array.dims]
    array = array.transpose(*own, *rest)
    inner = math.prod(array.sizes[dim] for dim in rest)
    points = math.prod(array.sizes[dim] for dim in own)
    every = max(1, math.ceil(inner / SAMPLES))
    starts = np.arange(0, inner, every)
    curve = len(rest) == 1 and inner > 1 and math.prod(dims.values()) * len(starts) <= MOST
    means, curves = [], []
    for block in _blocks(array, own, max(1, BLOCK * points // max(1, array.nbytes))):
        rows = block.reshape(-1, inner).astype(np.float64 if block.dtype.itemsize > 4 else np.float32)
        means.append(_mean(rows, np.array([0]))[:, 0])
        if curve:
            curves.append(_mean(rows, starts))
    shape = [array.sizes[dim] for dim in own]
    mean = spread(np.concatenate(means).reshape(shape), own, dims)
    if not curve:
        return mean, None
    rows = spread(np.concatenate(curves).reshape(*shape, -1), own, dims).copy()
    return mean, Series(name, unit, *_along(array, rest[0], starts), every, rows)


def _along(array: xarray.DataArray, dim: Any, starts: np.ndarray) -> tuple[str, str, np.ndarray]:
    """What a curve goes along, the unit, and the middle of each stretch; places where the dimension has no numbers."""
    size = array.sizes[dim]
    if dim not in array.coords or array[dim].dtype.kind not in "iuf":
        name = "place" if str(dim).startswith(f"{array.name}_dim") else f"place along {dim}"
        return name, "", _mean(np.arange(size, dtype=float)[None], starts)[0]
    return str(dim), str(array[dim].attrs.get("units", "")), _mean(array[dim].values.astype(float)[None], starts)[0]


def _blocks(array: xarray.DataArray, own: list[str], rows: int) -> Iterator[np.ndarray]:
    """Consecutive points, about `rows` of them at a time."""
    if not own:
        yield array.values[None]
        return
    first, others = own[0], math.prod(array.sizes[dim] for dim in own[1:])
    step = max(1, rows // max(1, others))
    for start in range(0, array.sizes[first], step):
        yield array.isel({first: slice(start, start + step)}).values


def _mean(rows: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The mean of every stretch of every row, NaN left out; NaN where nothing is left."""
    there = ~np.isnan(rows)
    total = np.add.reduceat(np.where(there, rows, 0), starts, axis=1, dtype=np.float64)
    count = np.add.reduceat(there, starts, axis=1, dtype=np.int64)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0).astype(rows.dtype)
