"""Registers: whole-numbered leaves of a chip's parts, and checks that they hold what they are given."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from .._types import is_concrete


def register(default: Any = None, *, unit: str = "1", within: tuple[int, int] | None = None, **kwargs: Any) -> Any:
    """A whole-numbered field of an `eqx.Module`: an int32 leaf, so that it can be swept like any other number.

    `within`: the smallest and the largest number that it holds; a `Ranged` class checks it.
    """

    def convert(value: Any) -> Array:
        return as_integer(value)

    kwargs = kwargs if default is None else {"default": default, **kwargs}
    return eqx.field(converter=convert, metadata={"unit": unit, "within": within}, **kwargs)


def as_integer(value: Any) -> Int[Array, "..."]:
    """A strongly typed int32 array; an error for concrete numbers that are not whole or do not fit."""
    if is_concrete(value):
        given = np.asarray(value)
        if given.dtype == bool or not np.issubdtype(given.dtype, np.number) or np.iscomplexobj(given):
            raise ValueError(f"Got {value!r} for a register; expected a whole number or an array of them.")
        if given.size and not (np.all(np.rint(given) == given) and np.abs(given).max() < 2**31):
            raise ValueError(f"Got {value!r} for a register; expected whole numbers below 2^31: quantise them.")
        value = given.astype(np.int32)
    with jax.ensure_compile_time_eval():
        return jnp.asarray(value).astype(jnp.int32)


class Ranged(eqx.Module):
    """A part of a chip, whose registers hold so much: an error at once where numbers are known.

    Traced ones cannot raise: `out_of_range` finds them for a status bit.
    """

    def ranges(self) -> dict[str, tuple[int, int]]:
        """The smallest and the largest number of every register that has a range."""
        ends = {field.name: field.metadata.get("within") for field in dataclasses.fields(self)}
        return {name: end for name, end in ends.items() if end is not None and getattr(self, name) is not None}

    def faulty(self) -> Bool[Array, ""]:
        """Whether any number is none that the part holds; a subclass adds what is not a range."""
        bad = jnp.zeros((), bool)
        for name, (low, high) in self.ranges().items():
            value = getattr(self, name)
            bad |= jnp.any((value < low) | (value > high))
        return bad

    def __check_init__(self):
        for name, (low, high) in self.ranges().items():
            value = getattr(self, name)
            if not is_concrete(value):
                continue
            known = np.asarray(value)
            if known.size and not low <= known.min() <= known.max() <= high:
                raise ValueError(
                    f"{type(self).__name__}.{name} is {span(known)}; expected whole numbers from {low} to {high}."
                )


def out_of_range(tree: Any) -> Bool[Array, ""]:
    """Whether any number of any `Ranged` part in a tree is none that it holds."""
    bad = tree.faulty() if isinstance(tree, Ranged) else jnp.zeros((), bool)
    if dataclasses.is_dataclass(tree):
        parts = [getattr(tree, field.name, None) for field in dataclasses.fields(tree)]
    else:
        parts = [*tree.values()] if isinstance(tree, Mapping) else [*tree] if isinstance(tree, (list, tuple)) else []
    for part in parts:
        bad |= out_of_range(part)
    return bad


def whole(part: object, **least: int) -> None:
    """Refuses static numbers of a part, sizes and the like, that are not whole or less than so much."""
    for name, low in least.items():
        value = getattr(part, name)
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not low <= value < 2**31:
            raise ValueError(f"{type(part).__name__}.{name} is {value!r}; expected a whole number of at least {low}.")


def span(x: Any) -> str:
    """From the smallest to the largest of some numbers, for a text."""
    if not is_concrete(x):
        return "traced"
    x = np.asarray(x)
    low, high = (x.min(), x.max()) if x.size else (0, 0)
    return f"{low}" if low == high else f"{low} .. {high}"
