"""Whole numbers of a chip's parts: checks of static ones, and how many are written."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._types import is_concrete


def whole(part: object, **least: int) -> None:
    """Refuses static numbers of a part, sizes and the like, that are not whole or less than so much."""
    for name, low in least.items():
        value = getattr(part, name)
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not low <= value < 2**31:
            raise ValueError(f"{type(part).__name__}.{name} is {value!r}; expected a whole number of at least {low}.")


def span(x: Any) -> str:
    """From the smallest to the largest of some numbers, for a text."""
    if not is_concrete(x):
        return "traced"
    x = np.asarray(x)
    low, high = (x.min(), x.max()) if x.size else (0, 0)
    return f"{low}" if low == high else f"{low} .. {high}"
