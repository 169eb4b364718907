"""How values and names appear in a labelled result: exactly, or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

_ATTRIBUTES = {  # of the dataset, beside the parameters that do not vary
    *("points", "finished", "wall_s", "compile_s", "problems", "units", "experiment", "revision", "base_seed"),
    *("versions", "python", "device", "made"),
}
OWN = {"status", "failure"}  # variables that every result may have


def check_names(names: Iterable[Any], what: str, taken: Iterable[str] = ()) -> None:
    """Every name can be that of an array on disk and in a dataset, and is not taken.

    **Raises:** ValueError with the name.
    """
    taken = {*taken}
    for name in names:
        if not isinstance(name, str):
            raise ValueError(f"{what} has the name {name!r}, a {type(name).__name__}; expected a string.")
        wrong = not name or not name.isprintable() or set(name) & {"/", "\\"} or name.startswith((".", "__"))
        if wrong or name == "zarr.json" or len(name.encode()) > 200:
            raise ValueError(
                f"{what} has the name {name[:210]!r}, expected up to 200 printable characters without slashes that do "
                "not begin with a dot or two underscores: it names an array on disk."
            )
        if name in taken:
            raise ValueError(
                f"{what} has the name {name!r}, which an axis has, or which every result may have; choose another."
            )


def check_parameters(names: Sequence[Any]) -> None:
    """Names of a space: also those that the result needs are refused."""
    check_names(names, "SPACE", taken=OWN | _ATTRIBUTES)


def text(value: Any) -> str:
    """What stands for any object: a string for itself, a function or class by name, anything else by its `repr`."""
    if isinstance(value, str):
        return value
    if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
        return value.__qualname__
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))  # an address says nothing, and is another one in the next run


def labels(values: Sequence[Any] | np.ndarray) -> np.ndarray:
    """A coordinate: numbers and booleans as they are where all are of a kind that holds them, else text."""
    values = [v.item() if isinstance(v, np.generic) else v for v in values]
    kinds = {type(v) for v in values}
    if kinds == {bool}:
        return np.asarray(values)
    if kinds == {int} and all(-(2**63) <= v < 2**63 for v in values):
        return np.asarray(values, np.int64)
    if kinds <= {int, float} and all(abs(v) <= 2**53 for v in values if isinstance(v, int)):
        numbers = np.asarray(values, float)
        if not np.isnan(numbers).any():
            return numbers
    return np.asarray([text(v) for v in values], dtype=str)


def label(value: Any) -> bool | int | float | str:
    """What stands for one value among the attributes."""
    return labels([value])[0].item()


def check_labels(name: str, values: Sequence[Any], *, repeated: bool) -> None:
    """Every value has a label of its own that survives a file. `repeated`: the same value may come more than once.

    **Raises:** ValueError with the values.
    """
    found: dict[Any, Any] = {}
    for value, own in zip(values, labels(values).tolist(), strict=True):
        if isinstance(own, str) and not _storable(text(value)):
            raise ValueError(f"SPACE[{name!r}] has the value {text(value)!r}, which cannot be stored as text.")
        if own in found and not _same(found[own], value):
            raise ValueError(
                f"SPACE[{name!r}] has two values with the label {own!r}, so that their results could not be found; "
                "give strings, and look up what they mean in the experiment: {'a': ..., 'b': ...}[point["
                f"{name!r}]]."
            )
        if own in found and not repeated:
            raise ValueError(f"SPACE[{name!r}] has the value {own!r} twice, expected every value of an axis once.")
        found[own] = value


def _storable(string: str) -> bool:
    try:
        return "\0" not in string and bool(string.encode() or True)
    except UnicodeEncodeError:  # half of a surrogate pair
        return False


def _same(a: Any, b: Any) -> bool:
    try:
        return a is b or (type(a) is type(b) and bool(a == b))
    except (TypeError, ValueError):  # arrays, whose comparison is an array
        return False
