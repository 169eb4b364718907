"""From numbers in SI units to the library's, with their dimensions; and the text of a unit."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from ...equations.dimensions import Dimension
from .plain import SI

_BASE = {"m": "m", "s": "s", "A": "A", "K": "K", "mol": "mol", "cd": "cd"}
_WORD = {"m": "meter", "s": "second", "A": "amp", "V": "volt", "K": "kelvin", "mol": "mol", "cd": "candela"}


class Number(NamedTuple):
    """A number, or an array of them, in the library's units, and its dimension."""

    value: Any
    dimension: Dimension

    @classmethod
    def of(cls, quantity: Mapping[str, Any]) -> Number:
        """From a quantity of a description."""
        dimension, given = dimension_of(quantity["dim"]), np.asarray(quantity["si"])
        return cls(np.asarray(given, float) / dimension.scale if dimension else np.asarray(given, float), dimension)

    @property
    def plain(self) -> Any:
        """A Python number where there is one."""
        return float(self.value) if np.ndim(self.value) == 0 else self.value


def dimension_of(powers: Any) -> Dimension:
    """The dimension of seven powers of SI's base units: a kilogram is V A s^3 / m^2."""
    m, kg, *_ = power = [Fraction(float(x)).limit_denominator(1000) for x in powers]
    found = {_BASE[name]: x for name, x in zip(SI, power) if name != "kg"}
    found |= {"V": kg, "A": found["A"] + kg, "s": found["s"] + 3 * kg, "m": m - 2 * kg}
    return Dimension(found)


def unit_text(dimension: Dimension) -> str:
    """A unit of this dimension, as equations write it."""
    words = [f"{_WORD[name]}**({power})" if power != 1 else _WORD[name] for name, power in dimension.powers.items()]
    return "*".join(words) or "1"
