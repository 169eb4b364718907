"""Which points are run: a product of tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .choices import Seeds, Static
from .labels import check_labels, check_parameters, labels
from .space import Axis, Flag, Parameter, Space, Whole
from .values import MOST

_KINDS = "Axis(...), Whole(...), Flag(...), Static(...) or Seeds(...)"


class Column(NamedTuple):
    """The values of a parameter along a table: numbers, or places among the choices of a `Static`.

    `prior`: what the numbers were drawn from (`priors.described`), "" where that is no density.
    """

    numbers: np.ndarray
    choices: tuple[Any, ...] | None = None
    prior: str = ""

    @property
    def coordinate(self) -> np.ndarray:
        """How they stand in the result."""
        return self.numbers if self.choices is None else labels(self.choices)[self.numbers]

    def value(self, row: int) -> Any:
        """One of them, as it was given."""
        found = self.numbers[row].item()
        return found if self.choices is None else self.choices[found]


@dataclass(frozen=True)
class Table:
    """Points along one dimension of the result: a column for every parameter that varies along it."""

    dim: str
    columns: dict[str, Column] = field(repr=False)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())).numbers)

    @property
    def is_axis(self) -> bool:
        """Whether the dimension is a parameter, so that its values are the coordinate."""
        return [*self.columns] == [self.dim]


@dataclass(frozen=True)
class Grid:
    """Points to run: every combination of the rows of `tables`, the last one varying fastest.

    Made by `product`, `zipped`, `random`, `sobol` and `from_table`, which take grids in place of spaces, too.
    Parameters that no table has are at their default.
    """

    space: Space
    tables: tuple[Table, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """How many rows each table has."""
        return tuple(map(len, self.tables))

    @property
    def size(self) -> int:
        """How many points."""
        return math.prod(self.shape)

    @property
    def dims(self) -> dict[str, np.ndarray]:
        """The dimensions of the result and their coordinates."""
        return {t.dim: t.columns[t.dim].coordinate if t.is_axis else np.arange(len(t)) for t in self.tables}

    @property
    def labels(self) -> dict[str, tuple[str, np.ndarray]]:
        """Parameters that vary along a dimension that is not their own: `name: (dimension, values)`."""
        return {n: (t.dim, c.coordinate) for t in self.tables if not t.is_axis for n, c in t.columns.items()}

    @property
    def varying(self) -> tuple[str, ...]:
        """The parameters that some table has."""
        return tuple(name for table in self.tables for name in table.columns)

    def column(self, name: str, rows: np.ndarray) -> Column:
        """A parameter at some points, which are counted through the product."""
        stride = self.size
        for table in self.tables:
            stride //= len(table)
            if name in table.columns:
                known = table.columns[name]
                return known._replace(numbers=known.numbers[rows // stride % len(table)])
        fixed = column(self.space[name], [self.space[name].default])
        return fixed._replace(numbers=np.broadcast_to(fixed.numbers, np.shape(rows)))

    def prior(self, name: str) -> str:
        """What a parameter was drawn from; "" where it was not, or from no density."""
        return next((t.columns[name].prior for t in self.tables if name in t.columns), "")

    def values(self, point: int) -> dict[str, Any]:
        """What varies, at one point."""
        return {name: self.column(name, np.asarray([point])).value(0) for name in self.varying}


def product(*spaces: Space | Grid) -> Grid:
    """Every combination of the values of every axis; one dimension for each that varies.

    **Arguments:** spaces, or grids, whose tables are combined as they are: `product(zipped(a), {"seed": Seeds(3)})`.
    """
    grids = [space if isinstance(space, Grid) else _axes(space) for space in spaces]
    return joined(_together(grids), [table for grid in grids for table in grid.tables])


def zipped(*spaces: Space | Grid) -> Grid:
    """The axes that vary run together: point `i` has the `i`-th value of each; one dimension, `point`.

    **Arguments:** spaces, or grids, whose points are then run with the others': `zipped(product(a), b)`.
    """
    columns: dict[str, Column] = {}
    for space in spaces:
        if isinstance(space, Grid):
            rows = np.arange(space.size)
            columns |= {name: space.column(name, rows) for name in space.varying}
        else:
            space = checked(space, repeated=True)
            columns |= {name: column(axis, axis.points) for name, axis in space.items() if axis.varies}
    lengths = {name: len(found.numbers) for name, found in columns.items()}
    if len({*lengths.values()}) > 1:
        raise ValueError(f"Got axes of different lengths to zip: {lengths}; give them as many values each.")
    return listed(_together(spaces), columns)


def listed(space: Space, columns: Mapping[str, Column], also: Iterable[Table] = ()) -> Grid:
    """Points one by one along the dimension `point`, for every combination with the tables of `also`."""
    if "point" in space:
        raise ValueError("SPACE has the name 'point', which is the dimension of listed points; choose another.")
    return joined(space, [*([Table("point", dict(columns))] if columns else []), *also])


def joined(space: Space, tables: Iterable[Table]) -> Grid:
    """A grid of tables, whose dimensions get names of their own."""
    taken: dict[str, int] = {}
    named = []
    for table in tables:
        again = taken.get(table.dim, 0)
        taken[table.dim] = again + 1
        named.append(Table(f"{table.dim}{again + 1}", table.columns) if again else table)
    found = Grid(dict(space), tuple(named))
    if found.size > MOST:
        raise ValueError(
            f"Got a grid of {' x '.join(map(str, found.shape))} points, expected at most {MOST}: sweep a part."
        )
    for table in named:
        for name, values in table.columns.items():
            if isinstance(axis := space[name], Axis) and (unfit := axis.unfit(values.numbers)):
                raise ValueError(
                    f"SPACE[{name!r}] has {unfit}; give it as Whole or Static, or enable 64-bit floats "
                    "(jax_enable_x64)."
                )
    return found


def column(axis: Parameter, values: Any) -> Column:
    """Values of a parameter, each choice of a `Static` once."""
    if not isinstance(axis, Static):
        return Column(np.asarray(values))
    _, first, at = np.unique(labels(values), return_index=True, return_inverse=True)
    return Column(at.reshape(-1), tuple(values[i] for i in first))


def checked(space: Space, *, repeated: bool) -> Space:
    """A space whose every value has a name and a label of its own. `repeated`: values may come more than once."""
    if not isinstance(space, Mapping):
        raise ValueError(f"Got SPACE = {space!r}, expected a dict of {_KINDS}.")
    check_parameters([*space])
    for name, axis in space.items():
        if not isinstance(axis, Axis | Whole | Flag | Static | Seeds):
            raise ValueError(f"SPACE has {name!r}: {axis!r}, expected {_KINDS}.")
        if len(axis.points) == 0:
            raise ValueError(f"SPACE has {name!r} with no values, expected at least one.")
        if isinstance(axis, Static):
            check_labels(name, axis.points, repeated=repeated)
        elif not repeated and len(np.unique(axis.points)) < len(axis.points):
            twice = next(v for v in axis.points.tolist() if np.count_nonzero(axis.points == v) > 1)
            raise ValueError(f"SPACE[{name!r}] has the value {twice!r} twice, expected every value of an axis once.")
        if isinstance(axis, Axis) and (unfit := axis.unfit(np.asarray([axis.default], float))):
            raise ValueError(
                f"SPACE[{name!r}] has {unfit}; give it as Whole or Static, or enable 64-bit floats (jax_enable_x64)."
            )
    if sum(isinstance(axis, Seeds) for axis in space.values()) > 1:
        raise ValueError("SPACE has several Seeds, expected at most one: every point has one key.")
    return space


def _axes(space: Space) -> Grid:
    found = checked(space, repeated=False)
    varying = {name: axis for name, axis in found.items() if axis.varies}
    sizes = [len(axis.points) for axis in varying.values()]
    if math.prod(sizes) > MOST:  # before a column of that size is made
        raise ValueError(f"Got a grid of {' x '.join(map(str, sizes))} points, expected at most {MOST}: sweep a part.")
    return joined(found, [Table(name, {name: _ordered(axis)}) for name, axis in varying.items()])


def _ordered(axis: Parameter) -> Column:
    """As given: an axis of the result keeps its order."""
    if isinstance(axis, Static):
        return Column(np.arange(len(axis.points)), tuple(axis.points))
    return Column(np.asarray(axis.points))


def _together(spaces: Iterable[Space | Grid]) -> Space:
    """The parameters of several spaces, each named once."""
    found: dict[str, Parameter] = {}
    for space in spaces:
        own = space.space if isinstance(space, Grid) else checked(space, repeated=True)
        if twice := found.keys() & own.keys():
            raise ValueError(f"Got {min(twice)!r} in two spaces, expected every parameter in one of them.")
        found |= own
    return checked(found, repeated=True)
