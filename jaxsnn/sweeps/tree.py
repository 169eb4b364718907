"""A result whose parts have other shapes: a dataset for each combination of `Static` values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .choices import Static
from .dataset import dataset, view_of
from .form import Form, Result
from .grid import Grid, Table
from .identity import identities
from .labels import label
from .plan import Plan
from .work import structures

if TYPE_CHECKING:
    import xarray


def as_tree(plan: Plan) -> xarray.DataTree:
    """`xarray.DataTree` with a node for each structure, named by its values: `tree["n=500"]`."""
    import xarray

    varying = [name for name in plan.grid.varying if isinstance(plan.grid.space[name], Static)]
    nodes: dict[str, Any] = {}
    for structure in structures(plan.grid):
        grid = _only(plan.grid, {name: structure.static[name] for name in varying})
        ids = identities(grid, plan.whole)
        view = view_of(grid, ids, _shapes(plan, ids), plan.view.attributes)
        name = ",".join(f"{n}={label(structure.static[n])}" for n in varying).replace("/", "_")
        nodes[name or "/"] = dataset(view, plan.store)
    return xarray.DataTree.from_dict(nodes)


def _only(grid: Grid, static: dict[str, Any]) -> Grid:
    """The points at which choices have these values."""
    tables = []
    for table in grid.tables:
        here = np.ones(len(table), bool)
        for name, value in static.items():
            if name in table.columns:
                found = table.columns[name]
                assert found.choices is not None
                same = [label(choice) == label(value) for choice in found.choices]
                here &= np.asarray(same)[found.numbers]
        columns = {n: c._replace(numbers=c.numbers[here]) for n, c in table.columns.items() if n not in static}
        if columns:
            tables.append(Table(table.dim, columns))
    space = {name: axis.at(static[name]) if name in static else axis for name, axis in grid.space.items()}
    return Grid(space, tuple(tables))


def _shapes(plan: Plan, ids: np.ndarray) -> Form:
    """The form of results as these points have them; where none has a result, as all have."""
    found = plan.store.index.find(ids)
    for number in np.unique(found.shard[found.shard >= 0]).tolist():
        values = plan.store.shard(number).values
        if values:
            return {n: r if n == "status" else _cut(r, values[n].shape[1:]) for n, r in plan.view.form.items()}
    return plan.view.form


def _cut(result: Result, shape: tuple[int, ...]) -> Result:
    sizes = dict(zip(result.dims, shape, strict=True))
    coordinates = {dim: (values[: sizes[dim]], unit) for dim, (values, unit) in result.coordinates.items()}
    return result._replace(shape=shape, coordinates=coordinates)
