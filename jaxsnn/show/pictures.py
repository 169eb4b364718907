"""Pictures that an experiment draws itself: of the whole sweep, and of some of its points."""

from __future__ import annotations

import base64
import itertools
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .view import View

if TYPE_CHECKING:
    import xarray

Plot = Callable[[Any, Path], Any]


class Picture(NamedTuple):
    """An image for a page: of one point (by its number in the grid), or of the whole sweep (None)."""

    point: int | None
    alt: str  # what it is of
    data: str  # a data URI


def whole(path: Path) -> Picture:
    """The picture that the sweep itself has drawn."""
    return Picture(None, "the whole sweep", _uri(path))


def of_points(plot: Plot, dataset: xarray.Dataset, view: View, most: int) -> Iterator[Picture]:
    """What `plot(ds, path)` draws of at most `most` points, spread over the design; none of those without a result.

    It gets what `jaxsnn run` would give it: only dimensions that are repeated, and attributes for the parameters.
    """
    repeated = {p.dim for p in view.parameters if p.repeats}
    single = [dim for dim in view.dims if dim not in repeated]
    lost = view.lost.reshape([*view.dims.values()])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "point.png"
        for places in _spread({dim: view.dims[dim] for dim in single}, most):
            at = dict(zip(single, places))
            index = tuple(at.get(dim, 0) for dim in view.dims)
            if lost[index]:
                continue
            path.unlink(missing_ok=True)
            before = _open_figures()
            plot(_one(dataset.isel(at)), path)
            for number in _open_figures() - before:  # which pyplot would keep, one a point
                sys.modules["matplotlib.pyplot"].close(number)
            named = {p.name: p.values[at[p.dim]] for p in view.parameters if p.dim in at}
            said = ", ".join(f"{name} {x:.4g}" if isinstance(x, float) else f"{name} {x}" for name, x in named.items())
            point = int(np.ravel_multi_index(index, lost.shape)) if index else 0
            yield Picture(point, said or "its only point", _uri(path))


def _open_figures() -> set[int]:
    """Those of pyplot, where something has imported it."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    return set() if pyplot is None else {*pyplot.get_fignums()}


def _one(point: xarray.Dataset) -> xarray.Dataset:
    scalars = [name for name, array in point.coords.items() if array.ndim == 0]
    found = point.load().drop_vars(scalars)
    found.attrs = point.attrs | {str(name): point.coords[name].item() for name in scalars} | {"points": 1}
    return found


def _spread(dims: dict[str, int], most: int) -> Iterator[tuple[int, ...]]:
    """Places of at most `most` points: the same number along each dimension, from its first place to its last."""
    each = max(1, int(most ** (1 / max(1, len(dims))) + 1e-9))
    for extra in range(len(dims), -1, -1):  # as many dimensions as possible get one more
        counts = [min(size, each + (i < extra)) for i, size in enumerate(dims.values())]
        if int(np.prod(counts)) <= most:
            break
    lines = [np.unique(np.linspace(0, n - 1, k).round().astype(int)) for n, k in zip(dims.values(), counts)]
    return itertools.islice(itertools.product(*(line.tolist() for line in lines)), most)


def _uri(path: Path) -> str:
    data = path.read_bytes()
    kind = "svg+xml" if data.lstrip().startswith((b"<?xml", b"<svg")) else "png"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
