"""Choices that are compiled in, and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .values import MOST, put, sequence, unit_of, whole


@dataclass(frozen=True)
class Static:
    """A choice that shapes the program (a size, a class, a string): every value of it is compiled separately.

    **Arguments:** `default`: where it does not vary. `values`: over which it does. `unit`: kept with the result.
    `capacity=True`: it says how much room there is and changes no number of a clean run; points keep their identity
    under another capacity, so that those that failed can be run again with more.

    In the result, numbers, booleans and strings are labels as they are where all values are of one kind; everything
    else is labelled by its `repr`. Two values with one label are refused.
    """

    default: Any
    values: Sequence[Any] | None = None
    unit: str = ""
    capacity: bool = False

    def __post_init__(self):
        put(self, unit=unit_of(self.unit, "Static"))
        if not isinstance(self.capacity, bool):
            raise ValueError(f"Got Static(capacity={self.capacity!r}), expected True or False.")
        if self.values is not None:
            put(self, values=tuple(sequence(self.values, "Static")))
            if self.capacity:
                raise ValueError("Got Static(capacity=True) with values, expected one: a capacity changes no result.")

    @property
    def points(self) -> tuple[Any, ...]:
        """The values it takes in a sweep."""
        return (self.default,) if self.values is None else tuple(self.values)

    @property
    def varies(self) -> bool:
        """Whether it takes other values than its default."""
        return self.values is not None

    def at(self, value: Any) -> Static:
        """The same at one value."""
        return Static(value, unit=self.unit, capacity=self.capacity)

    def over(self, values: Sequence[Any]) -> Static:
        """The same over other values."""
        return replace(self, values=values)


@dataclass(frozen=True)
class Seeds:
    """Seeds `first .. first + n - 1`, or `values`: a point's key is `fold_in(key, seed)`, whatever else is in the grid.

    Whole numbers from 0 to 2^31 - 1; inside the experiment, a traced int32.

    **Arguments:** `n`: how many. `first`: the smallest. `values`: the seeds themselves instead. `unit`: text.
    """

    n: int = 1
    first: int = 0
    values: Sequence[int] | None = None
    unit: str = ""

    def __post_init__(self):
        n = whole(self.n, "Seeds(", "number of seeds", least=1, most=MOST)
        first = whole(self.first, "Seeds(first=", "first seed", most=2**31 - n)
        put(self, n=n, first=first, unit=unit_of(self.unit, "Seeds"))
        if self.values is not None:
            seeds = sequence(self.values, "Seeds")
            put(self, values=tuple(whole(v, "Seeds(values=", "seed", most=2**31 - 1) for v in seeds))

    dtype = np.dtype(np.int32)

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
        """Whether there are several."""
        return len(self.points) > 1

    def at(self, value: int) -> Seeds:
        """One seed."""
        return Seeds(first=value, unit=self.unit)

    def over(self, values: Sequence[int]) -> Seeds:
        """Other seeds."""
        return Seeds(values=values, unit=self.unit)
