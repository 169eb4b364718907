"""Dimensions and units of equations: what is checked at construction, and the numbers that units stand for.

A number of this library is in ms, mV and pA, and in what follows of them: nS, pF, GOhm, 1/ms, um, mM. In these units no
equation needs a conversion factor, so a unit in an expression is the number that it is of them: `ms` is 1, `second`
1000, `Mohm` 0.001.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import cache

_SCALE = {"s": 1e-3, "V": 1e-3, "A": 1e-12, "m": 1e-6, "K": 1.0, "mol": 1e-18, "cd": 1.0}  # the library's units in SI


class Dimension:
    """A product of powers of base dimensions, and of dimensions that are still to be found (`?name`)."""

    def __init__(self, powers: Mapping[str, Fraction | int] = {}):
        self.powers = {name: Fraction(power) for name, power in powers.items() if power}

    def __mul__(self, other: Dimension) -> Dimension:
        names = {*self.powers, *other.powers}
        return Dimension({name: self.powers.get(name, 0) + other.powers.get(name, 0) for name in names})

    def __pow__(self, power: Fraction | int) -> Dimension:
        return Dimension({name: own * power for name, own in self.powers.items()})

    def __truediv__(self, other: Dimension) -> Dimension:
        return self * other**-1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dimension) and self.powers == other.powers

    def __hash__(self) -> int:
        return hash(frozenset(self.powers.items()))

    def __bool__(self) -> bool:
        return bool(self.powers)

    @property
    def scale(self) -> float:
        """The library's unit of this dimension, in SI units."""
        found = 1.0
        for name, power in self.powers.items():
            found *= _SCALE.get(name, 1.0) ** float(power)
        return found

    def __str__(self) -> str:
        """The library's unit: `mV`, `nS`, or a product of powers."""
        if self in _SHORT:
            return _SHORT[self]
        units = {"s": "ms", "V": "mV", "A": "pA", "m": "um", "mol": "amol"}
        each = [(units.get(name, name.lstrip("?")), power) for name, power in sorted(self.powers.items())]
        return " ".join(unit if power == 1 else f"{unit}^{power}" for unit, power in each)


ONE = Dimension()
TIME, VOLTAGE, CURRENT = Dimension({"s": 1}), Dimension({"V": 1}), Dimension({"A": 1})
LENGTH, AMOUNT, KELVIN, CANDELA = (Dimension({name: 1}) for name in ("m", "mol", "K", "cd"))
CHARGE, CONDUCTANCE, ENERGY = CURRENT * TIME, CURRENT / VOLTAGE, VOLTAGE * CURRENT * TIME
CAPACITANCE, MASS, RATE = CHARGE / VOLTAGE, ENERGY * TIME**2 / LENGTH**2, ONE / TIME

_SHORT = {
    ONE: "1", TIME: "ms", VOLTAGE: "mV", CURRENT: "pA", CONDUCTANCE: "nS", CONDUCTANCE**-1: "GOhm", CAPACITANCE: "pF",
    CHARGE: "fC", RATE: "1/ms", LENGTH: "um", VOLTAGE / TIME: "mV/ms", CURRENT / TIME: "pA/ms",
    AMOUNT / LENGTH**3: "mM",
}  # fmt: skip

_WORDS = {  # Brian2's names of units, and what one is in SI
    "second": (1.0, TIME), "volt": (1.0, VOLTAGE), "amp": (1.0, CURRENT), "ampere": (1.0, CURRENT),
    "siemens": (1.0, CONDUCTANCE), "ohm": (1.0, CONDUCTANCE**-1), "farad": (1.0, CAPACITANCE), "coulomb": (1.0, CHARGE),
    "hertz": (1.0, RATE), "metre": (1.0, LENGTH), "meter": (1.0, LENGTH), "kelvin": (1.0, KELVIN),
    "mole": (1.0, AMOUNT), "mol": (1.0, AMOUNT), "molar": (1e3, AMOUNT / LENGTH**3), "joule": (1.0, ENERGY),
    "watt": (1.0, ENERGY / TIME), "newton": (1.0, ENERGY / LENGTH), "pascal": (1.0, ENERGY / LENGTH**3),
    "gram": (1e-3, MASS), "candela": (1.0, CANDELA), "radian": (1.0, ONE),
}  # fmt: skip
_LETTERS = {"s": "second", "V": "volt", "A": "amp", "S": "siemens", "F": "farad", "Hz": "hertz", "m": "metre",
            "M": "molar", "C": "coulomb"}  # fmt: skip
_PREFIXES = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "c": 1e-2, "k": 1e3, "M": 1e6, "G": 1e9}


@cache
def unit(name: str) -> tuple[float, Dimension] | None:
    """The number that a unit of Brian2 is here, and its dimension; None for a name that is no unit.

    Words stand alone or with a prefix (`volt`, `mvolt`), letters with a prefix only (`mV`; and `Hz`); lengths also with
    a power (`cm2`).
    """
    if name[-1:] in ("2", "3") and (length := unit(name[:-1])) and length[1] == LENGTH:
        return length[0] ** int(name[-1]), LENGTH ** int(name[-1])
    word = "hertz" if name == "Hz" else name
    if word in _WORDS:
        size, dimension = _WORDS[word]
        return size / dimension.scale, dimension
    rest = _LETTERS.get(name[1:], name[1:])
    if name[:1] in _PREFIXES and rest in _WORDS:
        size, dimension = _WORDS[rest]
        return _PREFIXES[name[0]] * size / dimension.scale, dimension
    return None


class Unification:
    """Dimensions that are not given, found from those that have to be equal: by elimination, since all is products."""

    def __init__(self) -> None:
        self.found: dict[str, Dimension] = {}

    def known(self, dimension: Dimension) -> Dimension:
        """A dimension, with what has been found in place."""
        while any(name in self.found for name in dimension.powers):
            for name, power in dimension.powers.items():
                if name in self.found:
                    dimension = dimension / Dimension({name: power}) * self.found[name] ** power
                    break
        return dimension

    def equal(self, one: Dimension, other: Dimension) -> bool:
        """Whether two are equal, or can be: what is unknown in them is then decided."""
        ratio = self.known(one / other)
        free = next((name for name in sorted(ratio.powers) if name[0] == "?"), None)
        if free is None:
            return not ratio
        power = ratio.powers[free]
        self.found[free] = (Dimension({free: power}) / ratio) ** (1 / power)
        return True
