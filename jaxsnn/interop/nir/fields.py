"""What a node of a graph says, or one error: `nir` takes whatever it is given."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..._arguments import shown

Shape = tuple[int, ...]
LARGEST = 2**24  # places that one node may have, and numbers of one matrix may be sixteen times as many


def field(node: Any, name: str, what: str) -> Any:
    """A parameter of a node."""
    if not hasattr(node, name):
        raise ValueError(f"{what} has no {name}.")
    return getattr(node, name)


def numbers(x: Any, what: str) -> np.ndarray:
    """An array of finite real numbers."""
    try:
        found = np.asarray(x)
    except ValueError:  # lists of several lengths
        found = np.zeros(0, object)
    if found.dtype.kind not in "fiu" or not np.all(np.isfinite(found)):
        raise ValueError(f"{what} has numbers that are not finite or not real, expected finite real numbers.")
    with np.errstate(over="ignore"):
        found = found.astype(np.float64)
    if np.any(np.abs(found) > 1e30):
        raise ValueError(f"{what} has numbers up to {np.abs(found).max():.3g}, expected at most 1e30 in size.")
    return found


def whole(x: Any, axes: int, what: str, name: str) -> Shape:
    """Whole numbers from 0 on, one an axis or one for all."""
    try:
        found = np.asarray(x)
    except ValueError:
        found = np.zeros(0, object)
    fits = found.dtype.kind in "iu" and found.ndim <= 1 and found.size in (1, axes)
    if not fits or np.any(found < 0) or np.any(found > LARGEST):
        raise ValueError(f"{what} has {name} = {_said(x)}, expected whole numbers up to {LARGEST}, one an axis.")
    return tuple(int(n) for n in np.broadcast_to(found.reshape(-1), (axes,)))


def axis(x: Any, axes: int, what: str, name: str) -> int:
    """A number of an axis, from the end where it is negative."""
    found = np.asarray(x) if not isinstance(x, (list, tuple)) else np.zeros(2)
    if found.size != 1 or found.dtype.kind not in "iu" or not -axes <= int(found.reshape(())) < axes:
        raise ValueError(f"{what} has {name} = {_said(x)}, expected the number of one of {axes} axes.")
    return int(found.reshape(())) % axes


def sizes(given: Any, what: str) -> Shape:
    """The shape that a node Input or Output declares, as `{"input": shape}`."""
    if not isinstance(given, Mapping) or len(given) != 1:
        raise ValueError(f"{what} has the type {_said(given)}, expected one shape by its name.")
    try:
        found = np.asarray(next(iter(given.values())))
    except ValueError:
        found = np.zeros(0, object)
    shape = tuple(int(n) for n in found.reshape(-1)) if found.dtype.kind in "iu" else ()
    if not shape or any(n < 1 for n in shape):
        raise ValueError(f"{what} has the shape {_said(given)}, expected whole sizes of at least 1.")
    return few(shape, what)


def few(shape: Shape, what: str) -> Shape:
    """A shape whose places can be held."""
    if math.prod(shape) > LARGEST:
        raise ValueError(f"{what} has {math.prod(shape)} places, expected at most {LARGEST}.")
    return shape


def _said(x: Any) -> str:
    return " ".join(shown(x).split())[:80]
