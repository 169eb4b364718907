"""A program for a chip: cells and synapses in integers, which runs in `simulate` like any other model."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, UInt32

from .. import _random
from .._status import Status, bit
from .._types import canonical_float, check, is_concrete, out_of_bounds
from ..connectivity.ring import Ring
from ..models import AbstractModel, AbstractPlan, AbstractStepper, Forward, Inputs, Signals, known
from .cells import AbstractCells
from .storage import stored
from .synapses import AbstractCarrier, AbstractSynapses

NO_DERIVATIVE = "a Program computes with integers, which have no derivative; train relax(program), then round it"


class ProgramState(NamedTuple):
    """Registers by group, the state of learning synapses, the ring of arrivals, and status bits."""

    cells: dict[str, Any]
    synapses: dict[str, Any]
    ring: Int[Array, " slots*columns"]
    status: UInt32[Array, ""]


def _sorted(named: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(named.items()))


@stored
class Program(AbstractModel):
    """Groups of cells and of synapses on the cores of a chip; made by `lower(...)`, or written by hand.

    A spike that is sent in step `t` through a synapse of delay `d` arrives in step `t + 1 + d`.

    **Arguments:** `cells`, `synapses`: by name. `dt`: the length of a step, ms, static. `lags`: by how many steps each
    group runs behind the model it was lowered from. `scale`: register units for one unit of the model's `v`, by group:
    `run["out.v"] / program.scale["out"]` is in the model's unit.
    """

    cells: dict[str, AbstractCells] = eqx.field(converter=_sorted)
    synapses: dict[str, AbstractSynapses] = eqx.field(converter=_sorted)
    dt: float = eqx.field(default=1.0, static=True)
    lags: tuple[tuple[str, int], ...] = eqx.field(default=(), static=True)
    scale: dict[str, Array] = eqx.field(default_factory=dict, converter=_sorted, kw_only=True)

    def __check_init__(self):
        if twice := self.cells.keys() & self.synapses.keys():
            raise ValueError(f"Cells and synapses are both named {known(twice)}; expected names of their own.")
        for name, part in self.named.items():
            kind = AbstractCells if name in self.cells else AbstractSynapses
            if not isinstance(name, str) or not name or "." in name or not isinstance(part, kind):
                raise ValueError(
                    f"Got {name!r}: {type(part).__name__} in a Program; expected names without dots, and cells such as "
                    "InputCells(...), synapses such as those of a chip's room."
                )
        if isinstance(self.dt, bool) or not isinstance(self.dt, (int, float)) or not 0 < self.dt < float("inf"):
            raise ValueError(f"Program.dt is {self.dt!r}; expected a number of ms above 0.")
        for name, scale in self.scale.items():
            xp = np if is_concrete(scale) else jnp  # on the host nothing is compiled
            check(
                lambda scale=xp.asarray(scale), xp=xp: (scale > 0) & xp.isfinite(scale),
                f"Program.scale[{name!r}] is {scale}; expected a positive number.",
            )
        for name, group in self.synapses.items():
            for end in (group.pre, group.post):
                if end not in self.cells:
                    raise ValueError(f"Synapses {name!r} go to or from {end!r}; expected one of {known(self.cells)}.")
            pre, post = self.cells[group.pre], self.cells[group.post]
            if group.shape != (fits := (pre.n, post.receivers)):
                raise ValueError(
                    f"Synapses {name!r} have {group.shape[0]} senders and {group.shape[1]} receivers; expected {fits} "
                    f"from {group.pre!r} to {group.post!r}."
                )
            if (why := group.unsupported(post)) is not None:
                raise ValueError(f"Synapses {name!r} have {why}.")

    @property
    def named(self) -> dict[str, Any]:
        """Cells and synapses by name."""
        return {**self.cells, **self.synapses}

    def into(self, name: str) -> dict[str, AbstractSynapses]:
        """The synapses into a group of cells."""
        return {key: group for key, group in self.synapses.items() if group.post == name}

    @property
    def sizes(self) -> dict[str, int]:
        return {name: cells.n for name, cells in self.cells.items()}

    def port(self, path: str) -> tuple[str, int]:
        name, _, port = path.partition(".")
        if name not in self.cells:
            raise ValueError(f"Got {path!r}, but the program has no cells {name!r}; there are {known(self.cells)}.")
        ports = self.cells[name].ports
        if not ports:
            fed = known(key for key, cells in self.cells.items() if cells.ports)
            kind = type(self.cells[name]).__name__
            raise ValueError(f"Got {path!r}, but no drive feeds {kind} {name!r}; expected what is fed: {fed}.")
        if not port and len(ports) == 1:
            (port,) = ports
        if port not in ports:
            raise ValueError(f"Got {path!r}, expected a port: {known(f'{name}.{p}' for p in ports)}.")
        return f"{name}.{port}", self.cells[name].n

    @property
    def ring(self) -> Ring:
        """The ring of arrivals: one slot more than the longest delay, with the columns of all groups."""
        longest = max((group.max_delay for group in self.synapses.values()), default=0)
        return Ring(1 + longest, sum(group.columns for group in self.cells.values()))

    def init(self, *, key: Array) -> ProgramState:
        return ProgramState(
            {name: cells.init() for name, cells in self.cells.items()},
            {name: group.init() for name, group in self.synapses.items()},
            self.ring.empty(jnp.int32),
            bit(Status.PARAMETER_RANGE, self.faulty()),
        )

    def faulty(self) -> Array:
        """Whether any register is out of its range, also of traced numbers: for the status of a run."""
        bad = out_of_bounds((self.cells, self.synapses))
        for group in self.synapses.values():
            bad |= group.faulty_for(self.cells[group.post])
        return bad

    def view(self, state: ProgramState) -> dict[str, Any]:
        return {**state.cells, **state.synapses}

    def status(self, state: ProgramState) -> UInt32[Array, ""]:
        return state.status

    def prepare(self, plan: AbstractPlan = Forward()) -> Running:
        return Running.of(self)

    def no_derivative(self) -> str | None:
        return NO_DERIVATIVE


class Running(AbstractStepper):
    """A program, prepared for a run."""

    program: Program
    cells: dict[str, AbstractCells]
    carriers: dict[str, AbstractCarrier]

    @classmethod
    def of(cls, program: Program) -> Running:
        """The prepared program, with the delivery of each group of synapses."""
        first, ring = first_columns(program), program.ring
        carriers = {
            name: group.prepare(program.cells[group.pre], program.cells[group.post], ring, first[group.post])
            for name, group in program.synapses.items()
        }
        cells = {name: group.prepare(program.into(name)) for name, group in program.cells.items()}
        return cls(program, cells, carriers)

    def view(self, state: ProgramState) -> dict[str, Any]:
        return self.program.view(state)

    def step(self, state: ProgramState, inputs: Inputs, t: Array, *, key: Array) -> tuple[ProgramState, Signals]:
        program, status = self.program, state.status
        if inputs.currents:
            raise ValueError(f"Got a current into {known(inputs.currents)}; a program takes spikes; set a bias.")
        landed, ring = program.ring.take(state.ring, t)
        first = first_columns(program)
        cells, spikes = {}, {}
        for name, group in self.cells.items():
            arrived = landed[first[name] : first[name] + group.columns]
            stream = _random.stream(key, f"{name}.noise")
            cells[name], spikes[name], new = group.step(
                state.cells[name], arrived, fed(group, name, inputs), t, stream=stream
            )
            status = status | new
        synapses = {}
        for name, carrier in self.carriers.items():
            group, stream = program.synapses[name], _random.stream(key, f"{name}.learning")
            pair = spikes[group.pre], spikes[group.post]
            synapses[name], ring = carrier.deliver(
                state.synapses[name], ring, *pair, inputs.modulators, t, stream=stream
            )
        state = ProgramState(cells, synapses, ring, status)
        sent = {name: s.astype(canonical_float()) for name, s in spikes.items()}
        return state, Signals(sent, self.view(state))


def first_columns(program: Program) -> dict[str, int]:
    """The first column of every group in a slot of the ring."""
    first, at = {}, 0
    for name, group in program.cells.items():
        first[name], at = at, at + group.columns
    return first


def fed(group: AbstractCells, name: str, inputs: Inputs) -> Array | None:
    """What drives feed, summed over ports, in the unit of weights."""
    parts = [gain * inputs.arrivals[at] for p, gain in group.ports.items() if (at := f"{name}.{p}") in inputs.arrivals]
    return sum(parts[1:], parts[0]) if parts else None
