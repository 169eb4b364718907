"""Numbers that may vary within one compiled program: real, whole, or yes and no."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from .._types import canonical_float
from ..distributions import AbstractDistribution
from .choices import Seeds, Static
from .values import INT32, MOST, a_range, flag, number, put, sequence, unit_of, whole


@dataclass(frozen=True)
class Axis:
    """A real number that may vary within one compiled program.

    **Arguments:** `default`: its value where it does not vary. `lo`, `hi`, `n`: a range of `n` values, ends included,
    spaced evenly (`log=True`: in their logarithm); or `values`. With neither, it stays at its default. `unit`: kept
    with the result. `prior`: a distribution of the library, from which random designs draw it.

    Inside the experiment it is a traced number of the default float type; whole numbers that this type does not hold
    exactly are refused (`Whole` holds them).
    """

    default: float
    lo: float | None = None
    hi: float | None = None
    n: int | None = None
    log: bool = False
    values: Sequence[float] | None = None
    unit: str = ""
    prior: AbstractDistribution | None = None

    def __post_init__(self):
        put(self, default=number(self.default, "Axis(default)"), unit=unit_of(self.unit, "Axis"))
        a_range("Axis", self.lo, self.hi, self.n, self.values)
        if not isinstance(self.log, bool):
            raise ValueError(f"Got Axis(log={self.log!r}), expected True or False.")
        if self.values is not None:
            put(self, values=tuple(number(v, "Axis(values)") for v in sequence(self.values, "Axis")))
        if self.n is not None:
            lo, hi = (number(x, f"Axis({name})", finite=True) for name, x in (("lo", self.lo), ("hi", self.hi)))
            put(self, lo=lo, hi=hi, n=whole(self.n, "Axis(n", "number of values", least=1, most=MOST))
            if self.log and min(lo, hi) <= 0:
                raise ValueError(f"Got a logarithmic Axis from {lo} to {hi}, expected both ends above 0.")
        if self.prior is not None and not isinstance(self.prior, AbstractDistribution):
            raise ValueError(f"Got Axis(prior={self.prior!r}), expected a distribution such as Uniform(0.0, 1.0).")

    @property
    def dtype(self) -> np.dtype:
        """Its type inside the experiment."""
        return canonical_float()

    @property
    def points(self) -> np.ndarray:
        """The values it takes in a sweep."""
        if self.values is not None:
            return np.asarray(self.values, float)
        if self.lo is None or self.hi is None or self.n is None:
            return np.asarray([self.default], float)
        return (np.geomspace if self.log else np.linspace)(self.lo, self.hi, self.n)

    @property
    def varies(self) -> bool:
        """Whether it takes other values than its default."""
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

    def quantile(self, u: np.ndarray) -> np.ndarray:
        """What random designs take for numbers in [0, 1): uniform between the ends, or one of the values."""
        if self.values is not None:
            return self.points[(u * len(self.values)).astype(int)]
        assert self.lo is not None and self.hi is not None
        if self.log:
            return np.exp(np.log(self.lo) + u * (np.log(self.hi) - np.log(self.lo)))
        return self.lo + u * (self.hi - self.lo)

    def unfit(self, points: np.ndarray) -> str | None:
        """Which value the float type of this process cannot hold, if any."""
        kind = self.dtype
        for value in (self.default, *(self.values or ())):
            if isinstance(value, int) and float(np.asarray(value, float).astype(kind)) != value:
                return f"{value!r}, which {kind} does not hold exactly"
        numbers = np.append(points, float(self.default))
        with np.errstate(over="ignore", under="ignore"):
            held = numbers.astype(kind)
        lost = (np.isinf(held) != np.isinf(numbers)) | ((held == 0) != (numbers == 0))
        if lost.any():
            return f"{numbers[lost][0]!r}, which {kind} holds as {held[lost][0]!r}"
        if len(np.unique(held[:-1])) < len(np.unique(points)):  # that one is close to the default does no harm
            return f"values closer to each other than {kind} resolves"
        return None


@dataclass(frozen=True)
class Whole:
    """A whole number that may vary within one compiled program: a fold, a delay in steps, bits, a count.

    **Arguments:** `default`: its value where it does not vary. `lo`, `hi`: every whole number between them, ends
    included; `n`: so many of them, spaced evenly, which must come out whole; or `values`. `unit`: kept with the result.

    From -2^31 to 2^31 - 1; inside the experiment, a traced int32. A size shapes the program: that is a `Static`.
    """

    default: int
    lo: int | None = None
    hi: int | None = None
    n: int | None = None
    values: Sequence[int] | None = None
    unit: str = ""

    def __post_init__(self):
        put(self, default=_int32(self.default, "Whole(default="), unit=unit_of(self.unit, "Whole"))
        if self.lo is not None and self.hi is not None:
            lo, hi = _int32(self.lo, "Whole(lo="), _int32(self.hi, "Whole(hi=")
            n = abs(hi - lo) + 1 if self.n is None else whole(self.n, "Whole(n", "number of values", least=1, most=MOST)
            put(self, lo=lo, hi=hi, n=n)
            if (hi - lo) % max(1, n - 1):
                raise ValueError(f"Got Whole(lo={lo}, hi={hi}, n={n}), whose {n} values are not all whole numbers.")
        a_range("Whole", self.lo, self.hi, self.n, self.values)
        if self.values is not None:
            put(self, values=tuple(_int32(v, "Whole(values=") for v in sequence(self.values, "Whole")))

    dtype = np.dtype(np.int32)

    @property
    def points(self) -> np.ndarray:
        """The values it takes in a sweep."""
        if self.lo is None or self.hi is None or self.n is None:
            return np.asarray([self.default] if self.values is None else self.values, np.int64)
        return self.lo + (self.hi - self.lo) // max(1, self.n - 1) * np.arange(self.n)

    @property
    def varies(self) -> bool:
        """Whether it takes other values than its default."""
        return self.values is not None or self.n is not None

    def at(self, value: int) -> Whole:
        """The same at one value."""
        return Whole(value, unit=self.unit)

    def over(self, values: Sequence[int]) -> Whole:
        """The same over other values."""
        return Whole(self.default, values=values, unit=self.unit)

    def quantile(self, u: np.ndarray) -> np.ndarray:
        """What random designs take for numbers in [0, 1): one of the values."""
        return self.points[(u * len(self.points)).astype(int)]


@dataclass(frozen=True)
class Flag:
    """Yes or no, within one compiled program: a traced boolean (`jnp.where(point["on"], ...)`).

    **Arguments:** `default`: its value where it does not vary. `values`: both, `(False, True)`, or one. `unit`: text. A
    choice that Python's `if` makes is a `Static`.
    """

    default: bool
    values: Sequence[bool] | None = None
    unit: str = ""

    def __post_init__(self):
        put(self, default=flag(self.default, "Flag(default)"), unit=unit_of(self.unit, "Flag"))
        if self.values is not None:
            put(self, values=tuple(flag(v, "Flag(values)") for v in sequence(self.values, "Flag")))

    dtype = np.dtype(np.bool_)

    @property
    def points(self) -> np.ndarray:
        """The values it takes in a sweep."""
        return np.asarray([self.default] if self.values is None else self.values, bool)

    @property
    def varies(self) -> bool:
        """Whether it takes other values than its default."""
        return self.values is not None

    def at(self, value: bool) -> Flag:
        """The same at one value."""
        return Flag(value, unit=self.unit)

    def over(self, values: Sequence[bool]) -> Flag:
        """The same over other values."""
        return Flag(self.default, values=values, unit=self.unit)

    def quantile(self, u: np.ndarray) -> np.ndarray:
        """What random designs take for numbers in [0, 1): one of the values."""
        return self.points[(u * len(self.points)).astype(int)]


Number = Axis | Whole | Flag
Parameter = Axis | Whole | Flag | Static | Seeds
Space = Mapping[str, Parameter]


def at_default(parameter: Parameter) -> Parameter:
    """The same at its default."""
    return cast(Callable[[Any], Parameter], parameter.at)(parameter.default)  # each takes a value of its own type


def over_values(parameter: Parameter, values: Sequence[Any]) -> Parameter:
    """The same over other values, which it checks."""
    return cast(Callable[[Sequence[Any]], Parameter], parameter.over)(values)


def _int32(value: Any, what: str) -> int:
    return whole(value, what, "whole number", least=INT32[0], most=INT32[1])
