"""What a description is made of: numbers in SI units with their dimensions, text, and the names that texts use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
SI = ("m", "kg", "s", "A", "K", "mol", "cd")  # the order of the seven powers of a dimension


def refuse(what: str, why: str, line: str | None = None) -> NoReturn:
    """Raise ValueError: what of the network, why not, and its line."""
    raise ValueError(f"{what}: {why}" + ("" if line is None else f"\n    {line.strip()}"))


def kind_of(given: Any) -> str:
    """The name of a class, also of what a weak reference stands for."""
    return given.__class__.__name__


def names_in(*texts: str | None) -> set[str]:
    """Every name in some texts of Brian2's language, comments left out."""
    return {name for text in texts if text for name in NAME.findall(re.sub(r"#[^\n]*", "", text))}


def assigned_in(text: str | None) -> set[str]:
    """The names that statements set, `name = ...`: those without a line of their own are Brian2's local variables."""
    return {found[1] for found in re.finditer(r"(?:^|[;\n])\s*(\w+)\s*=(?!=)", text or "")}


def renamed(text: str, names: Mapping[str, str]) -> str:
    """A text in which whole names are replaced."""
    return NAME.sub(lambda found: names.get(found[0], found[0]), text)


def powers(dimension: Any) -> list[float]:
    """The seven powers of a dimension of Brian2."""
    return [float(dimension.get_dimension(name)) for name in SI]


def quantity(value: Any, dimension: Any = None) -> dict[str, Any]:
    """Numbers in SI units, without the type of Brian2, and their dimension; equal numbers are one number."""
    dimension = getattr(value, "dim", None) if dimension is None else dimension
    numbers = np.array(value, copy=True)
    numbers = numbers if numbers.dtype.kind in "iub" else numbers.astype(float)
    if numbers.size and np.all(numbers == numbers.flat[0]):
        numbers = numbers.flat[0]
    return {"si": numbers, "dim": [0.0] * 7 if dimension is None else powers(dimension)}
