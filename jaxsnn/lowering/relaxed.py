"""Hardware-aware training: a program with real numbers, each of whose values is that of the program.

Forward, each step is the program's own; backward, rounding, truncation and wrapping are not there, and a spike has a
surrogate derivative. So what is trained is what will run on the chip.
"""

import abc
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt32

from .. import _random
from .._late import bring_all
from .._types import canonical_float
from ..connectivity.ring import Ring
from ..models import AbstractModel, AbstractPlan, AbstractStepper, Forward, Inputs, Signals, known
from ..neurons.surrogates import AbstractSurrogate
from .cells import AbstractCells, InputCells
from .program import Program, ProgramState, fed, first_columns
from .synapses import AbstractSynapses

if TYPE_CHECKING:
    from typing import ClassVar as AbstractVar
else:
    from equinox import AbstractVar


@jax.custom_jvp
def straight_through(exact: Array, smooth: Float[Array, "..."]) -> Float[Array, "..."]:
    """`exact`, whose derivative is that of `smooth`."""
    return exact.astype(smooth.dtype)


@straight_through.defjvp
def _(primals: tuple[Array, ...], tangents: tuple[Array, ...]) -> tuple[Array, Array]:
    exact, smooth = primals
    return exact.astype(smooth.dtype), tangents[1]


def rounded(x: Float[Array, "..."], low: Any, high: Any, step: Any = 1) -> Float[Array, "..."]:
    """The nearest multiple of `step` from `low` to `high`; its derivative is that of `x`, so clipped ones come back."""
    step, low, high = (jnp.asarray(n).astype(x.dtype) for n in (step, low, high))
    nearest = jnp.clip(jnp.round(x / step), jnp.ceil(low / step), jnp.floor(high / step)) * step
    return straight_through(nearest, x)


# --- parts ------------------------------------------------------------------------------------------------------------


class AbstractRelaxedCells(eqx.Module):
    """Cells with real numbers, in the units of the registers of `cells`, to which they round."""

    cells: AbstractVar[AbstractCells]

    @classmethod
    @abc.abstractmethod
    def of(cls, cells: Any, surrogate: AbstractSurrogate | None) -> Any:
        """The same numbers. `surrogate`: None for the usual one."""

    def nearest(self) -> Any:
        """Every number rounded, and `cells` as they will be on the chip."""
        return self

    def prepare(self, into: Mapping[str, Any]) -> Any:
        """The cells that step, given the (rounded) synapses that lead into them."""
        return self

    def init(self) -> Any:
        """The state in which the program starts, real numbers where a derivative passes."""
        dtype = canonical_float()
        return jax.tree.map(lambda x: x.astype(dtype), self.cells.init())

    @abc.abstractmethod
    def step(
        self, s: Any, arrived: Float[Array, " columns"], fed: Array | None, t: Array, *, stream: Array
    ) -> tuple[Any, Float[Array, " n"], UInt32[Array, ""]]:
        """A step of the cells, as of `AbstractCells`, with the derivative of the equations without rounding."""


class AbstractRelaxedSynapses(eqx.Module):
    """Synapses with real weights, in the unit that `group` stores, to which they round."""

    group: AbstractVar[AbstractSynapses]

    @classmethod
    @abc.abstractmethod
    def of(cls, group: Any, post: AbstractCells) -> Any:
        """The same numbers."""

    @abc.abstractmethod
    def nearest(self, post: AbstractCells) -> Any:
        """Every weight rounded, and `group` as it will be on the chip."""

    def prepare(self) -> Any:
        """The synapses that send."""
        return self

    @abc.abstractmethod
    def send(
        self, post: AbstractCells, ring: Ring, buffer: Array, first: int, spikes: Float[Array, " pre"], t: Array
    ) -> Array:
        """The ring with what the spikes of step `t` bring to the columns of `post`, which begin at `first`."""


_RELAXED: dict[type, Any] = {}
Kind = TypeVar("Kind", bound=type)


def relaxes(*kinds: type) -> Callable[[Kind], Kind]:
    """Class decorator: `relax` makes this class of cells or synapses of these kinds."""

    def register(kind: Kind) -> Kind:
        _RELAXED.update(dict.fromkeys(kinds, kind))
        return kind

    return register


# --- the model --------------------------------------------------------------------------------------------------------


class Relaxed(AbstractModel):
    """A program that can be trained: made by `relax(program)`; `relaxed.program` is what it rounds to.

    Its parts have the names of the program's: `relaxed["S"].weight` is in the unit that the chip stores. Values in a
    run are those of `relaxed.program`, bit for bit.
    """

    base: Program
    cells: dict[str, AbstractRelaxedCells | AbstractCells]
    synapses: dict[str, AbstractRelaxedSynapses]
    dt: float = eqx.field(static=True)

    @property
    def named(self) -> dict[str, Any]:
        """Cells and synapses by name."""
        return {**self.cells, **self.synapses}

    def __getitem__(self, name: str) -> Any:
        if name not in self.named:
            raise ValueError(f"Got {name!r}, expected a part of this program: {known(self.named)}.")
        return self.named[name]

    @property
    def program(self) -> Program:
        """Every number rounded to what the chip holds."""
        cells, synapses = self.nearest()
        whole = [part.cells if isinstance(part, AbstractRelaxedCells) else part for part in cells.values()]
        links = [link.group for link in synapses.values()]
        where = lambda p: [*(p.cells[n] for n in cells), *(p.synapses[n] for n in synapses)]
        return eqx.tree_at(where, self.base, [*whole, *links])

    def nearest(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Cells and synapses with every number rounded."""
        cells = {n: c.nearest() if isinstance(c, AbstractRelaxedCells) else c for n, c in self.cells.items()}
        return cells, {name: link.nearest(self.base.cells[link.group.post]) for name, link in self.synapses.items()}

    def prepare(self, plan: AbstractPlan = Forward()) -> "RelaxedRunning":
        cells, synapses = self.nearest()
        into = lambda name: {key: link for key, link in synapses.items() if link.group.post == name}
        ready = {name: part.prepare(into(name)) for name, part in cells.items()}
        return RelaxedRunning(self.base, ready, {name: link.prepare() for name, link in synapses.items()})

    @property
    def sizes(self) -> dict[str, int]:
        return self.base.sizes

    def port(self, path: str) -> tuple[str, int]:
        return self.base.port(path)

    def status(self, state: ProgramState) -> Array:
        return state.status

    def view(self, state: ProgramState) -> dict[str, Any]:
        return {**state.cells}

    def init(self, *, key: Array) -> ProgramState:
        start = self.base.init(key=key)
        cells = {n: c.init() if isinstance(c, AbstractRelaxedCells) else start.cells[n] for n, c in self.cells.items()}
        return ProgramState(cells, {}, self.base.ring.empty(canonical_float()), start.status)


class RelaxedRunning(AbstractStepper):
    """A relaxed program ready to run: every number is rounded."""

    base: Program
    cells: dict[str, AbstractRelaxedCells | AbstractCells]
    synapses: dict[str, AbstractRelaxedSynapses]

    def view(self, state: ProgramState) -> dict[str, Any]:
        return {**state.cells}

    def step(self, state: ProgramState, inputs: Inputs, t: Array, *, key: Array) -> tuple[ProgramState, Signals]:
        status, dtype, rings = state.status, canonical_float(), self.base.ring
        landed, ring = rings.take(state.ring, t)
        cells, spikes, first = {}, {}, first_columns(self.base)
        for name, part in self.cells.items():
            group = part.cells if isinstance(part, AbstractRelaxedCells) else part
            arrived = landed[first[name] : first[name] + group.columns]
            arrived = arrived if isinstance(part, AbstractRelaxedCells) else arrived.astype(jnp.int32)
            stream, given = _random.stream(key, f"{name}.noise"), fed(group, name, inputs)
            cells[name], sent, new = part.step(state.cells[name], arrived, given, t, stream=stream)
            spikes[name], status = sent.astype(dtype), status | new
            if isinstance(part, InputCells) and given is not None:  # rounding has the derivative of what is fed
                spikes[name] = straight_through(sent, given.astype(dtype))
        for link in self.synapses.values():
            pre, post = link.group.pre, link.group.post
            ring = link.send(self.base.cells[post], rings, ring, first[post], spikes[pre], t)
        state = ProgramState(cells, {}, ring, status)
        return state, Signals(spikes, self.view(state))


def _is_input(part: Any) -> bool:
    """Whether a part sends what it is fed, or spikes of its own: it is kept as it is."""
    return isinstance(part, InputCells) or (isinstance(part, AbstractCells) and part.autonomous)


def relax(program: Program, *, surrogate: AbstractSurrogate | None = None) -> Relaxed:
    """A program as a model with real numbers that compute what the program computes, to be trained as any other.

    **Arguments:** `program`: of `InputCells`, sources on the chip, and cells and synapses that can be relaxed; which
    these are is on the page of each chip. `surrogate`: the derivative of a spike, at the distance from threshold in
    units of it; None for `FastSigmoid(5.0)` where cells compute with integers, else for the model's own.

    **Raises:** ValueError that names a part of another kind.

    **Reference:** Bengio, Leonard and Courville, arXiv:1308.3432 (2013) for the straight-through estimator.
    """
    if not isinstance(program, Program):
        raise ValueError(f"Got {type(program).__name__} to relax, expected a Program, as lower(...).program is one.")
    if not isinstance(surrogate, AbstractSurrogate | None):
        raise ValueError(f"Got surrogate = {surrogate!r}, expected one such as FastSigmoid(5.0), or None.")
    bring_all()
    for name, part in program.named.items():
        if type(part) is InputCells and (bits := part.message_bits):
            raise ValueError(f"{name!r} sends amplitudes of {bits} bits; only spikes can be relaxed.")
        if not _is_input(part) and type(part) not in _RELAXED:
            able = ", ".join(sorted(kind.__name__ for kind in _RELAXED))
            raise ValueError(
                f"{name!r} is {type(part).__name__}, which cannot be relaxed; expected InputCells, {able}."
            )

    def made(name: str, part: Any, other: Any) -> Any:
        try:
            return part if _is_input(part) else _RELAXED[type(part)].of(part, other)
        except ValueError as error:
            raise ValueError(f"{name!r}: {error}") from None

    cells = {name: made(name, group, surrogate) for name, group in program.cells.items()}
    synapses = {name: made(name, group, program.cells[group.post]) for name, group in program.synapses.items()}
    return Relaxed(program, cells, synapses, program.dt)
