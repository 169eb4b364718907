"""Whether a description has text, numbers and lists where they belong: it may have been changed, or be a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..._arguments import shown
from .plain import SI

_TEXT = {"expr", "code", "threshold", "reset", "method", "name", "type", "kind", "text", "side", "function", "variable"}
_TABLES = {"values", "names", "groups", "synapses", "inputs", "monitors"}
_TEXTS = {"flags", "variables"}
_WHOLE = {"n", "start", "stop", "count"}
_NUMBERS = {"si", "pre", "post", "indices", "times", "delay"}
_HIGHEST, _DEEPEST, _LARGEST = 99, 20, 2**31 - 1  # power of a unit, lists in lists, neurons


def checked(given: Any, where: str = "description", depth: int = 0) -> None:
    """Raises ValueError for the first entry that is not what its name says."""
    if depth > _DEEPEST:
        raise ValueError(f"Got a description that goes on within {where}; expected lists in lists to end.")
    if isinstance(given, list):
        for i, part in enumerate(given):
            checked(part, f"{where}[{i}]", depth + 1)
    if not isinstance(given, Mapping):
        return
    for key, part in given.items():
        here = f"{where}.{key}"
        table = where.rpartition(".")[2] in _TABLES  # whose keys are names that a user gave
        if not isinstance(key, str) or (wrong := None if table else _wrong(key, part)) is not None:
            expected = "names" if not isinstance(key, str) else wrong
            raise ValueError(f"Got a description with {here[:99]!r} = {shown(part)[:99]!r}, expected {expected}.")
        checked(part, here, depth + 1)


def _wrong(key: str, x: Any) -> str | None:
    """What is expected of an entry, if it is not that."""
    if key in _TEXT and not isinstance(x, (str, Mapping, type(None))):
        return "text"
    if key in _TEXTS and not (isinstance(x, list) and all(isinstance(each, str) for each in x)):
        return "a list of texts"
    if key in _WHOLE and not (type(x) is int and 0 <= x <= _LARGEST):
        return f"a whole number up to {_LARGEST}"
    if key == "dt" and x is not None and not _is_positive(x):
        return "a positive number of s"
    if key == "dim" and not (isinstance(x, list) and len(x) == len(SI) and all(map(_is_power, x))):
        return f"{len(SI)} powers of units"
    if key == "si" or (key in _NUMBERS and not isinstance(x, (str, Mapping, type(None)))):
        try:
            found = np.asarray(x)
        except ValueError:  # lists of several lengths
            return "numbers"
        return None if found.dtype.kind in "biuf" else "numbers"
    return None


def _is_positive(x: Any) -> bool:
    return isinstance(x, (int, float)) and not isinstance(x, bool) and 0 < x < float("inf")


def _is_power(x: Any) -> bool:
    return isinstance(x, (int, float)) and not isinstance(x, bool) and abs(x) <= _HIGHEST
