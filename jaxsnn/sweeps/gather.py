"""The labelled result on disk, written a slab at a time, and opened at any time."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .dataset import dataset, failures, rows_of, summary_of
from .form import Result
from .plan import Plan
from .store import AbstractFolder, Damaged, LocalFolder, Store, folder_at
from .view import View, read_view

if TYPE_CHECKING:
    import xarray

NAME, _MARK = "result.zarr", "result.json"
_SLAB = 2**24  # bytes of results that are in memory at a time
_AGAIN = 9  # times that a store is read while others write to it
_SMALL = 2**30  # bytes of results that are returned in memory


def open_sweep(place: str | Path) -> xarray.Dataset:
    """The result of a sweep in a folder, at any time: also of one that runs, or that was killed.

    Points that are not finished have the status NOT_RUN, and NaN or 0 as results. A finished sweep is read from its
    `result.zarr` when its numbers are asked for.

    **Arguments:** `place`: the folder, or the URL that `sweep` was given as `out`.

    **Raises:** ValueError where there is no sweep.
    """
    import xarray

    folder = folder_at(place)
    alone = "points.npz" not in folder.names("") and folder.names(NAME)  # somebody copied the result, and nothing else
    if alone or _mark(folder) == _name_of(view := read_view(folder)):
        # how this store is packed is no property of the numbers, and would be refused by a file of another format
        return xarray.open_zarr(_path(folder), chunks=None).drop_encoding()
    for _ in range(_AGAIN):
        try:
            return dataset(view, Store(folder))
        except Damaged:  # a shard that is set aside now, or that has moved
            continue
    return dataset(view, Store(folder))


def gather(plan: Plan) -> xarray.Dataset:
    """Write the labelled result and open it. What the folder had before stays until the new one is complete."""
    assert isinstance(plan.store, Store)
    folder, view = plan.store.folder, plan.view
    if isinstance(folder, LocalFolder):
        beside = folder.path / f".{NAME}-{uuid.uuid4().hex[:8]}"
        try:
            write(view, plan.store, str(beside))
            for path in beside.rglob("*"):
                if path.is_file():
                    _flush(path)
            _put(beside, folder.path / NAME)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    else:
        folder.remove(_MARK)
        write(view, plan.store, _path(folder))
    folder.write(_MARK, json.dumps({"points": _name_of(view)}).encode())
    found = open_sweep(str(folder))
    return found.load() if view.nbytes < _SMALL else found


def write(view: View, store: Store, path: str) -> None:
    """`view` as zarr: coordinates at once, results slab by slab."""
    import xarray
    import zarr

    # of both formats, this one has text and a table of contents, so that nothing warns
    start = xarray.Dataset({}, view.coordinates, view.attributes)
    start.to_zarr(path, mode="w", zarr_format=2, consolidated=False)
    group = zarr.open_group(path, mode="r+", zarr_format=2)
    arrays = {n: _array(group, n, view, result) for n, result in view.form.items() if n != "status"}
    arrays["status"] = _array(group, "status", view, Result((), np.dtype(np.uint32), ()))
    status, nan = np.zeros(view.size, np.uint32), dict.fromkeys(arrays, 0)
    for rows, at in slabs(view):
        values, status[rows] = rows_of(view, store, rows)
        for name, x in (values | {"status": status[rows]}).items():
            shape = tuple(part.stop - part.start for part in at)
            arrays[name][at] = x.reshape((*shape, *x.shape[1:]))
            if x.dtype.kind in "fc":
                missing = np.isnan(x).reshape(len(x), -1).any(axis=1)
                nan[name] += int(np.count_nonzero(missing & (status[rows] < 2**31)))
    if (why := failures(view, store, status)) is not None:
        more = xarray.Dataset({"failure": (view.dims, why.reshape(view.shape))})
        more.to_zarr(path, mode="a", zarr_format=2, consolidated=False)
    group.attrs.update(summary_of(view, status, nan))
    zarr.consolidate_metadata(path, zarr_format=2)


def slabs(view: View) -> Iterator[tuple[slice, tuple[slice, ...]]]:
    """The points in blocks of rows that are also blocks of the grid, each small enough for memory."""
    most = max(1, _SLAB // max(1, view.nbytes // max(1, view.size)))
    axis, inner = _cut(view, most)
    for outer in itertools.product(*map(range, view.shape[:axis])):
        begin = sum(i * n for i, n in zip(outer, _strides(view.shape), strict=False))
        if axis == len(view.shape):
            yield slice(begin, begin + 1), tuple(slice(i, i + 1) for i in outer)
            continue
        step = max(1, most // inner)
        for i in range(0, view.shape[axis], step):
            end = min(i + step, view.shape[axis])
            at = (*(slice(j, j + 1) for j in outer), slice(i, end), *(slice(0, n) for n in view.shape[axis + 1 :]))
            yield slice(begin + i * inner, begin + end * inner), at


def _cut(view: View, most: int) -> tuple[int, int]:
    """The first dimension of which one place has few enough points, and how many these are."""
    inner = view.size
    for axis, n in enumerate(view.shape):
        inner //= n
        if inner <= most:
            return axis, inner
    return len(view.shape), 1


def _strides(shape: tuple[int, ...]) -> list[int]:
    return [int(np.prod(shape[i + 1 :], dtype=object)) for i in range(len(shape))]


def _array(group: Any, name: str, view: View, result: Result) -> Any:
    first = next(slabs(view))[1]
    chunks = (*(part.stop - part.start for part in first), *(max(1, n) for n in result.shape))
    about = {"_ARRAY_DIMENSIONS": [*view.dims, *result.dims]} | ({"units": result.unit} if result.unit else {})
    fill = {"f": np.nan, "c": np.nan}.get(result.dtype.kind, 0)
    return group.create_array(
        name,
        shape=(*view.shape, *result.shape),
        dtype=result.dtype,
        chunks=chunks,
        fill_value=fill if result.dtype.kind in "fc" else None,
        attributes=about,
    )


def _name_of(view: View) -> str:
    import hashlib

    return hashlib.blake2b(view.ids.tobytes() + repr(view.dims).encode(), digest_size=8).hexdigest()


def _mark(folder: AbstractFolder) -> str:
    try:
        return str(json.loads(folder.read(_MARK))["points"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _path(folder: AbstractFolder) -> str:
    return f"{folder}/{NAME}"


def _put(written: Path, place: Path) -> None:
    """A folder in place of another."""
    old = place.with_name(f".old-{uuid.uuid4().hex[:8]}")
    try:
        os.rename(place, old)
    except FileNotFoundError:
        pass
    os.rename(written, place)
    shutil.rmtree(old, ignore_errors=True)


def _flush(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())
