"""A design that adds points where a result changes from no to yes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .grid import Column, Grid, Table, listed
from .space import Axis
from .values import whole

if TYPE_CHECKING:
    import xarray

Place = tuple[int, ...]  # of a point or a cell, counted along each axis in the finest steps


@dataclass(frozen=True)
class Refinement:
    """A grid, and where it is to become finer. `axes`: those along which it does; everything else is combined with
    each of their points."""

    grid: Grid
    where: Callable[[xarray.Dataset], Any]
    levels: int
    axes: tuple[str, ...]

    def start(self) -> tuple[list[Place], list[Place]]:
        """The points of the grid, and its cells."""
        counts = [len(self._values(name)) for name in self.axes]
        step = 2**self.levels
        every = lambda ends: [tuple(i * step for i in place) for place in itertools.product(*map(range, ends))]
        return every(counts), every([n - 1 for n in counts])

    def design(self, points: list[Place]) -> Grid:
        """Points one by one, for every combination with what is not refined."""
        fine = {name: self._fine(self._values(name), self._is_log(name)) for name in self.axes}
        columns = {name: Column(fine[name][[place[i] for place in points]]) for i, name in enumerate(self.axes)}
        rest: Iterable[Table] = [table for table in self.grid.tables if table.dim not in self.axes]
        return listed(self.grid.space, columns, rest)

    def next(
        self, points: list[Place], cells: list[Place], level: int, found: xarray.Dataset
    ) -> tuple[list[Place], list[Place]]:
        """The points that are new on a level, and its cells: halves of those at whose corners the answers differ."""
        yes = self.where(found)
        dims = tuple(getattr(yes, "dims", ()))
        if dims != ("point",) or yes.dtype != bool:
            raise ValueError(
                f"refine(where=...) returned {getattr(yes, 'dtype', type(yes).__name__)} over {dims}, expected a "
                "boolean for each point, such as `lambda ds: ds.rate_hz.mean('seed') > 5.0`."
            )
        answer = dict(zip(points, np.asarray(yes).tolist(), strict=True))
        size = 2 ** (self.levels - level)
        corners = lambda cell, step: [tuple(map(sum, zip(cell, d, strict=True))) for d in _corners(len(cell), step)]
        mixed = [cell for cell in cells if len({answer[corner] for corner in corners(cell, size)}) > 1]
        half = [child for cell in mixed for child in corners(cell, size // 2)]
        wanted = dict.fromkeys(corner for cell in half for corner in corners(cell, size // 2))
        return [place for place in wanted if place not in answer], half

    def _values(self, name: str) -> np.ndarray:
        return next(table for table in self.grid.tables if table.dim == name).columns[name].numbers

    def _is_log(self, name: str) -> bool:
        axis = self.grid.space[name]
        return isinstance(axis, Axis) and axis.log

    def _fine(self, values: np.ndarray, log: bool) -> np.ndarray:
        """Values with all their midpoints, which keep those that were there to the bit."""
        for _ in range(self.levels):
            low, high = values[:-1], values[1:]
            fine = np.empty(2 * len(values) - 1)
            fine[::2], fine[1::2] = values, np.sqrt(low * high) if log else low + (high - low) / 2
            values = fine
        return values


def refine(grid: Grid, where: Callable[[xarray.Dataset], Any], levels: int = 2) -> Refinement:
    """`grid`, made finer along the border of a yes-or-no question, such as the onset of firing.

    **Arguments:** `grid`: a product in which one `Axis` or more varies; `Seeds` and choices are combined with each of
    their points. `where(dataset)`: the answer, one boolean for each `point` of the dataset so far. `levels`: how often
    cells at whose corners the answers differ are halved along every axis.

    For `sweep`, which returns all points along a dimension `point`, with their level. What was computed on one level is
    not computed again on the next, nor compiled.
    """
    if not isinstance(grid, Grid):
        raise ValueError(f"Got refine({type(grid).__name__}), expected a grid such as product(SPACE).")
    whole(levels, "refine(levels", "number of levels", least=1, most=20)
    if not callable(where):
        raise ValueError(f"Got refine(where={where!r}), expected a function of a dataset.")
    names = [t.dim for t in grid.tables if t.is_axis and isinstance(grid.space[t.dim], Axis) and len(t) > 1]
    if not names:
        raise ValueError("Got refine of a grid without an Axis that varies, expected one or more.")
    return Refinement(grid, where, levels, tuple(names))


def refined(design: Refinement, run: Callable[[Grid], Any], announce: Callable[[str], Any]) -> Any:
    """Run level after level; the dataset of the last one, with the level of each point."""
    points, cells = design.start()
    level_of: dict[Place, int] = dict.fromkeys(points, 0)
    found = run(design.design(points))
    for level in range(design.levels):
        new, cells = design.next(points, cells, level, found)
        if not new:
            break
        announce(f"level {level + 1}: {len(new)} points more")
        points += new
        level_of |= dict.fromkeys(new, level + 1)
        found = run(design.design(points))
    return found.assign_coords(level=("point", [level_of[place] for place in points]))


def _corners(dims: int, step: int) -> list[Place]:
    return [*itertools.product((0, step), repeat=dims)]
