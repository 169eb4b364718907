"""Reading and writing at places that are numbers: gathers, scatters, sorting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jax import lax

from .inexact import Inexact, normal

_Places = Callable[[Any], tuple[tuple[Any, ...], Any]]


def _places(
    shape: Any, size: Any, indices: Any, of_axis: Any, batch: Any, kept: Any, windows: Any, mode: Any
) -> _Places:
    """For indices: where in an array of `shape` every number of every window lies, axis by axis, and which lie inside.

    **Arguments:** `size`: of a window, axis by axis. `indices`: shape of the indices, whose last axis is a place.
    `of_axis`: which axis each number of a place is for. `batch`: pairs of an axis of the array and of the indices.
    `kept`: axes that windows have in the result, which are there at `windows`.
    """
    spread = len(indices) - 1
    rank = spread + len(windows)
    over = [axis for axis in range(rank) if axis not in windows]

    def within(values: Any, axes: Any) -> Any:
        wide = [1] * rank
        for axis, n in zip(axes, np.shape(values), strict=True):
            wide[axis] = n
        return np.reshape(values, wide)

    window_axes = dict(zip(kept, windows, strict=True))
    offsets = [within(np.arange(n), [window_axes[axis]]) if axis in window_axes else 0 for axis, n in enumerate(size)]
    paired = dict(batch)

    def of(index: Any) -> tuple[tuple[Any, ...], Any]:
        index = np.asarray(index).astype(np.int64)
        start: list[Any] = [0] * len(shape)
        inside: Any = True
        for number, axis in enumerate(of_axis):
            first, last = index[..., number], shape[axis] - size[axis]
            if mode == lax.GatherScatterMode.CLIP:
                first = np.clip(first, 0, last)
            within_axis = (first >= 0) & (first <= last)
            if mode == lax.GatherScatterMode.PROMISE_IN_BOUNDS and not np.all(within_axis):
                raise Inexact
            inside = inside & within(within_axis, over)
            start[axis] = within(np.clip(first, 0, max(last, 0)), over)
        for axis, other in paired.items():
            wide = [1] * spread
            wide[other] = indices[other]
            start[axis] = within(np.broadcast_to(np.arange(indices[other]).reshape(wide), indices[:-1]), over)
        return tuple(first + offset for first, offset in zip(start, offsets, strict=True)), inside

    return of


def _gather(eqn: Any) -> Callable[..., Any]:
    (array, indices), params = (v.aval for v in eqn.invars), eqn.params
    numbers, mode, out = params["dimension_numbers"], params["mode"], eqn.outvars[0].aval
    batch = [*zip(numbers.operand_batching_dims, numbers.start_indices_batching_dims, strict=True)]
    gone = {*numbers.collapsed_slice_dims, *numbers.operand_batching_dims}
    kept = [axis for axis in range(len(array.shape)) if axis not in gone]
    places = _places(
        array.shape,
        params["slice_sizes"],
        indices.shape,
        numbers.start_index_map,
        batch,
        kept,
        numbers.offset_dims,
        mode,
    )
    fill = params["fill_value"]
    if fill is None:
        dtype = np.dtype(array.dtype)
        fill = {"f": np.nan, "i": np.iinfo(dtype).min if dtype.kind == "i" else 0, "b": True}.get(dtype.kind)
        fill = np.iinfo(dtype).max if dtype.kind == "u" else fill

    def gathered(x: Any, index: Any) -> Any:
        where, inside = places(index)
        if np.all(inside):
            return np.broadcast_to(x[where], out.shape)
        if 0 in x.shape:
            return np.full(out.shape, fill, x.dtype)
        return np.broadcast_to(np.where(inside, x[where], np.asarray(fill, x.dtype)), out.shape)

    return gathered


def _scatter(combine: Any) -> Callable[[Any], Callable[..., Any]]:
    def rule(eqn: Any) -> Callable[..., Any]:
        (array, indices, updates), params = (v.aval for v in eqn.invars), eqn.params
        numbers, mode = params["dimension_numbers"], params["mode"]
        floats = np.dtype(array.dtype).kind == "f"
        if floats and combine is np.add and not params["unique_indices"]:  # sums in whatever order
            raise Inexact
        batch = [*zip(numbers.operand_batching_dims, numbers.scatter_indices_batching_dims, strict=True)]
        gone = {*numbers.inserted_window_dims, *numbers.operand_batching_dims}
        kept = [axis for axis in range(len(array.shape)) if axis not in gone]
        size = [1] * len(array.shape)
        for axis, window in zip(kept, numbers.update_window_dims, strict=True):
            size[axis] = updates.shape[window]
        places = _places(
            array.shape, size, indices.shape, numbers.scatter_dims_to_operand_dims, batch, kept,
            numbers.update_window_dims, mode,
        )  # fmt: skip

        def scattered(x: Any, index: Any, new: Any) -> Any:
            where, inside = places(index)
            out = np.array(x)
            where, new = np.broadcast_arrays(*where, np.empty(updates.shape))[:-1], np.asarray(new)
            if not np.all(inside):
                inside = np.broadcast_to(inside, updates.shape)
                where, new = tuple(axis[inside] for axis in where), new[inside]
            if combine is None:
                out[where] = new
            elif floats:
                out[where] = normal(combine(normal(out[where]), normal(new)))
            else:
                combine.at(out, where, new)
            return out

        return scattered

    return rule


def _sort(eqn: Any) -> Callable[..., Any]:
    axis, keys = eqn.params["dimension"], eqn.params["num_keys"]
    if any(np.dtype(v.aval.dtype).kind == "f" for v in eqn.invars[:keys]):
        raise Inexact

    def ordered(*xs: Any) -> Any:
        order = np.lexsort(xs[:keys][::-1], axis=axis)
        return [np.take_along_axis(x, order, axis) for x in xs]

    return ordered


RULES: dict[str, Callable[[Any], Callable[..., Any]]] = {
    "gather": _gather,
    "scatter": _scatter(None),
    **dict.fromkeys(("scatter-add", "scatter_add"), _scatter(np.add)),
    **dict.fromkeys(("scatter-max", "scatter_max"), _scatter(np.maximum)),
    **dict.fromkeys(("scatter-min", "scatter_min"), _scatter(np.minimum)),
    "sort": _sort,
}
