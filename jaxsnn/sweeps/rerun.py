"""The command that runs one point of a result alone."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray


def command_of(dataset: xarray.Dataset, at: Mapping[str, int]) -> str:
    """The command line that runs one point of a sweep alone, bit for bit what the dataset has.

    **Arguments:** `dataset`: of a sweep. `at`: the place of the point along each dimension of the design, `{"g": 3,
    "eta": 0}`.

    **Raises:** ValueError for a sweep that was not run from the command line.
    """
    if "command" not in dataset.attrs:
        raise ValueError("This dataset has no attribute 'command', as its sweep was not run from the command line.")
    point = dataset[["status"]].isel(at)
    found = str(dataset.attrs["command"])
    for name, value in point.coords.items():
        if name in dataset.dims and name == "point":
            continue
        found = found.replace(f"{{{name}}}", shlex.quote(_text(value.values.item())))
    return found


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, str) else repr(value)
