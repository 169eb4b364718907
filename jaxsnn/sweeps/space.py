"""What may vary: numbers within one program, choices that are compiled in, and seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from .._types import canonical_float, is_concrete

MOST = 10**8  # values of an axis, and points of a grid


@dataclass(frozen=True)
class Axis:
    """A number that may vary within one compiled program.

    **Arguments:** `default`: its value where it does not vary. `lo`, `hi`, `n`: a range of `n` values, ends included,
    spaced evenly (`log=True`: in their logarithm); or `values`. With neither, it stays at its default. `unit`: kept
    with the result.

    Inside the experiment it is a traced number of the default float type; whole numbers that this type does not hold
    exactly are refused.
    """

    default: float
    lo: float | None = None
    hi: float | None = None
    n: int | None = None
    log: bool = False
    values: Sequence[float] | None = None
    unit: str = ""

    def __post_init__(self):
        _put(self, default=_number(self.default, "Axis(default)"), unit=_unit(self.unit, "Axis"))
        given = [x is not None for x in (self.lo, self.hi, self.n)]
        if any(given) and not all(given):
            raise ValueError(f"Got Axis(lo={self.lo}, hi={self.hi}, n={self.n}), expected all three or none of them.")
        if self.values is not None and any(given):
            raise ValueError("Got Axis with values and with lo, hi and n, expected values or a range.")
        if not isinstance(self.log, bool):
            raise ValueError(f"Got Axis(log={self.log!r}), expected True or False.")
        if self.values is not None:
            _put(self, values=tuple(_number(v, "Axis(values)") for v in _sequence(self.values, "Axis")))
        if self.n is not None:
            lo, hi = (_number(x, f"Axis({name})", finite=True) for name, x in (("lo", self.lo), ("hi", self.hi)))
            _put(self, lo=lo, hi=hi, n=_whole(self.n, "Axis(n", "number of values", least=1, most=MOST))
            if self.log and min(lo, hi) <= 0:
                raise ValueError(f"Got a logarithmic Axis from {lo} to {hi}, expected both ends above 0.")

    @property
    def points(self) -> np.ndarray:
        """The values it takes in a sweep."""
        if self.values is not None:
            return np.asarray(self.values, float)
        if self.n is None:
            return np.asarray([self.default], float)
        return (np.geomspace if self.log else np.linspace)(self.lo, self.hi, self.n)

    @property
    def varies(self) -> bool:
        return self.values is not None or self.n is not None

    def at(self, value: float) -> Axis:
        """The same at one value."""
        return Axis(value, unit=self.unit)

    def over(self, values: Sequence[float]) -> Axis:
        """The same over other values."""
        return replace(self, values=values, lo=None, hi=None, n=None)

    def between(self, lo: float, hi: float, n: int, log: bool = False) -> Axis:
        """The same over a range."""
        return replace(self, values=None, lo=lo, hi=hi, n=n, log=log)

    def unfit(self) -> str | None:
        """Which value the float type of this process cannot hold, if any."""
        kind = canonical_float()
        for value in (self.default, *(self.values or ())):
            if isinstance(value, int) and float(np.asarray(value, float).astype(kind)) != value:
                return f"{value!r}, which {kind} does not hold exactly"
        numbers = np.append(self.points, float(self.default))
        with np.errstate(over="ignore", under="ignore"):
            held = numbers.astype(kind)
        lost = (np.isinf(held) != np.isinf(numbers)) | ((held == 0) != (numbers == 0))
        if lost.any():
            return f"{numbers[lost][0]!r}, which {kind} holds as {held[lost][0]!r}"
        if self.varies and len(np.unique(held)) < len(np.unique(numbers)):
            return f"values closer to each other than {kind} resolves"
        return None


@dataclass(frozen=True)
class Static:
    """A choice that shapes the program (a size, a class, a string): every value of it is compiled separately.

    In the result, numbers, booleans and strings are labels as they are where all values are of one kind; everything
    else is labelled by its `repr`. Two values with one label are refused.
    """

    default: Any
    values: Sequence[Any] | None = None
    unit: str = ""

    def __post_init__(self):
        _put(self, unit=_unit(self.unit, "Static"))
        if self.values is not None:
            _put(self, values=tuple(_sequence(self.values, "Static")))

    @property
    def points(self) -> tuple[Any, ...]:
        """The values it takes in a sweep."""
        return (self.default,) if self.values is None else tuple(self.values)

    @property
    def varies(self) -> bool:
        return self.values is not None

    def at(self, value: Any) -> Static:
        """The same at one value."""
        return Static(value, unit=self.unit)

    def over(self, values: Sequence[Any]) -> Static:
        """The same over other values."""
        return replace(self, values=values)


@dataclass(frozen=True)
class Seeds:
    """Seeds `first .. first + n - 1`, or `values`: a point's key is `fold_in(key, seed)`, whatever else is in the grid.

    Whole numbers from 0 to 2^31 - 1; inside the experiment, a traced int32.
    """

    n: int = 1
    first: int = 0
    values: Sequence[int] | None = None
    unit: str = ""

    def __post_init__(self):
        n = _whole(self.n, "Seeds(", "number of seeds", least=1, most=MOST)
        first = _whole(self.first, "Seeds(first=", "first seed", most=2**31 - n)
        _put(self, n=n, first=first, unit=_unit(self.unit, "Seeds"))
        if self.values is not None:
            seeds = _sequence(self.values, "Seeds")
            _put(self, values=tuple(_whole(v, "Seeds(values=", "seed", most=2**31 - 1) for v in seeds))

    @property
    def points(self) -> np.ndarray:
        """The seeds of a sweep."""
        if self.values is None:
            return np.arange(self.first, self.first + self.n, dtype=np.int32)
        return np.asarray(self.values, np.int32)

    @property
    def default(self) -> int:
        """The first of them."""
        return self.first if not self.values else self.values[0]

    @property
    def varies(self) -> bool:
        return len(self.points) > 1

    def at(self, value: int) -> Seeds:
        """One seed."""
        return Seeds(first=value, unit=self.unit)

    def over(self, values: Sequence[int]) -> Seeds:
        """Other seeds."""
        return Seeds(values=values, unit=self.unit)


Space = Mapping[str, Axis | Static | Seeds]


def _put(made: Any, **fields: Any) -> None:
    """What a frozen dataclass was given, in one form."""
    for name, value in fields.items():
        object.__setattr__(made, name, value)


def _plain(value: Any) -> Any:
    """A scalar of NumPy or JAX as a plain number."""
    concrete = isinstance(value, np.generic | np.ndarray | jax.Array) and is_concrete(value)
    return value.item() if concrete and value.ndim == 0 and value.dtype.kind in "biuf" else value


def _number(value: Any, what: str, finite: bool = False) -> int | float:
    number = _plain(value)
    if isinstance(number, bool) or not isinstance(number, int | float) or number != number:
        raise ValueError(f"Got {what} = {value!r}, expected a number; choices of other kinds are Static(...).")
    try:
        wrong = finite and math.isinf(number)
        exact = not isinstance(number, int) or int(float(number)) == number
    except OverflowError:
        wrong, exact = False, False
    if wrong or not exact:
        raise ValueError(f"Got {what} = {value!r}, expected a {'finite ' if wrong else ''}number that a float holds.")
    return number


def _whole(value: Any, what: str, of: str, *, least: int = 0, most: int) -> int:
    number = _plain(value)
    close = ")" if "(" in what else ""
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
        kind = f"a positive {of}" if least else f"a {of} that is a whole number from 0"
        equals = "" if what.endswith(("(", "=")) else "="
        raise ValueError(f"Got {what}{equals}{value!r}{close}, expected {kind}, at most {most}.")
    return number


def _sequence(values: Any, what: str) -> Iterable[Any]:
    if isinstance(values, np.ndarray | jax.Array) and values.ndim == 1:
        return values.tolist()
    if isinstance(values, str | bytes | Mapping | set | frozenset) or not isinstance(values, Iterable):
        raise ValueError(f"Got {what}(values={values!r}), expected a list of values.")
    return values


def _unit(unit: Any, what: str) -> str:
    if not isinstance(unit, str):
        raise ValueError(f"Got {what}(unit={unit!r}), expected a string such as 'mV'.")
    return unit
