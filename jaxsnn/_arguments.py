"""Checks of what a user hands in, of one kind each; every error is one sentence: what was given, what was expected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ._text import shown as shown
from ._time import whole


def count(value: Any, what: str, expected: str, *, least: int = 1) -> int:
    """A whole number of Python or NumPy, `least` or more and below 2^31."""
    number = whole(value)
    if number is None or not least <= number < 2**31:
        raise ValueError(f"{what} is {shown(value)}, expected {expected}.")
    return number


def flag(value: Any, what: str) -> None:
    """True or False, and nothing that is only like them."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{what} is {shown(value)}, expected True or False.")


def mapping(value: Any, what: str, example: str) -> dict[str, Any]:
    """A dictionary by name."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{what} is {shown(value)}, expected a dictionary by name, such as {example}.")
    return dict(value)


def name(value: Any) -> str:
    """A name of a part: it becomes a piece of a dotted path, which may carry a selection in brackets."""
    if not isinstance(value, str) or not value.strip() or any(letter in value for letter in ".[]"):
        raise ValueError(f"Got the name {value!r}, expected a text that is not empty and has no dot and no bracket.")
    return value


def is_time(value: Any) -> bool:
    """Whether a value can be a number of ms, or an array of them."""
    kind = np.asarray(value).dtype if isinstance(value, (bool, int, float, str, list, tuple)) else value.dtype
    return kind.kind in "iuf"
