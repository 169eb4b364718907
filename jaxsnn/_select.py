"""Which neurons: an index, a list, a slice, a range or a boolean mask, the same way wherever neurons are chosen.

`selection` turns what a user gave into a hashable `Selection`, which is static; `Selection.of(n)` resolves it for a
population of `n`, and `Selection.rows(n)` makes numbers of it, an argument of a program that is compiled for every
selection of as many neurons. `split` takes apart a name that carries one, such as `"E[0:10]"`.
"""

from __future__ import annotations

import dataclasses
import operator
import re
import reprlib
from typing import Any

import equinox as eqx
import jax
import jax.core
import numpy as np
from jax import lax
from jaxtyping import Array, Int32

from ._types import Field, on_device

KINDS = "an index, a list of indices, a slice, a range or a boolean mask"


class Rows(eqx.Module):
    """Some neurons of a population, as a program takes them: their indices, or the first one of a slice.

    **Arguments:** `at`: as said. `span`: how many a slice holds, and how far apart they are, static; None for indices.
    """

    at: Int32[Array, "*chosen"]
    span: tuple[int, int] | None = eqx.field(static=True)

    def size(self, n: int, what: str) -> int:
        """The number of neurons that are chosen."""
        return self.at.shape[0] if self.span is None else self.span[0]

    def take(self, x: Array, what: str) -> Array:
        """Their entries of the first axis of `x`."""
        if self.span is None:
            return x.at[self.at].get(mode="promise_in_bounds")
        count, step = self.span
        return lax.dynamic_slice_in_dim(x, self.at, (count - 1) * step + 1)[::step]


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Selection:
    """Some neurons, as they were given: indices (of a mask its length too), or the three numbers of a slice.

    Indices may be negative, counted from the end. The order is kept; no neuron is chosen twice.
    """

    neurons: tuple[int, ...] | None = None
    mask: int | None = None
    slice: tuple[int | None, int | None, int | None] = (None, None, None)

    def indices(self, n: int, what: str) -> Int32[np.ndarray, " chosen"]:
        """The chosen neurons of a population of `n`, each within 0 .. n - 1. `what` names the argument in errors.

        **Raises** ValueError for a mask of another length, an index or a bound of a slice outside the population, a
        neuron that is named twice, and for a selection of no neuron.
        """
        if self.mask is not None and self.mask != n:
            raise ValueError(f"Got {what}, a mask of length {self.mask}, expected one entry a neuron: {n}.")
        if self.neurons is None:
            chosen = np.arange(n, dtype=np.int32)[slice(*self.slice)]
            # NumPy cuts a slice to what there is; a network that is smaller than its user thinks is an error here
            low, high = self.slice[:2]
            if any(bound is not None and not -n <= bound <= n for bound in (low, high)):
                raise ValueError(f"Got {what} = {self}, which reaches beyond the {n} neurons, 0 .. {n - 1}.")
        else:
            outside = [i for i in self.neurons if not -n <= i < n]
            if outside:
                raise ValueError(f"Got {what} with index {outside[0]}, expected one within 0 .. {n - 1} ({n} neurons).")
            chosen = np.array(self.neurons, np.int64).reshape(-1)
            chosen = np.where(chosen < 0, chosen + n, chosen).astype(np.int32)
            values, times = np.unique(chosen, return_counts=True)
            if np.any(times > 1):
                raise ValueError(f"Got {what}, which names neuron {values[times > 1][0]} twice; name each once.")
        if not len(chosen):
            raise ValueError(f"Got {what}, which selects none of the {n} neurons; choose at least one.")
        return chosen

    def of(self, n: int, what: str) -> slice | Int32[np.ndarray, " chosen"]:
        """What to index an axis of length `n` with: a slice with bounds where that says it (no gather), else indices.

        As `indices` otherwise, with the same errors.
        """
        chosen = self.indices(n, what)
        gaps = np.unique(np.diff(chosen))
        if len(gaps) == 0 or (len(gaps) == 1 and gaps[0] > 0):
            return slice(int(chosen[0]), int(chosen[-1]) + 1, int(gaps[0]) if len(gaps) else 1)
        return chosen

    def size(self, n: int, what: str) -> int:
        """The number of neurons that are chosen of `n`, with the errors of `indices`."""
        return len(self.indices(n, what))

    def take(self, x: Array, what: str) -> Array:
        """Their entries of the first axis of `x`."""
        return x[self.of(x.shape[0], what)]

    def rows(self, n: int, what: str) -> Rows:
        """The same neurons of a population of `n` as numbers."""
        found = self.of(n, what)
        if isinstance(found, slice):
            return Rows(on_device(np.int32(found.start)), (self.size(n, what), found.step))
        return Rows(on_device(found), None)

    def __str__(self) -> str:
        """As it is written in a name: `[0:10]`, `[3]`, `[0,4,7]`."""
        if self.neurons is None:
            start, stop, step = ("" if bound is None else str(bound) for bound in self.slice)
            return f"[{start}:{stop}{':' + step if step else ''}]"
        shown = [str(i) for i in self.neurons]
        return f"[{','.join(shown if len(shown) <= 8 else [*shown[:3], '...', shown[-1]])}]"


Chosen = Field[Any, Selection | None]  # a field that is given in any of these ways


def selection(given: Any, what: str) -> Selection | None:
    """What a user gave for "which neurons", hashable; None for None, which means all. `what` names the argument.

    **Raises** ValueError for floats, single booleans, strings, several axes, traced arrays: nothing is converted.
    """
    if given is None or isinstance(given, Selection):
        return given
    if isinstance(given, slice):
        bounds = (None if b is None else _index(b, given, what) for b in (given.start, given.stop, given.step))
        start, stop, step = bounds
        if step == 0:
            raise ValueError(f"Got {what} = {given}, a slice of step 0; expected another step.")
        return Selection(slice=(start, stop, step))
    if isinstance(given, jax.core.Tracer):
        raise ValueError(f"Got {what} = {given}, which is traced; which neurons is static: give a NumPy array.")
    if isinstance(given, (np.ndarray, jax.Array)) and given.ndim:
        if given.ndim != 1 or (given.dtype.kind not in "biu" and given.size):
            raise ValueError(f"Got {what} of shape {given.shape} and type {given.dtype}, expected {KINDS}.")
        if given.dtype.kind == "b":
            return Selection(tuple(np.flatnonzero(given).tolist()), given.size)
        return Selection(tuple(np.asarray(given).tolist()))
    if isinstance(given, (list, tuple, range)):
        if len(given) and all(isinstance(entry, (bool, np.bool_)) for entry in given):
            return Selection(tuple(np.flatnonzero(given).tolist()), len(given))
        return Selection(tuple(_index(entry, given, what) for entry in given))
    return Selection((_index(given, given, what),))


def split(name: Any, what: str, index: Any = None) -> tuple[str, Selection | None]:
    """A name and the neurons that it carries, or those of `index=`: `"E[0:10]"` is `("E", [0:10])`.

    In brackets stands an index, several with commas between them, or a slice; behind any part of a dotted name:
    `"E[3].exc"` and `"E.exc[3]"` are the same. None where no neurons are chosen, which means all.

    **Raises** ValueError for what is no name, for other brackets, and for neurons given twice.
    """
    if not isinstance(name, str) or not name:
        raise ValueError(f"Got {what} = {name!r} ({type(name).__name__}), expected a name.")
    found = re.fullmatch(r"([^\[\]]+)\[([^\[\]]*)\]((?:\.[^\[\]]+)?)", name)
    if found is None:
        if "[" in name or "]" in name:
            raise ValueError(f"Got {what} = {name!r}, expected one selection in brackets, such as 'E[0:10]' or 'E[3]'.")
        return name, selection(index, f"the index of {what} {name!r}")
    if index is not None:
        raise ValueError(f"Got {what} = {name!r} and an index, expected one of them.")
    before, inside, behind = found.groups()
    return before + behind, _parsed(inside.strip(), name, what)


def _parsed(text: str, name: str, what: str) -> Selection:
    number = r"\s*[+-]?\d+\s*"
    if re.fullmatch(rf"{number}(,{number})*,?\s*", text):
        return Selection(tuple(int(part) for part in text.split(",") if part.strip()))
    if re.fullmatch(rf"(?:{number})?\s*:(?:{number})?\s*(?::(?:{number})?)?\s*", text):
        bounds = [int(part) if part.strip() else None for part in text.split(":")]
        return selection(slice(*bounds), f"{what} {name!r}")  # type: ignore[return-value]  # a slice is not None
    raise ValueError(f"Got {what} = {name!r}, expected in brackets an index, '0,3,5' or a slice such as '0:10'.")


def _index(entry: Any, given: Any, what: str) -> int:
    kind = getattr(getattr(entry, "dtype", None), "kind", "")  # a boolean array of no axis has an index, 0 or 1
    if not isinstance(entry, bool) and kind != "b":
        try:
            return operator.index(entry)
        except TypeError:
            pass
    raise ValueError(f"Got {what} = {reprlib.repr(given)} ({type(entry).__name__}), expected {KINDS}.")
