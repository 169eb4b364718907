"""What is still to be computed, and in which calls."""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

import numpy as np

from .choices import Seeds, Static
from .compiled import Call
from .grid import Grid
from .store import Claims

PARTS = 512  # about, of a sweep: what several processes share is dealt out by the part


class Structure(NamedTuple):
    """The points of one combination of `Static` values, sorted by seed: what one compilation serves."""

    static: dict[str, Any]
    rows: np.ndarray
    seeds: int  # how many different ones


def structures(grid: Grid) -> list[Structure]:
    """The points of a grid by structure."""
    rows = np.arange(grid.size)
    seeds = next((name for name, axis in grid.space.items() if isinstance(axis, Seeds)), None)
    seed = np.zeros(grid.size, np.int32) if seeds is None else grid.column(seeds, rows).numbers.astype(np.int32)
    names = [name for name, axis in grid.space.items() if isinstance(axis, Static)]
    columns = {name: grid.column(name, rows) for name in names}
    varying = [name for name in names if name in grid.varying]
    kinds = np.stack([columns[name].numbers for name in varying], axis=1) if varying else np.zeros((grid.size, 1), int)
    _, first, which = np.unique(kinds, axis=0, return_index=True, return_inverse=True)
    found = []
    for i in np.argsort(first):
        some = np.flatnonzero(which.reshape(-1) == i)
        some = some[np.argsort(seed[some], kind="stable")]
        static = {name: columns[name].value(some[0]) for name in names}
        found.append(Structure(static, some, len(np.unique(seed[some]))))
    return found


def call_of(grid: Grid, rows: np.ndarray) -> Call:
    """The numbers of some points of one structure."""
    axes = {
        name: grid.column(name, rows).numbers.astype(axis.dtype)
        for name, axis in grid.space.items()
        if not isinstance(axis, Static | Seeds)
    }
    seeds = next((name for name, axis in grid.space.items() if isinstance(axis, Seeds)), None)
    seed = np.zeros(len(rows), np.int32) if seeds is None else grid.column(seeds, rows).numbers.astype(np.int32)
    return Call(rows, axes, seed)


def parts_of(found: list[Structure]) -> list[list[tuple[int, np.ndarray]]]:
    """The plan of a sweep in numbered parts, the same for every process that has the same points; by structure."""
    points = sum(len(structure.rows) for structure in found)
    size, number, parts = -(-points // PARTS), 0, []
    for structure in found:
        own = [structure.rows[i : i + size] for i in range(0, len(structure.rows), size)]
        parts.append([*zip(range(number, number + len(own)), own, strict=True)])
        number += len(own)
    return parts


class Work:
    """The points of a structure that are to be computed here, dealt out in calls.

    A part is claimed when its first point is taken, and what others have stored meanwhile is left out. `todo`: by row
    of the grid, whether a point is missing; `look`: brings it up to date.
    """

    def __init__(self, parts: list[tuple[int, np.ndarray]], todo: np.ndarray, claims: Claims | None, look: Any):
        self.todo, self.claims, self.look = todo, claims, look
        self._parts = deque(parts)
        self._ready = np.zeros(0, int)
        self.elsewhere: list[tuple[int, np.ndarray]] = []  # parts that others have claimed

    def start_at(self, share: float) -> None:
        """Begin with another part than the others do: processes that know their number do not meet."""
        self._parts.rotate(-round(share * len(self._parts)))

    def take(self, most: int) -> np.ndarray:
        """Up to so many points, which are this process's; none when there are no more."""
        more, found = [self._ready], len(self._ready)
        while found < most and self._parts:
            part, rows = self._parts.popleft()
            if not self.todo[rows].any():
                continue
            if self.claims is not None:
                if not self.claims.take(part):
                    self.elsewhere.append((part, rows))
                    continue
                self.look()  # what was stored before the claim was free
            more.append(rows[self.todo[rows]])
            found += len(more[-1])
        rows = np.concatenate(more)
        self._ready = rows[most:]
        return rows[:most]

    def try_again(self) -> bool:
        """Look once more at the parts that others had; whether there are any left."""
        self._parts.extend(self.elsewhere)
        self.elsewhere = []
        return bool(self._parts)
