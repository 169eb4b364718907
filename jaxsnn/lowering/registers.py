"""Whole numbers of a chip's parts: a check of static ones, and their range as text."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._types import is_concrete


def whole(part: object, **least: int) -> None:
    """Raises ValueError for static numbers of a part that are not whole, or less than given."""
    for name, low in least.items():
        value = getattr(part, name)
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not low <= value < 2**31:
            raise ValueError(f"{type(part).__name__}.{name} is {value!r}; expected a whole number of at least {low}.")


def span(x: Any) -> str:
    """The smallest and the largest of some numbers, as text."""
    if not is_concrete(x):
        return "traced"
    x = np.asarray(x)
    low, high = (x.min(), x.max()) if x.size else (0, 0)
    return f"{low}" if low == high else f"{low} .. {high}"
