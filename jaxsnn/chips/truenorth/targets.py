"""TrueNorth as a target of `lower`: passes, limits, and what a program may have."""

from typing import Any

import equinox as eqx
import numpy as np

from ..._types import is_concrete
from ...lowering.cells import InputCells
from ...lowering.formats import Fixed
from ...lowering.kinds import is_a
from ...lowering.passes.timing import MapDelays
from ...lowering.program import Program
from ...lowering.registers import whole
from ...lowering.target import AbstractTarget, register_target
from .arithmetic import AXONS, NEURONS, TICKS, AbstractRules, Published
from .cells import CoreCells
from .coding import AbstractCoding, TwosComplement
from .emission import emit
from .fan_out import AbstractFanOut
from .passes import CodeWeights, ToRegisters
from .place import CORES, estimate, use
from .read import cells_of
from .real import neuron_of
from .routes import Routes
from .splitters import Splitters
from .timing import StartLate
from .written import as_graph


@register_target("truenorth")
class TrueNorth(AbstractTarget):
    """IBM's TrueNorth: cores of 256 axons and 256 neurons, binary crossbars, four axon types.

    **Arguments:** `coding`: how weights are made of bits: `TwosComplement(4)`, `Trinary()`, `OneWeight()`. `fan_out`:
    how a neuron reaches several axons: `Splitters()` or `Copies()`. `rules`: of thresholds and random numbers. `chips`:
    how many there are, static.
    """

    coding: AbstractCoding = eqx.field(default_factory=TwosComplement)
    fan_out: AbstractFanOut = eqx.field(default_factory=Splitters)
    rules: AbstractRules = eqx.field(default_factory=Published)
    chips: int = eqx.field(default=1, static=True)

    def __check_init__(self):
        whole(self, chips=1)
        for name, kind in (("coding", AbstractCoding), ("fan_out", AbstractFanOut), ("rules", AbstractRules)):
            if not isinstance(getattr(self, name), kind):
                raise ValueError(f"TrueNorth.{name} is {getattr(self, name)!r}; expected one of snn.chips.truenorth.")

    def formats(self, precision=None):
        if precision is not None and (precision.weight, precision.decay, precision.threshold) != (None,) * 3:
            raise ValueError(
                f"{self.name} makes weights of axons; expected TrueNorth(coding=TwosComplement(width)), no Precision."
            )
        return {"weight": Fixed(8)}

    def passes(self, precision=None):
        self.formats(precision)
        return [CodeWeights(self.coding), ToRegisters(), self.fan_out, MapDelays(TICKS[1] - 1, self.name), StartLate()]

    def read(self, population, facts):
        return cells_of(population, facts, self.rules)

    def neuron(self, name, graph):
        return neuron_of(name, graph, self)

    def emit(self, graph):
        program = emit(graph, self.rules)
        if (why := self.unsupported(program)) is not None:
            raise ValueError(f"{why}.")
        return program

    def unsupported(self, program):
        cores = 0
        for name, group in program.cells.items():
            if not is_a(group, CoreCells, InputCells):
                return f"{name!r} is {type(group).__name__}; {self.name} has CoreCells, and InputCells for the host"
            if isinstance(group, CoreCells):
                if group.rules != self.rules:
                    return f"{name!r} computes by {group.rules}, and {self.name} by {self.rules}"
                if (why := _crowded(name, group)) is not None:
                    return why
                cores += 0 if group.copies_of else _count(group)
        if cores > self.chips * CORES:
            return f"the program takes {cores} cores, and there are {self.chips * CORES}; use TrueNorth(chips=...)"
        for name, group in program.synapses.items():
            if not is_a(group, Routes):
                return f"{name!r} is {type(group).__name__}, which {self.name} does not have; it has Routes"
        return _destinations(program) or _copies(program)

    def graph_of(self, program):
        return as_graph(program)

    def placed(self, graph):
        return use(graph)

    def cost(self, graph, rates, steps):
        return estimate(graph, rates, steps)


def _count(group: CoreCells) -> int:
    """The cores of a group."""
    return 1 if group.core is None or not is_concrete(group.core) else int(np.max(np.asarray(group.core))) + 1


def _crowded(name: str, group: CoreCells) -> str | None:
    """Which core of a group has more than a core has, or bits between cores."""
    if not is_concrete((group.core, group.axon_core, group.start, group.receiver)):
        return None
    core = np.zeros(group.n, int) if group.core is None else np.asarray(group.core)
    of_axon = np.zeros(group.axons, int) if group.axon_core is None else np.asarray(group.axon_core)
    for what, x, most in (("neurons", core, NEURONS), ("axons", of_axon, AXONS)):
        if x.size and np.bincount(x).max() > most:
            return f"a core of {name!r} has {np.bincount(x).max()} {what} of {most}; say by `core` which are on which"
    each = np.diff(np.asarray(group.start))
    if np.any(np.repeat(of_axon, each) != core[np.asarray(group.receiver)]):
        return f"{name!r} has crossbar bits between axons and neurons of different cores; a crossbar is within a core"
    return None


def _destinations(program: Program) -> str | None:
    """A neuron that sends to several axons."""
    for name, group in program.cells.items():
        if isinstance(group, InputCells):
            continue
        total: Any = np.zeros(group.n, int)
        for routes in program.synapses.values():
            post = program.cells[routes.post]
            twin = isinstance(post, CoreCells) and post.copies_of is not None
            if isinstance(routes, Routes) and routes.pre == name and not twin and is_concrete(routes.axon):
                total = total + (np.asarray(routes.axon).reshape(group.n, -1) >= 0).sum(axis=1)
        if np.max(total) > 1:
            return (
                f"neuron {int(np.argmax(total))} of {name!r} has {int(np.max(total))} destinations, and a neuron has "
                "one: use splitters, which are neurons that pass on what arrives, or copies"
            )
    return None


def _copies(program: Program) -> str | None:
    """Why copies are refused whose input is not that of the neurons that they copy; None if all have it."""
    for name, group in program.cells.items():
        if not isinstance(group, CoreCells) or group.copies_of is None:
            continue
        original, own = (
            {r.pre: r for r in program.into(each).values() if isinstance(r, Routes)} for each in (group.copies_of, name)
        )
        leaves = lambda routes: [
            np.asarray(x).tolist() for r in sorted(routes) for x in (routes[r].axon, routes[r].tick)
        ]
        if is_concrete((original, own)) and (original.keys() != own.keys() or leaves(original) != leaves(own)):
            return f"{name!r} are copies of {group.copies_of!r} and receive from other axons; give both the same Routes"
    return None
