"""What an axis was given, as plain numbers, or one sentence that says what is wrong."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import numpy as np

from .._types import is_concrete
from .._units import unitless

MOST = 10**8  # values of an axis, and points of a grid
INT32 = (-(2**31), 2**31 - 1)


def put(made: Any, **fields: Any) -> None:
    """What a frozen dataclass was given, in one form."""
    for name, value in fields.items():
        object.__setattr__(made, name, value)


def plain(value: Any) -> Any:
    """A scalar of NumPy or JAX as a plain number."""
    concrete = isinstance(value, np.generic | np.ndarray | jax.Array) and is_concrete(value)
    return value.item() if concrete and value.ndim == 0 and value.dtype.kind in "biuf" else value


def number(value: Any, what: str, finite: bool = False) -> int | float:
    """A real number that a float holds exactly."""
    found = plain(unitless(value, what))
    if isinstance(found, bool) or not isinstance(found, int | float) or found != found:
        raise ValueError(f"Got {what} = {value!r}, expected a number; choices of other kinds are Static(...).")
    try:
        wrong = finite and math.isinf(found)
        exact = not isinstance(found, int) or int(float(found)) == found
    except OverflowError:
        wrong, exact = False, False
    if wrong or not exact:
        raise ValueError(f"Got {what} = {value!r}, expected a {'finite ' if wrong else ''}number that a float holds.")
    return found


def whole(value: Any, what: str, of: str, *, least: int = 0, most: int) -> int:
    """A whole number within bounds. `what`: how it was given, as `Seeds(first=`."""
    found = plain(value)
    close = ")" if "(" in what else ""
    if isinstance(found, bool) or not isinstance(found, int) or not least <= found <= most:
        from_ = {0: " that is a whole number from 0", 1: ""}.get(least, f" from {least}")
        kind = f"a {'positive ' if least == 1 else ''}{of}{from_}"
        equals = "" if what.endswith(("(", "=")) else "="
        raise ValueError(f"Got {what}{equals}{value!r}{close}, expected {kind}, at most {most}.")
    return found


def flag(value: Any, what: str) -> bool:
    """True or False."""
    found = plain(value)
    if not isinstance(found, bool):
        raise ValueError(f"Got {what} = {value!r}, expected True or False.")
    return found


def sequence(values: Any, what: str) -> Iterable[Any]:
    """Values that have an order."""
    if isinstance(values, np.ndarray | jax.Array) and values.ndim == 1:
        return values.tolist()
    if isinstance(values, str | bytes | Mapping | set | frozenset) or not isinstance(values, Iterable):
        raise ValueError(f"Got {what}(values={values!r}), expected a list of values.")
    return values


def unit_of(unit: Any, what: str) -> str:
    """The text of a unit."""
    if not isinstance(unit, str):
        raise ValueError(f"Got {what}(unit={unit!r}), expected a string such as 'mV'.")
    return unit


def a_range(what: str, lo: Any, hi: Any, n: Any, values: Any) -> None:
    """A range is given whole or not at all, and not beside values."""
    given = [x is not None for x in (lo, hi, n)]
    if any(given) and not all(given):
        raise ValueError(f"Got {what}(lo={lo}, hi={hi}, n={n}), expected all three or none of them.")
    if values is not None and any(given):
        raise ValueError(f"Got {what} with values and with lo, hi and n, expected values or a range.")
