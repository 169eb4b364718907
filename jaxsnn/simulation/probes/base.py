"""The base of probes, which record a run or fold it into a few numbers. Nothing is stored without a probe."""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, UInt32

from ..._bits import pack
from ..._choices import Chosen
from ..._select import Rows, Selection, split
from ..._status import Status, bit
from ..._time import step_of
from ..._time import steps as to_steps
from ..._tree import children, get
from ..._types import Field, is_concrete
from ...models import AbstractModel, Signals, known


class AbstractProbe(Chosen):
    """Folds the signals of every step into a carry, and may emit an output per step, which is thinned once per chunk.

    `prepare` -> `init` -> `step` in every step -> `emit` at the end of every chunk of steps -> `finish` at the end of
    the run. A subclass defines `step`, and the others where their default does not suit it.

    Times are absolute, also in a continued run: step `k` takes the state from `k dt` to `(k + 1) dt`, so a spike or
    a state of this step is stamped `(k + 1) dt`.

    `sized`: whether the shapes of its carry depend on the number of steps. Where they do not, a run of another length
    is no other program, and `init` gets the number as an array.
    """

    sized: ClassVar[bool] = True

    def check(self, model: AbstractModel, first: Array | np.integer, steps: int) -> None:
        """Raises ValueError where it is known, before anything compiles, that steps `first` .. `first + steps - 1`
        hold nothing to record."""

    def prepare(self, model: AbstractModel, state: Any) -> AbstractProbe:
        """The probe as it is stepped from a state of the model: the neurons that it reads are numbers, so that another
        probe of as many neurons takes the same program."""
        return self

    def init(self, model: AbstractModel, steps: Any, first: Int[Array, ""]) -> Any:
        """The carry before the first of `steps` steps, which is step `first`: 0 unless a run is continued.

        Checks that the names it reads exist.
        """
        return ()

    @abc.abstractmethod
    def step(self, carry: Any, signals: Signals, t: Int[Array, ""]) -> tuple[Any, Any]:
        """The carry after step `t`, and the output to be stacked (None for nothing)."""

    def stride(self, model: AbstractModel) -> int:
        """The number of steps that form a unit: chunks are multiples of it, except at the end of the run."""
        return 1

    def emit(self, carry: Any, stacked: Any, model: AbstractModel) -> tuple[Any, Any]:
        """The part of a chunk's stacked outputs that is kept."""
        return carry, stacked

    def finish(self, carry: Any, emitted: Any, model: AbstractModel) -> Any:
        """The record, from the last carry and the outputs of all chunks, joined along time."""
        return emitted

    def status(self, carry: Any) -> UInt32[Array, ""]:
        """Status bits at the end of the run."""
        return jnp.uint32(0)

    def spacing(self, model: AbstractModel) -> int | None:
        """The number of steps between rows of the record, for `Run.times`; None where rows are not times."""
        return None

    def unit(self, model: AbstractModel) -> str:
        """The unit of the record's numbers, for `Run.units`; empty where the model leaves it open."""
        return ""


# --- what is recorded: spikes of a population, or a variable ---------------------------------------------------------

_Chosen = Field[Any, Selection | Rows | None]  # `Rows` once it is prepared


def _reading(probe: Any, n: int, what: str) -> Any:
    """The probe with the neurons that it reads, of `n`, as numbers."""
    if not isinstance(probe.index, Selection):
        return probe
    return eqx.tree_at(lambda p: p.index, probe, probe.index.rows(n, what), is_leaf=lambda x: isinstance(x, Selection))


def size_of(model: AbstractModel, population: str) -> int:
    """The size of a population, or an error that lists the populations."""
    if population not in model.sizes:
        raise ValueError(f"Got a probe of {population!r}, expected a population: {', '.join(model.sizes)}.")
    return model.sizes[population]


class AbstractSpikeProbe(AbstractProbe):
    """Reads the spikes of a population, or of some of its neurons.

    **Arguments:** `population`: its name, which may carry the neurons: `"E[0:10]"`. `index`: which neurons instead: an
    index, a list, a slice, a range or a boolean mask, static; by default all.
    """

    population: str = eqx.field(static=True)
    index: _Chosen = eqx.field(default=None, kw_only=True)

    def __post_init__(self):
        self.population, self.index = split(self.population, f"{type(self).__name__}.population", self.index)

    def size(self, model: AbstractModel) -> int:
        """The number of neurons recorded, or an error: no such population, or no such neurons in it."""
        n = size_of(model, self.population)
        return n if self.index is None else self.index.size(n, self._what)

    def neurons(self, model: AbstractModel) -> tuple[int, ...] | None:
        """Their indices in the population; None for all."""
        n = size_of(model, self.population)
        if isinstance(self.index, Rows):
            raise ValueError(f"{self._what} is prepared: which neurons these are, only the probe that was given knows.")
        return None if self.index is None else tuple(self.index.indices(n, self._what).tolist())

    def prepare(self, model: AbstractModel, state: Any) -> AbstractProbe:
        return _reading(self, size_of(model, self.population), self._what)

    def words(self, signals: Signals) -> UInt32[Array, " words"]:
        """Their spikes as bits, as the model has packed them, if it has."""
        if self.index is None and self.population in signals.words:
            return signals.words[self.population]
        return pack(self.spikes(signals))

    def spikes(self, signals: Signals) -> Array:
        """Their spikes."""
        x = signals.spikes[self.population]
        return x if self.index is None else self.index.take(x, self._what)

    @property
    def _what(self) -> str:
        return f"{type(self).__name__}.index of {self.population!r}"


class AbstractVariableProbe(AbstractProbe):
    """Reads a state variable by its dotted path, or some entries of its first axis.

    **Arguments:** `path`: e.g. `"E.v"`, `"E.exc.i"`, `"EE.weight"`; with a selection `"E[0:10].v"`. `index`: which
    neurons (entries of the first axis) instead: an index, a list, a slice, a range or a mask, static; by default all.
    """

    path: str = eqx.field(static=True)
    index: _Chosen = eqx.field(default=None, kw_only=True)

    def __post_init__(self):
        self.path, self.index = split(self.path, f"{type(self).__name__}.path", self.index)

    def look_up(self, model: AbstractModel) -> jax.ShapeDtypeStruct:
        """Shape and type of one sample; an error if there is no such variable or no such entry."""
        start = lambda: model.init(key=jax.random.key(0))
        return jax.eval_shape(lambda: self._chosen(self._variable(model, model.view(start()))))

    def _variable(self, model: AbstractModel, seen: Mapping[str, Any]) -> Array:
        """The whole variable, or the error of `look_up`."""
        if (why := model.constant(self.path)) is not None:
            raise ValueError(why)
        found = get(seen, self.path)
        if not hasattr(found, "shape"):
            below = known(repr(f"{self.path}.{name}") for name in children(found))
            raise ValueError(f"Got path {self.path!r}, which is no variable; expected one below it: {below}.")
        if self.index is not None and not found.shape:
            raise ValueError(f"Got {self._what}, but that is one number; leave the index out.")
        return found

    def prepare(self, model: AbstractModel, state: Any) -> AbstractProbe:
        if self.index is None:
            return self
        found = jax.eval_shape(lambda state: self._variable(model, model.view(state)), state)
        return _reading(self, found.shape[0], self._what)

    def unit(self, model: AbstractModel) -> str:
        return model.unit(self.path)

    def value(self, signals: Signals) -> Array:
        """Its value after a step."""
        return self._chosen(get(signals.state, self.path))

    def _chosen(self, x: Array) -> Array:
        return x if self.index is None else self.index.take(x, self._what)

    @property
    def _what(self) -> str:
        return f"{type(self).__name__}.index of {self.path!r}"


# --- when: from an instant on, and how often --------------------------------------------------------------------------


def one_start(probe: Any) -> None:
    """One error for several starts."""
    if (shape := jnp.shape(probe.start)) != ():
        raise ValueError(f"{type(probe).__name__}.start has shape {shape}, expected one time for all, ms.")


def check_start(probe: Any, model: AbstractModel, first: Any, steps: int) -> None:
    """One error for a start that is known to lie at or after the end of the run: nothing would be recorded."""
    if not is_concrete((probe.start, first)):
        return
    what, end, dt = f"{type(probe).__name__}.start", int(first) + steps, model.dt
    start = int(step_of(probe.start, dt, what))
    if start >= end:
        raise ValueError(
            f"{what} is {start * dt:.10g} ms, but the run ends at {end * dt:.10g} ms: nothing would be recorded; "
            "expected an earlier one, absolute (ms since step 0)."
        )


def steps_from(begin: Int[Array, ""], steps: int | Int[Array, ""], first: Int[Array, ""]) -> Int[Array, ""]:
    """How many of `steps` steps, the first of which is step `first`, are step `begin` or later ones."""
    return jnp.clip(first - begin, -steps, 0) + jnp.int32(steps)


def nothing_recorded(steps_seen: Int[Array, ""]) -> UInt32[Array, ""]:
    """The status bit of a fold over no step."""
    return bit(Status.NOTHING_RECORDED, steps_seen < 1)


def interval(every: Any, what: str) -> float | None:
    """A time between samples, ms, static; None for every step. One error for all that is no positive number."""
    if every is None:
        return None
    real = isinstance(every, (int, float)) or (
        hasattr(every, "dtype") and every.dtype.kind in "iuf" and every.ndim == 0
    )
    if not real or isinstance(every, bool) or not is_concrete(every) or not 0.0 < (ms := float(every)) < math.inf:
        raise ValueError(f"{what} is {every!r}, expected a positive number of ms (static); None for every step.")
    return ms


def steps_between(every: float | None, dt: float, what: str) -> int:
    """`every` in steps; an error if it is off the grid or shorter than one step."""
    if every is None:
        return 1
    count = int(to_steps(every, dt, name=what))
    if count < 1:
        raise ValueError(f"{what} is {every:g} ms, expected at least one step of dt = {dt:g} ms.")
    return count


def check_interval(every: float | None, dt: float, steps: int, what: str) -> None:
    """One error for a run that is shorter than the time between samples: nothing would be recorded."""
    if steps_between(every, dt, what) > steps:
        raise ValueError(f"{what} is {every:g} ms, but the run takes {steps * dt:.10g} ms: nothing would be recorded.")
