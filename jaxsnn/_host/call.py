"""`by_numpy`: a function of concrete arrays that NumPy runs where it can, and XLA otherwise."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._types import is_concrete
from .rules import Inexact
from .steps import Steps

_LARGEST = 2**26  # numbers that a call is handed: above, XLA's fewer passes over memory pay for compiling
_KEPT = 128  # traced programs
# Operations after which a program is compiled, as NumPy has then taken as long as compiling does: in all, and for each
# of its own. (64 projections: 70 ms by NumPy, 13 s to compile.)
_PATIENCE, _OF_EACH = 20_000, 200


def by_numpy(function: Callable[..., Any], *, donate: bool = False) -> Callable[..., Any]:
    """`eqx.filter_jit(function)` for what is called rarely: run by NumPy where the bits are those of XLA.

    NumPy runs a program whose operations each give one correctly rounded result wherever they run (see `rules`), on
    arrays of one CPU that are not bound to a device. Everything else is compiled. `donate`: to a compiled program the
    arrays of all arguments but the first are its own memory.
    """
    compiled = eqx.filter_jit(function, donate="all-except-first" if donate else "none")
    kept: dict[Any, _Traced] = {}

    def call(*args: Any) -> Any:
        leaves, structure = jax.tree.flatten(args)
        arrays = [x for x in leaves if _is_array(x)]
        static = tuple(None if _is_array(x) else (type(x), x) for x in leaves)  # 1 and True are equal
        if not is_concrete(arrays):
            return compiled(*args)
        name = structure, static, tuple(map(jax.typeof, arrays)), jnp.result_type(float)
        try:
            traced = kept.get(name)
        except TypeError:  # something static has no hash
            return compiled(*args)
        if traced is None:
            own = sum(map(_is_array, jax.tree.leaves(args[:1]))) if donate else None
            traced = _Traced(function, structure, static, arrays, own)
            for oldest in list(kept)[: len(kept) + 1 - _KEPT]:
                kept.pop(oldest, None)
            kept[name] = traced
        return traced(arrays)

    return call


def _is_array(x: Any) -> bool:
    return isinstance(x, jax.Array | np.ndarray | np.generic)


class _Traced:
    """A function for arguments of one structure and shapes, traced once."""

    def __init__(self, function: Any, structure: Any, static: tuple[Any, ...], arrays: list[Any], own: int | None):
        self.structure: Any = None  # of the results
        self.rest: Any = None  # what they hold beside arrays
        self.done = 0  # operations that NumPy has done for it
        self.donates = own is not None

        def flat(*arrays: Any) -> list[Any]:
            given = iter(arrays)
            leaves = [next(given) if x is None else x[1] for x in static]
            out, self.structure = jax.tree.flatten(function(*jax.tree.unflatten(structure, leaves)))
            self.rest = [None if eqx.is_array(x) else x for x in out]
            return [x for x in out if eqx.is_array(x)]

        flat.__name__ = function.__name__
        donated = () if own is None else tuple(range(own, len(arrays)))
        self.compiled = jax.jit(flat, donate_argnums=donated)
        closed = self.compiled.trace(*arrays).jaxpr
        try:
            self.steps = Steps(closed)
        except Inexact:
            self.steps = None

    def __call__(self, arrays: list[Any]) -> Any:
        out = iter(self.numbers(arrays))
        return jax.tree.unflatten(self.structure, [next(out) if x is None else x for x in self.rest])

    def numbers(self, arrays: list[Any]) -> list[Any]:
        if self.steps is not None and self.done <= max(_PATIENCE, _OF_EACH * self.steps.size) and _here(arrays):
            self.done += self.steps.cost
            try:
                return self.steps(arrays)
            except Inexact:
                pass
        if not self.donates:
            return self.compiled(*arrays)
        with warnings.catch_warnings():  # of memory that no result has use for
            warnings.filterwarnings("ignore", "Some donated buffers were not usable")
            return self.compiled(*arrays)


def _here(arrays: list[Any]) -> bool:
    """Whether the arrays lie in this host's memory, where results of NumPy go, too, and are not very many numbers."""
    free = all(isinstance(x, np.ndarray | np.generic) or (not x.committed and x.is_fully_addressable) for x in arrays)
    on_cpu = jax.default_backend() == "cpu" and jax.config.jax_default_device is None  # pyright: ignore[reportAttributeAccessIssue]
    return free and on_cpu and sum(x.size for x in arrays) <= _LARGEST
