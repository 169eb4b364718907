"""In which calls the points of a grid run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from .._types import canonical_float
from .grid import Grid
from .labels import labels
from .space import Seeds, Static

SEED = object()  # stands for the seed of a point among the values that are not traced numbers


class Points(NamedTuple):
    """Some points of a grid: where they stand in it, and their values.

    Those of a call are padded by repetition to the size of every call, so that one program serves them all. `seed` has
    shape `()` in a call whose points share it, and `(points,)` otherwise.
    """

    where: np.ndarray
    axes: dict[str, np.ndarray]
    seed: np.ndarray


def by_structure(grid: Grid) -> Iterator[tuple[dict[str, Any], Points]]:
    """The points of every combination of `Static` values: what one compilation serves."""
    zero = np.zeros(grid.size, int)
    place = {name: grid.index.get(name, zero) for name in grid.space}
    chosen = [name for name, axis in grid.space.items() if isinstance(axis, Static)]
    for name in chosen:  # a value that comes twice, where axes are zipped, is one choice
        _, first, same = np.unique(labels(grid.space[name].points), return_index=True, return_inverse=True)
        place[name] = first[same][place[name]]
    combinations = np.stack([place[name] for name in chosen], axis=1) if chosen else np.zeros((grid.size, 0), int)
    for row in np.unique(combinations, axis=0):
        where = np.flatnonzero((combinations == row).all(axis=1))
        static = {name: grid.space[name].points[i] for name, i in zip(chosen, row, strict=True)}
        seed, axes = np.zeros(len(where), np.int32), {}
        for name, axis in grid.space.items():
            if isinstance(axis, Seeds):
                seed = axis.points[place[name][where]]
                static[name] = SEED  # filled in when it is traced
            elif not isinstance(axis, Static):
                axes[name] = axis.points[place[name][where]].astype(canonical_float())
        yield static, Points(where, axes, seed)


def calls(
    points: Points, *, batch: int | None, threads: int, one_by_one: bool, share_seed: bool | None
) -> Iterator[Points]:
    """Calls of one size. `one_by_one`: the points of a call run one after the other, as on a CPU."""
    size = batch or (_even(points, threads) if one_by_one else 64)
    crowded = 4 * np.unique(points.seed, return_counts=True)[1].max() >= min(size, len(points.where))
    share = (one_by_one or crowded) if share_seed is None else share_seed
    everybody = np.arange(len(points.where))
    groups = [np.flatnonzero(points.seed == seed) for seed in np.unique(points.seed)] if share else [everybody]
    largest = max(map(len, groups))
    size = -(-largest // -(-largest // size))  # as even as can be, so that little is padded
    for group in groups:
        for i in range(0, len(group), size):
            some = group[i : i + size]
            padded = np.resize(some, size)
            seed = points.seed[some[0]] if share else points.seed[padded]
            yield Points(points.where[some], {name: values[padded] for name, values in points.axes.items()}, seed)


def _even(points: Points, threads: int) -> int:
    """Points a call: several calls a thread, so that none waits long for the last one."""
    return max(1, min(16, -(-len(points.where) // (4 * threads))))
