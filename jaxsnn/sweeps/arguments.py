"""Values of parameters as they are written on a command line."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np

from .choices import Seeds, Static
from .labels import text as label_of
from .space import Axis, Flag, Parameter, Space, Whole, over_values
from .values import MOST

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_FORMS = "lo:hi:n (two finite numbers and a positive count), or a,b,c"


def assignments(texts: Iterable[str], option: str) -> dict[str, str]:
    """`NAME=VALUE`, each name once."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise ValueError(f"Got {text!r}, expected NAME=VALUE.")
        if name in found:
            raise ValueError(f"Got {option} {name}={found[name]} and {option} {name}={value}, expected one of them.")
        found[name] = value
    return found


def at(space: Space, name: str, text: str) -> Parameter:
    """A parameter at the one value that `text` says."""
    return _named(name, text, lambda: space[name].at(_value(space[name], text, name)))


def over(space: Space, name: str, text: str) -> Parameter:
    """A parameter over the values that `text` says: `lo:hi:n` as `Axis(lo=, hi=, n=)`, or `a,b,c`."""
    axis = space[name]
    if ":" in text and (isinstance(axis, Axis | Whole | Seeds) or _number(axis.default)):
        return _named(name, text, lambda: _range(axis, text, name))
    return _named(name, text, lambda: axis.over([_value(axis, part, name) for part in _parts(text)]))


def _named(name: str, text: str, make: Any) -> Any:
    try:
        return make()
    except ValueError as error:
        known = str(error)
        raise ValueError(known if f"{name}=" in known else f"Got {name}={text}: {known}") from None


def _range(axis: Parameter, text: str, name: str) -> Parameter:
    lo, hi, n, *log = text.split(":") if text.count(":") in (2, 3) else ("", "", "")
    try:
        first, last, count = float(lo), float(hi), int(n)
    except ValueError:
        first, last, count = 0.0, 0.0, 0
    if not (1 <= count <= MOST and math.isfinite(first) and math.isfinite(last)) or log not in ([], ["log"]):
        raise ValueError(f"Got {name}={text}, expected {_FORMS}; lo:hi:n:log for a range in the logarithm.")
    if isinstance(axis, Axis):
        return axis.between(first, last, count, log=bool(log))
    if log:
        raise ValueError(f"Got {name}={text}, expected {_FORMS}; only an Axis has a range in its logarithm.")
    if isinstance(axis, Static) and isinstance(axis.default, float):
        return axis.over(np.linspace(first, last, count).tolist())
    ends = Fraction(lo), Fraction(hi)
    exact = [ends[0] + (ends[1] - ends[0]) * i / max(1, count - 1) for i in range(count)]
    if any(x.denominator != 1 for x in exact):
        raise ValueError(f"Got {name}={text}, expected a range of whole numbers, such as 0:9:10.")
    return over_values(axis, [int(x) for x in exact])


def _value(axis: Parameter, text: str, name: str) -> Any:
    """One value, of the type that the parameter has."""
    if isinstance(axis, Static):
        return _choice(axis, text, name)
    if isinstance(axis, Flag):
        if text.lower() not in _BOOLEANS:
            raise _wrong(name, text, "bool")
        return _BOOLEANS[text.lower()]
    number = _parse(int, text)
    if number is None and isinstance(axis, Axis):
        number = _parse(float, text)
    if number is None:
        raise _wrong(name, text, "float" if isinstance(axis, Axis) else "int")
    if isinstance(number, float) and math.isinf(number) and "inf" not in text.lower():
        raise ValueError(f"Got {name}={text}, expected a number that a float holds.")
    return number


def _choice(axis: Static, text: str, name: str) -> Any:
    """One of those that the file names, or another of a type that they have."""
    known = [axis.default, *(axis.values or ())]
    by_label = {label_of(value): value for value in known}
    if text in by_label:
        return by_label[text]
    kinds = [type(value) for value in known]
    if bool in kinds and text.lower() in _BOOLEANS:
        return _BOOLEANS[text.lower()]
    for kind in (int, float):
        if kind in kinds and (number := _parse(kind, text)) is not None:
            return number
    if {tuple, list, dict, set, type(None)} & {*kinds}:
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            value = axis  # of no such type
        if type(value) in kinds or (kinds == [type(None)] and value is not axis):
            return value
    if str in kinds or kinds == [type(None)]:
        return text
    simple = [kind.__name__ for kind in dict.fromkeys(kinds) if kind in (bool, int, float, tuple, list, dict, set)]
    if simple:
        raise _wrong(name, text, " or ".join(simple))
    raise ValueError(f"Got {name}={text}, expected one of {', '.join(by_label)}.")


def _wrong(name: str, text: str, kind: str) -> ValueError:
    return ValueError(f"Got {name}={text}, expected a value of type {kind}.")


def _parse(kind: type, text: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        return None


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _parts(text: str) -> list[str]:
    """What commas separate that are in no brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts
