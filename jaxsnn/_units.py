"""Quantities of other packages are refused where numbers enter: their number alone would be in another unit."""

from __future__ import annotations

from typing import Any

# what the quantities of Brian2; of pint and quantities; of astropy; and of unyt have
_MARKS = ("get_best_unit", "dimensionality", "unit", "units")


def is_quantity(value: Any) -> bool:
    """Whether a value, or one in a list of them, carries a unit, as those of Brian2, pint, astropy or quantities do."""
    if isinstance(value, (list, tuple)):
        return any(map(is_quantity, value))
    return any(hasattr(type(value), mark) for mark in _MARKS)


def unitless(value: Any, what: str = "") -> Any:
    """`value`, which carries no unit; **raises** ValueError for one that does. `what`: its name, for the error.

    Brian2's `1*second` is an array that holds 1, which as a number of ms would be a thousand times too small.
    """
    if not is_quantity(value):
        return value
    text = " ".join(str(value).split())
    raise ValueError(
        f"Got {what and what + ' = '}{text if len(text) < 60 else text[:57] + '...'}, which carries a unit; expected "
        "plain numbers in ms, mV, pA, nS, pF and Hz: divide by the unit, as in 1*second/ms."
    )
