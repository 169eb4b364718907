"""What comes in: a drive feeds every step, has a state, and sees the signals of the step before."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .._types import Checked, is_concrete
from ..dynamics import AbstractDynamics, Inputs, Signals


class AbstractDrive(Checked):
    """Feeds a network. An environment is a drive: it sees what the network did in the step before.

    A drive of your own needs `step`, and `init` if it has a state. `prepare` is called once a run, inside jit,
    with the step that the run starts from, and returns the drive that steps: the place for tables, and to look up ports
    with `dynamics.port(path)`. `step` is given the absolute step `t`.

    A drive may hold a batch of examples, for an estimator to go through: numbers with an axis more, in front, than one
    example has (`Replay` of a raster of shape `(examples, steps, n)`). `axes` names such fields, and how many axes one
    example has. `simulate` runs one example.
    """

    axes: ClassVar[dict[str, int]] = {}

    @property
    def reacts(self) -> bool:
        """Whether what it feeds may depend on what the network does (on `signals`); those of the library do not."""
        return True

    @property
    def steps(self) -> int | None:
        """How many steps it is made for, if it knows."""
        return None

    def per_example(self) -> Any:
        """Which leaves differ between examples: a tree of booleans like the drive itself."""
        shared = jax.tree.map(lambda _: False, self)
        own = [name for name, axes in self.axes.items() if _rank(getattr(self, name)) == axes + 1]
        return eqx.tree_at(lambda d: [getattr(d, name) for name in own], shared, [True] * len(own)) if own else shared

    def check(self, first: Int[Array, ""]) -> None:
        """Raises ValueError where it is known that a run from step `first` on cannot be fed; before anything compiles.

        Its `instant`s are steps by then.
        """

    def prepare(self, dynamics: AbstractDynamics, first: Int[Array, ""]) -> AbstractDrive:
        """What steps in a run that starts with step `first`: 0 unless it is continued."""
        return self

    def unsupported(self, dynamics: AbstractDynamics) -> str | None:
        """Why it cannot feed this model, as far as its numbers are known: asked before a run."""
        return None

    def init(self, *, key: Array) -> Any:
        return ()

    def step(self, d: Any, t: Int[Array, ""], signals: Signals, *, key: Array) -> tuple[Any, Inputs]:
        """The inputs of step `t`. `key` is the same in every step: fold in `t`, or use it with a counter."""
        raise RuntimeError(f"{type(self).__name__} steps after prepare(dynamics), which returns what steps.")

    def status(self) -> Array:
        """Status bits known from the parameters."""
        return jnp.uint32(0)

    def __add__(self, other: AbstractDrive) -> Sum:
        return Sum((*_terms(self), *_terms(other)))


def _terms(drive: AbstractDrive) -> tuple[AbstractDrive, ...]:
    return drive.drives if isinstance(drive, Sum) else (drive,)


class Silence(AbstractDrive):
    """Feeds nothing."""

    @property
    def reacts(self):
        return False

    def step(self, d, t, signals, *, key):
        return d, Inputs()


class Sum(AbstractDrive):
    """Several drives at once; written `a + b`. Their random numbers are independent."""

    drives: tuple[AbstractDrive, ...]

    @property
    def reacts(self):
        return any(drive.reacts for drive in self.drives)

    @property
    def steps(self):
        return max((drive.steps for drive in self.drives if drive.steps is not None), default=None)

    def per_example(self):
        return Sum(tuple(drive.per_example() for drive in self.drives))

    def check(self, first):
        for drive in self.drives:
            drive.check(first)

    def prepare(self, dynamics, first):
        return Sum(tuple(drive.prepare(dynamics, first) for drive in self.drives))

    def unsupported(self, dynamics):
        return next((why for drive in self.drives if (why := drive.unsupported(dynamics)) is not None), None)

    def init(self, *, key):
        return tuple(drive.init(key=jax.random.fold_in(key, i)) for i, drive in enumerate(self.drives))

    def step(self, d, t, signals, *, key):
        states, total = [], Inputs()
        for i, (drive, state) in enumerate(zip(self.drives, d, strict=True)):
            state, inputs = drive.step(state, t, signals, key=jax.random.fold_in(key, i) if i else key)
            states.append(state)
            total = total + inputs
        return tuple(states), total

    def status(self):
        status = jnp.uint32(0)
        for drive in self.drives:
            status |= drive.status()
        return status


def _rank(x: Any) -> int | None:
    return x.ndim if eqx.is_array(x) else None


def names(into: str | Iterable[str]) -> tuple[str, ...]:
    """One name or several, as several."""
    return (into,) if isinstance(into, str) else tuple(into)


def negative(kind: str, path: str, dynamics: AbstractDynamics, *numbers: Array) -> str | None:
    """Why a product of numbers cannot be fed into a port: some of it is negative, and the port is a conductance."""
    if dynamics.signed(path) or not is_concrete(numbers):
        return None
    signs = [{*np.sign([np.min(x, initial=0), np.max(x, initial=0)])} for x in map(np.asarray, numbers)]
    if not any(math.prod(some) < 0 for some in itertools.product(*signs)):
        return None
    return (
        f"{kind} feeds negative amplitudes into {path!r}, a conductance, which has no sign; give positive ones, and "
        "for inhibition a port with a low e_rev."
    )


def acts(t: Int[Array, ""], dt: float, start: Float[Array, ""], stop: Float[Array, ""]) -> Bool[Array, ""]:
    """Whether step `t` lies between `start` and `stop`, ms: it begins at `start` or later, and before `stop`.

    In whole steps: single precision knows no half step after 2^23 of them (14 minutes of 0.1 ms).
    """
    first, end = (jnp.round(jnp.minimum(ms / dt, 2.0**31 - 128)).astype(jnp.int32) for ms in (start, stop))
    return (t >= first) & (t < end)
