"""A program for a chip: cells and synapses in whole numbers, which runs in `simulate` like any other model."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Int, UInt32

from .. import _random
from .._status import Status, bit
from .._types import canonical_float, check
from ..connectivity.ring import Ring
from ..models import AbstractModel, AbstractPlan, AbstractStepper, Forward, Inputs, Signals, known
from .cells import AbstractCells
from .cores import Core
from .fixed import out_of_range
from .report import Report
from .synapses import AbstractCarrier, AbstractSynapses
from .targets import AbstractTarget


class ProgramState(NamedTuple):
    """Registers by group, what synapses have learned, arrivals to come, and what did not fit."""

    cells: dict[str, Any]
    synapses: dict[str, Any]
    ring: Int[Array, " slots*cells"]
    status: UInt32[Array, ""]


def _sorted(named: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(named.items()))


class Program(AbstractModel):
    """Groups of cells and of synapses on the cores of a chip; made by `lower(...)`, or written by hand.

    In step `t` every cell hears what was sent in step `t - 1 - delay`; what it sends is sent in step `t`.

    **Arguments:** `cells`, `synapses`: by name. `core`: the arithmetic of the chip or of one of its emulators.
    `dt`: the length of a step, ms, static. `late`: by how many steps a group runs behind the model it was lowered from.
    `scale`: what a unit of the model's `v` is worth in the registers of a group: `run["out.v"] / program.scale["out"]`.
    `report`: what was lost on the way, and what of the chip is used (`print(program.report)`).
    """

    cells: dict[str, AbstractCells] = eqx.field(converter=_sorted)
    synapses: dict[str, AbstractSynapses] = eqx.field(converter=_sorted)
    core: Core = eqx.field(default_factory=Core)
    dt: float = eqx.field(default=1.0, static=True)
    late: tuple[tuple[str, int], ...] = eqx.field(default=(), static=True)
    report: Report | None = eqx.field(default=None, static=True)
    scale: dict[str, Array] = eqx.field(default_factory=dict, converter=_sorted, kw_only=True)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the program to an `.npz` file, from which `Program.load` reads it back identical."""
        from .file import save

        save(self, path)

    def verify(self, target: AbstractTarget) -> None:
        """Raise ValueError that names what a chip does not have: a kind of cells, a number out of its range, a delay.

        How many cores a program needs is not looked at: `lower` places cells, a program written by hand has no place.
        """
        if not isinstance(target, AbstractTarget):
            raise ValueError(f"Got {target!r} to verify for; expected a target such as Loihi1().")
        if (why := target.unsupported(self.cells, self.synapses, self.core)) is not None:
            raise ValueError(f"{why}.")

    def bounds(self) -> dict[str, dict[str, Any]]:
        """What no spikes can make registers exceed: `bounds()["E"]["current"]` is `(low, high, proved)`.

        Every sender fires in every step, once, with any amplitude that it can send, and synapses that learn come to any
        weight of their format; what a drive feeds into cells, not inputs, comes on top. Only `CubaCells` have bounds.
        """
        from .bound import program_bounds

        return program_bounds(self)

    def summary(self) -> str:
        """What there is, a line or more a part: cells, synapses of every kind, their rules, bounds of registers."""
        from .summary import summary

        return summary(self)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> "Program":
        """Read a program. **Raises:** ValueError for a file that is truncated, changed, newer, or none."""
        from .file import load

        return load(path)

    def to_netx(self, path: str | os.PathLike[str]) -> None:
        """Write an HDF5 file that Lava-DL's loader runs spike for spike; what it would change is refused: `to_netx`."""
        from .netx.write import to_netx

        to_netx(self, path)

    @staticmethod
    def from_netx(path: str | os.PathLike[str]) -> "Program":
        """Read an HDF5 network of Lava-DL, in Lava's arithmetic: see `from_netx`."""
        from .netx.read import from_netx

        return from_netx(path)

    def __check_init__(self):
        if twice := self.cells.keys() & self.synapses.keys():
            raise ValueError(f"Cells and synapses are both named {known(twice)}; expected names of their own.")
        for name, part in self.named.items():
            kind = AbstractCells if name in self.cells else AbstractSynapses
            if not isinstance(name, str) or not name or "." in name or not isinstance(part, kind):
                raise ValueError(
                    f"Got {name!r}: {type(part).__name__} in a Program; expected names without dots, and cells such as "
                    "CubaCells(...), synapses such as Synapses(...)."
                )
        if not isinstance(self.core, Core):
            raise ValueError(f"Program.core is {self.core!r}; expected a Core such as Loihi1Core().")
        if isinstance(self.dt, bool) or not isinstance(self.dt, (int, float)) or not 0 < self.dt < float("inf"):
            raise ValueError(f"Program.dt is {self.dt!r}; expected a number of ms above 0.")
        for name, scale in self.scale.items():
            check(
                lambda scale=scale: (scale > 0) & jnp.isfinite(scale),
                f"Program.scale[{name!r}] is {scale}; expected a positive number.",
            )
        for name, group in self.synapses.items():
            for end in (group.pre, group.post):
                if end not in self.cells:
                    raise ValueError(f"Synapses {name!r} go to or from {end!r}; expected one of {known(self.cells)}.")
            pre, post = self.cells[group.pre], self.cells[group.post]
            if group.shape != (fits := (pre.n, post.inlets * post.n)):
                raise ValueError(
                    f"Synapses {name!r} have {group.shape[0]} senders and {group.shape[1]} receivers; expected {fits} "
                    f"from {group.pre!r} to {group.post!r}."
                )
            if (why := group.misfit(self.core)) is not None:
                raise ValueError(f"Synapses {name!r} have {why}.")

    @property
    def named(self) -> dict[str, Any]:
        """Cells and synapses by name."""
        return {**self.cells, **self.synapses}

    @property
    def sizes(self) -> dict[str, int]:
        return {name: cells.n for name, cells in self.cells.items()}

    def port(self, path: str) -> tuple[str, int]:
        name, _, port = path.partition(".")
        if name not in self.cells:
            raise ValueError(f"Got {path!r}, but the program has no cells {name!r}; there are {known(self.cells)}.")
        ports = self.cells[name].ports
        if not port and len(ports) == 1:
            (port,) = ports
        if port not in ports:
            raise ValueError(f"Got {path!r}, expected a port: {known(f'{name}.{p}' for p in ports)}.")
        return f"{name}.{port}", self.cells[name].n

    @property
    def ring(self) -> Ring:
        """A slot for every step that an arrival may lie ahead, a place for every inlet of every cell."""
        longest = max((group.max_delay for group in self.synapses.values()), default=0)
        return Ring(1 + longest, sum(group.inlets * group.n for group in self.cells.values()))

    def init(self, *, key: Array) -> ProgramState:
        return ProgramState(
            {name: cells.init() for name, cells in self.cells.items()},
            {name: group.init() for name, group in self.synapses.items()},
            self.ring.empty(jnp.int32),
            bit(Status.PARAMETER_RANGE, self.faulty()),
        )

    def faulty(self) -> Array:
        """Whether any register is given what it does not hold: known while tracing, for the status of a run."""
        bad = out_of_range((self.cells, self.synapses))
        for group in self.synapses.values():
            bad |= group.beyond(self.core)
        return bad

    def view(self, state: ProgramState) -> dict[str, Any]:
        return {**state.cells, **state.synapses}

    def status(self, state: ProgramState) -> UInt32[Array, ""]:
        return state.status

    def prepare(self, plan: AbstractPlan = Forward()) -> "Running":
        return Running.of(self)

    def no_derivative(self) -> str | None:
        return "a Program computes with integers, which have no derivative; train relax(program), then round it"


class Running(AbstractStepper):
    """A program ready to run: the same state, the same numbers."""

    program: Program
    carriers: dict[str, AbstractCarrier]

    @classmethod
    def of(cls, program: Program) -> "Running":
        first, at = {}, 0
        for name, group in program.cells.items():
            first[name], at = at, at + group.inlets * group.n
        carriers = {
            name: group.prepare(program.core, program.ring, first[group.post], program.cells[group.pre].message_bits)
            for name, group in program.synapses.items()
        }
        return cls(program, carriers)

    def view(self, state: ProgramState) -> dict[str, Any]:
        return self.program.view(state)

    def step(self, state: ProgramState, inputs: Inputs, t: Array, *, key: Array) -> tuple[ProgramState, Signals]:
        program, status = self.program, state.status
        if inputs.currents:
            raise ValueError(f"Got a current into {known(inputs.currents)}; a program takes spikes; set a bias.")
        landed, ring = program.ring.take(state.ring, t)
        cells, spikes, first = {}, {}, 0
        for name, group in program.cells.items():
            arrived = landed[first : first + group.inlets * group.n]
            stream = _random.stream(key, f"{name}.noise")
            fed = _fed(group, name, inputs)
            cells[name], spikes[name], new = group.step(program.core, state.cells[name], arrived, fed, t, stream=stream)
            status, first = status | new, first + group.inlets * group.n
        synapses = {}
        for name, carrier in self.carriers.items():
            group, s = program.synapses[name], state.synapses[name]
            ring = carrier.send(s, ring, spikes[group.pre], t)
            stream = _random.stream(key, f"{name}.learning")
            pair = spikes[group.pre], spikes[group.post]
            synapses[name] = carrier.learn(s, *pair, inputs.modulators, _after(ring, t), stream=stream)
        state = ProgramState(cells, synapses, ring, status)
        sent = {name: s.astype(canonical_float()) for name, s in spikes.items()}
        return state, Signals(sent, self.view(state))


def _after(ring: Int[Array, " ring"], t: Int[Array, ""]) -> Int[Array, ""]:
    """`t`, but not known before the ring is: XLA would change weights before they are read, and copy them for that."""
    return t + jnp.minimum(ring[0] & (2**31 - 1), 0)


def _fed(group: AbstractCells, name: str, inputs: Inputs) -> Array | None:
    """What drives put in, over all ports, in the unit of weights."""
    parts = [gain * inputs.arrivals[at] for p, gain in group.ports.items() if (at := f"{name}.{p}") in inputs.arrivals]
    return sum(parts[1:], parts[0]) if parts else None
