"""The base of drives: a drive feeds every step, may have a state, and sees the signals of the previous step."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Int, UInt32

from ... import _random
from ..._bits import Bits
from ..._select import split
from ..._types import Checked, is_concrete
from ...models import AbstractModel, Inputs, Signals


class AbstractDrive(Checked):
    """Feeds a network. An environment is a drive too: it sees the spikes and the state of the previous step.

    A drive of your own needs `step`, and `init` if it has a state. `prepare` is called once a run, inside jit,
    with the step at which the run starts, and returns the drive that is stepped: build tables and look up ports there,
    with `model.port(path)`. `step` is given the absolute step `t`.

    A drive may hold a batch of examples for an estimator: arrays with one more leading axis than a single example
    (`Replay` of a raster of shape `(examples, steps, n)`). `axes` names such fields and the number of axes of a single
    example. `simulate` runs a single example.
    """

    axes: ClassVar[dict[str, int]] = {}

    @property
    def closed_loop(self) -> bool:
        """Whether the input may depend on the network's activity (on `signals`); no drive of the library does."""
        return True

    @property
    def steps(self) -> int | None:
        """The number of steps that the drive has input for; None if it has no end."""
        return None

    @property
    def ranks(self) -> dict[str, int]:
        """`axes`, where they depend on the arguments of the drive."""
        return self.axes

    def per_example(self) -> Any:
        """Which leaves have an axis of examples: a tree of booleans of the drive's structure."""
        shared = jax.tree.map(lambda _: False, self)
        own = [name for name, axes in self.ranks.items() if _rank(getattr(self, name)) == axes + 1]
        return eqx.tree_at(lambda d: [getattr(d, name) for name in own], shared, [True] * len(own)) if own else shared

    def __check_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name, None)
            if "unit" in field.metadata and not field.metadata.get("instant"):
                finite(f"{type(self).__name__}.{field.name}", value)

    def check(self, model: AbstractModel, first: Array | np.integer) -> None:
        """Raises ValueError, before anything compiles, if a run from step `first` on is known to have no input.

        Concrete times have been converted to steps by then, int32 arrays.
        """

    def prepare(self, model: AbstractModel, first: Int[Array, ""]) -> AbstractDrive:
        """The drive to be stepped in a run that starts with step `first`, which is 0 unless a run is continued."""
        return self

    def unsupported(self, model: AbstractModel) -> str | None:
        """Why this drive cannot feed this model, judged by its concrete numbers before a run; None if it can."""
        return None

    @classmethod
    def together(cls, drives: dict[int, Any]) -> tuple[AbstractDrive | None, dict[int, Any]]:
        """One drive without a state for several prepared terms of a sum, all of this class, and those it leaves alone.

        `drives`: by their place in the sum, which their random numbers depend on (`key_of_term`).
        """
        return None, drives

    def init(self, *, key: Array) -> Any:
        return ()

    def step(self, d: Any, t: Int[Array, ""], signals: Signals, *, key: Array) -> tuple[Any, Inputs]:
        """The inputs of step `t`. `key` is the same in every step: fold in `t`, or use it with a counter."""
        raise RuntimeError(
            f"{type(self).__name__} cannot be stepped itself; step what its prepare(model, first) returns."
        )

    def status(self) -> Array:
        """Status bits that follow from the parameters alone."""
        return jnp.uint32(0)

    def __add__(self, other: AbstractDrive) -> Sum:
        if not isinstance(other, AbstractDrive):
            raise ValueError(f"Got a drive + {other!r} ({type(other).__name__}), expected another drive.")
        return Sum((*_terms(self), *_terms(other)))

    def __radd__(self, other: Any) -> AbstractDrive:
        """`sum([a, b, c])` begins with 0."""
        if isinstance(other, int) and other == 0:
            return self
        raise ValueError(f"Got {other!r} ({type(other).__name__}) + a drive, expected another drive.")


def _terms(drive: AbstractDrive) -> tuple[AbstractDrive, ...]:
    return drive.drives if isinstance(drive, Sum) else (drive,)


class Silence(AbstractDrive):
    """Feeds nothing."""

    @property
    def closed_loop(self):
        return False

    def step(self, d, t, signals, *, key):
        return d, Inputs()


class Sum(AbstractDrive):
    """The sum of several drives, written `a + b`. Their random numbers are independent."""

    drives: tuple[AbstractDrive, ...]

    @property
    def closed_loop(self):
        return any(drive.closed_loop for drive in self.drives)

    @property
    def steps(self):
        return max((drive.steps for drive in self.drives if drive.steps is not None), default=None)

    def per_example(self):
        return Sum(tuple(drive.per_example() for drive in self.drives))

    def check(self, model, first):
        for drive in self.drives:
            drive.check(model, first)

    def prepare(self, model, first):
        return prepared(self.drives, model, first)

    def unsupported(self, model):
        return next((why for drive in self.drives if (why := drive.unsupported(model)) is not None), None)

    def init(self, *, key):
        return tuple(drive.init(key=jax.random.fold_in(key, i)) for i, drive in enumerate(self.drives))


class _Prepared(AbstractDrive):
    """A prepared sum: drives by their position, and one loop for many drives of the same kind."""

    alone: tuple[tuple[int, AbstractDrive], ...]
    merged: tuple[AbstractDrive, ...]
    alike: tuple[_Alike, ...]

    def step(self, d, t, signals, *, key):
        states, total = list(d), Inputs()
        for i, drive in self.alone:
            states[i], inputs = drive.step(d[i], t, signals, key=key_of_term(key, i))
            total = total + inputs
        for drive in self.merged:
            total = total + drive.step((), t, signals, key=key)[1]
        for group in self.alike:
            total = total + group.feed(t, signals, key)
        return tuple(states), total

    def status(self):
        status = jnp.uint32(0)
        for drive in (*(drive for _, drive in self.alone), *self.merged):
            status |= drive.status()
        for group in self.alike:
            status |= group.status()
        return status


def key_of_term(key: Array, place: int) -> Array:
    """The key of a term of a sum; that of the first is the sum's own, as if there were no others."""
    return jax.random.fold_in(key, place) if place else key


def keys_of_terms(key: Array, places: Sequence[int]) -> UInt32[Array, "places words"]:
    """The words of `key_of_term` for several terms, in the order of their places."""
    own = _random.opened(key)[0][None]
    return jnp.concatenate([*[own] * (first := places.count(0)), _random.folded(key, places)[first:]])


class _Alike(eqx.Module):
    """Drives of one kind and shape, stacked along a leading axis: compiled once, whatever their number."""

    arrays: Any
    places: Array  # in the sum
    rest: Any = eqx.field(static=True)  # everything that is not an array, equal for all

    def feed(self, t: Int[Array, ""], signals: Signals, key: Array) -> Inputs:
        def one(given: Any) -> Inputs:
            drive, place = eqx.combine(given[0], self.rest), given[1]
            return drive.step((), t, signals, key=jax.random.fold_in(key, place))[1]

        parts = (self.arrays, self.places)
        nothing = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(one, jax.tree.map(_first, parts)))
        return lax.scan(lambda total, given: (jax.tree.map(jnp.add, total, one(given)), None), nothing, parts)[0]

    def status(self) -> UInt32[Array, ""]:
        bits = lax.map(lambda arrays: eqx.combine(arrays, self.rest).status(), self.arrays)
        return lax.reduce(bits, jnp.uint32(0), lax.bitwise_or, (0,))


FEWEST = 4  # terms of one class that are worth a loop over all of their neurons
_MANY = 8  # minimum number of equal drives for a loop; fewer run faster one after the other and compile as fast


def prepared(drives: tuple[AbstractDrive, ...], model: AbstractModel, first: Int[Array, ""]) -> _Prepared:
    """A prepared sum. Stateless drives of one kind and shape become one loop over their parameters.

    The size of the program then does not grow with their number. The first drive stays outside the loop: its random
    numbers are the same as without the others.
    """
    kinds: dict[Any, list[int]] = {}
    for i, drive in enumerate(drives[1:], 1):
        leaves = jax.tree.leaves(drive)
        if all(eqx.is_array(x) for x in leaves) and not drive.closed_loop and _stateless(drive):
            shapes = tuple((x.shape, jnp.asarray(x).dtype) for x in leaves)
            kinds.setdefault((jax.tree.structure(drive), shapes), []).append(i)
    groups = [places for places in kinds.values() if len(places) >= _MANY]
    grouped = {i for places in groups for i in places}
    alone = {i: drive.prepare(model, first) for i, drive in enumerate(drives) if i not in grouped}
    merged = []
    for kind in dict.fromkeys(map(type, alone.values())):
        own = {i: drive for i, drive in alone.items() if type(drive) is kind}
        one, left = kind.together(own)
        if one is not None:
            merged.append(one)
            alone = {i: drive for i, drive in alone.items() if i not in own or i in left}
    alike = (_alike([drives[i] for i in places], places, model, first) for places in groups)
    return _Prepared(tuple(alone.items()), tuple(merged), tuple(alike))


def _alike(drives: list[AbstractDrive], places: list[int], model: AbstractModel, first: Int[Array, ""]) -> _Alike:
    rest: list[Any] = []

    def one(drive: AbstractDrive) -> Any:
        arrays, static = eqx.partition(drive.prepare(model, first), eqx.is_array)
        rest[:] = [static]  # the same for all
        return arrays

    arrays = lax.map(one, jax.tree.map(lambda *xs: jnp.stack(xs), *drives))
    return _Alike(arrays, jnp.asarray(places, jnp.uint32), rest[0])


def _stateless(drive: AbstractDrive) -> bool:
    return not jax.tree.leaves(jax.eval_shape(lambda: drive.init(key=jax.random.key(0))))


def _first(x: Array) -> Array:
    return x[0]


def _rank(x: Any) -> int | None:
    return x.ndim if eqx.is_array(x) or isinstance(x, Bits) else None


def negative(kind: str, path: str, model: AbstractModel, *numbers: Array) -> str | None:
    """Why a product of numbers cannot be fed into a port (a negative value into a conductance); None if it can."""
    path = split(path, "into")[0]
    if model.signed(path) or not is_concrete(numbers):
        return None
    signs = [{*np.sign([np.min(x, initial=0), np.max(x, initial=0)])} for x in map(np.asarray, numbers)]
    if not any(math.prod(some) < 0 for some in itertools.product(*signs)):
        return None
    return (
        f"{kind} feeds negative amplitudes into {path!r}, a conductance, which has no sign; give positive ones, and "
        "for inhibition a port with a low e_rev."
    )


def finite(what: str, value: Any) -> None:
    """Raises ValueError for a concrete NaN or infinity."""
    if eqx.is_array(value) and is_concrete(value) and jnp.issubdtype(value.dtype, jnp.inexact):
        known = np.asarray(value)
        if not np.all(np.isfinite(known)):
            raise ValueError(f"{what} holds {known[~np.isfinite(known)].flat[0]}, expected finite numbers.")
