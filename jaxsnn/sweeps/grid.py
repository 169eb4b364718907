"""The points that a space spans, and where they stand in the result."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .labels import check_labels, check_parameters
from .space import MOST, Axis, Seeds, Space, Static


@dataclass(frozen=True)
class Grid:
    """Points to run. `dims` are the dimensions of the result; `index` has a row a point: its place along each."""

    space: Space
    dims: dict[str, np.ndarray | tuple[Any, ...]]
    index: dict[str, np.ndarray] = field(repr=False)  # by parameter: which of its points, for every point of the grid
    shape: tuple[int, ...]
    labels: dict[str, tuple[str, Any]] = field(default_factory=dict, repr=False)  # other coordinates

    @property
    def size(self) -> int:
        """How many points."""
        return math.prod(self.shape)

    def values(self, point: int) -> dict[str, Any]:
        """What varies, at one point."""
        return {name: self.space[name].points[places[point]] for name, places in self.index.items()}


def product(space: Space) -> Grid:
    """Every combination of the values of every axis; one dimension for each that varies."""
    dims = {name: axis.points for name, axis in checked(space, repeated=False).items() if axis.varies}
    shape = tuple(len(values) for values in dims.values())
    if math.prod(shape) > MOST:
        raise ValueError(f"Got a grid of {' x '.join(map(str, shape))} points, expected at most {MOST}: sweep a part.")
    places = np.indices(shape).reshape(len(shape), math.prod(shape))
    index = dict(zip(dims, places, strict=True))
    return Grid(dict(space), dims, index, shape)


def zipped(space: Space) -> Grid:
    """The axes that vary run together: point `i` has the `i`-th value of each; one dimension, `point`."""
    varying = {name: axis.points for name, axis in checked(space, repeated=True).items() if axis.varies}
    if "point" in space:
        raise ValueError("SPACE has the name 'point', which is the dimension of what is zipped; choose another.")
    lengths = {name: len(values) for name, values in varying.items()}
    if len({*lengths.values()}) > 1:
        raise ValueError(f"Got axes of different lengths to zip: {lengths}; give them as many values each.")
    n = next(iter(lengths.values()), 1)
    labels = {name: ("point", values) for name, values in varying.items()}
    index = {name: np.arange(n) for name in varying}
    return Grid(dict(space), {"point": np.arange(n)}, index, (n,), labels)


def checked(space: Space, *, repeated: bool) -> Space:
    """A space whose every value has a name and a label of its own. `repeated`: values may come more than once."""
    if not isinstance(space, Mapping):
        raise ValueError(f"Got SPACE = {space!r}, expected a dict of Axis(...), Static(...) and Seeds(...).")
    check_parameters([*space])
    for name, axis in space.items():
        if not isinstance(axis, Axis | Static | Seeds):
            raise ValueError(f"SPACE has {name!r}: {axis!r}, expected Axis(...), Static(...) or Seeds(...).")
        if len(axis.points) == 0:
            raise ValueError(f"SPACE has {name!r} with no values, expected at least one.")
        if isinstance(axis, Static):
            check_labels(name, axis.points, repeated=repeated)
        elif not repeated and len(np.unique(axis.points)) < len(axis.points):
            twice = next(v for v in axis.points.tolist() if np.count_nonzero(axis.points == v) > 1)
            raise ValueError(f"SPACE[{name!r}] has the value {twice!r} twice, expected every value of an axis once.")
        if isinstance(axis, Axis) and (unfit := axis.unfit()):
            raise ValueError(
                f"SPACE[{name!r}] has {unfit}; give it as Static or Seeds, or enable 64-bit floats (jax_enable_x64)."
            )
    if sum(isinstance(axis, Seeds) for axis in space.values()) > 1:
        raise ValueError("SPACE has several Seeds, expected at most one: every point has one key.")
    return space
