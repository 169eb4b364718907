"""What to vary: named axes, choices that are compiled in, and seeds; and the points they span."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Axis:
    """A number that may vary within one compiled program.

    **Arguments:** `default`: its value where it does not vary. `lo`, `hi`, `n`: a range of `n` values, ends included,
    spaced evenly (`log=True`: in their logarithm); or `values`. With neither, it stays at its default.
    """

    default: float
    lo: float | None = None
    hi: float | None = None
    n: int | None = None
    log: bool = False
    values: Sequence[float] | None = None
    unit: str = ""

    def __post_init__(self):
        given = [x is not None for x in (self.lo, self.hi, self.n)]
        if any(given) and not all(given):
            raise ValueError(f"Got Axis(lo={self.lo}, hi={self.hi}, n={self.n}), expected all three or none of them.")
        if self.n is not None and self.n < 1:
            raise ValueError(f"Got Axis(n={self.n}), expected a positive number of values.")
        if self.log and self.lo is not None and self.hi is not None and min(self.lo, self.hi) <= 0:
            raise ValueError(f"Got a logarithmic Axis from {self.lo} to {self.hi}, expected both ends above 0.")

    @property
    def points(self) -> np.ndarray:
        """The values it takes in a sweep."""
        if self.values is not None:
            return np.asarray(self.values, float)
        if self.n is None:
            return np.asarray([self.default], float)
        return (np.geomspace if self.log else np.linspace)(self.lo, self.hi, self.n)

    @property
    def varies(self) -> bool:
        return self.values is not None or self.n is not None

    def at(self, value: float) -> Axis:
        return Axis(value, unit=self.unit)

    def over(self, values: Sequence[float]) -> Axis:
        return replace(self, values=tuple(values), lo=None, hi=None, n=None)


@dataclass(frozen=True)
class Static:
    """A choice that shapes the program (a size, a class, a string): every value of it is compiled separately."""

    default: Any
    values: Sequence[Any] | None = None
    unit: str = ""

    @property
    def points(self) -> tuple[Any, ...]:
        return (self.default,) if self.values is None else tuple(self.values)

    @property
    def varies(self) -> bool:
        return self.values is not None

    def at(self, value: Any) -> Static:
        return Static(value)

    def over(self, values: Sequence[Any]) -> Static:
        return Static(self.default, tuple(values))


@dataclass(frozen=True)
class Seeds:
    """Seeds `first .. first + n - 1`: a point's key is `fold_in(key, seed)`, whatever else is in the grid."""

    n: int = 1
    first: int = 0
    values: Sequence[int] | None = None
    unit: str = ""

    def __post_init__(self):
        if self.n < 1:
            raise ValueError(f"Got Seeds({self.n}), expected a positive number of seeds.")

    @property
    def points(self) -> np.ndarray:
        seeds = range(self.first, self.first + self.n) if self.values is None else self.values
        return np.asarray(list(seeds), np.int32)

    @property
    def varies(self) -> bool:
        return len(self.points) > 1

    def at(self, value: float) -> Seeds:
        return Seeds(1, int(value))

    def over(self, values: Sequence[float]) -> Seeds:
        return Seeds(values=tuple(int(v) for v in values))


Space = Mapping[str, Axis | Static | Seeds]


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
        return math.prod(self.shape)


def _checked(space: Space) -> Space:
    for name, axis in space.items():
        if not isinstance(axis, (Axis, Static, Seeds)):
            raise ValueError(f"SPACE has {name!r}: {axis!r}, expected Axis(...), Static(...) or Seeds(...).")
        if len(axis.points) == 0:
            raise ValueError(f"SPACE has {name!r} with no values, expected at least one.")
    if sum(isinstance(axis, Seeds) for axis in space.values()) > 1:
        raise ValueError("SPACE has several Seeds, expected at most one: every point has one key.")
    return space


def product(space: Space) -> Grid:
    """Every combination of the values of every axis; one dimension for each that varies."""
    dims = {name: axis.points for name, axis in _checked(space).items() if axis.varies}
    shape = tuple(len(values) for values in dims.values())
    places = np.indices(shape).reshape(len(shape), math.prod(shape))
    index = dict(zip(dims, places, strict=True))
    return Grid(space, dims, index, shape)


def zipped(space: Space) -> Grid:
    """The axes that vary run together: point `i` has the `i`-th value of each; one dimension, `point`."""
    varying = {name: axis.points for name, axis in _checked(space).items() if axis.varies}
    lengths = {name: len(values) for name, values in varying.items()}
    if len({*lengths.values()}) > 1:
        raise ValueError(f"Got axes of different lengths to zip: {lengths}; give them as many values each.")
    n = next(iter(lengths.values()), 1)
    labels = {name: ("point", values) for name, values in varying.items()}
    index = {name: np.arange(n) for name in varying}
    return Grid(space, {"point": np.arange(n)}, index, (n,), labels)
