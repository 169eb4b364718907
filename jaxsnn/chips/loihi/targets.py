"""Loihi 1 and 2 as targets: formats, passes, limits as data, and what of a program they do not have."""

from typing import TYPE_CHECKING, Any

import equinox as eqx
import numpy as np

from ..._types import is_concrete
from ...lowering.cells import InputCells
from ...lowering.formats import AbstractFormat, Fixed
from ...lowering.graph import Graph
from ...lowering.kinds import is_a
from ...lowering.passes.base import AbstractPass
from ...lowering.passes.decays import QuantiseDecays
from ...lowering.passes.discretise import Discretise
from ...lowering.passes.fold import FoldGains
from ...lowering.passes.quantise import CellFormats, Quantise
from ...lowering.passes.scales import BalanceScales, Capacity
from ...lowering.passes.timing import MapDelays
from ...lowering.pipeline import lower_graph
from ...lowering.registers import whole
from ...lowering.target import AbstractTarget, Precision, checked_again, register_target
from ...models import known
from .cells import CubaCells
from .cores import Core, LavaCore
from .emission import emit
from .energy import estimate
from .formats import UNIT, BiasFormat, DecayFormat, ThresholdFormat, WeightFormat
from .learning.node import RuleNode
from .limits import Limits
from .loihi2.graded import GradedCells, GradedReluCells, ProductCells
from .loihi2.leaky import AdaptiveCells, ResetCells, TernaryCells
from .loihi2.resonate import IzhikevichResonatorCells, PhaseCells, ResonatorCells
from .loihi2.sigma_delta import DeltaCells, SigmaCells, SigmaDeltaCells
from .loihi2.turns import QuantiseTurns
from .place import PlaceOnCores, Plan, RouteAxons, VerifyLimits, binding
from .reading import cells_of
from .real import neuron_of
from .synapses import LoihiSynapses
from .written import as_graph

if TYPE_CHECKING:
    from typing import ClassVar as AbstractVar
else:
    from equinox import AbstractVar

CAPACITY = Capacity(  # in the lowest bits of registers
    input=2.0**21 - 64, state=2.0**23 - 1, bias=4095.0 * 128, weight=254 * 128 * UNIT, threshold=131071 * UNIT
)
_REMEDIES = {
    "cells": "a smaller population, or shorter delays if they share its accumulators",
    "bits of synapses": "fewer weight bits (Precision(weight=...)), sparser projections, or shorter delays",
    "axons in": "a smaller fan-in, or a relay population that many senders share",
    "axons out": "receivers on fewer cores: smaller populations behind it, or sparser projections",
}
_LOIHI1 = (InputCells, CubaCells)
_LOIHI2 = (
    *(*_LOIHI1, TernaryCells, ResetCells, AdaptiveCells, GradedCells, GradedReluCells, ProductCells),
    *(DeltaCells, SigmaCells, SigmaDeltaCells, ResonatorCells, IzhikevichResonatorCells, PhaseCells),
)


class AbstractLoihi(AbstractTarget):
    """A chip of neuro cores: their arithmetic, and limits. Static whole numbers; give others for a chip of your own.

    `cells`, `synapse_bits`, `in_axons`, `out_axons`, `accumulators`, `profiles`: of a core. `cores`: of a chip.
    `delay`, `refractory`: the longest, steps. `kinds`: of cells. `message_bits`: of a spike; 0: it has no amplitude.
    """

    core: AbstractVar[Core]
    cells: AbstractVar[int]
    synapse_bits: AbstractVar[int]
    in_axons: AbstractVar[int]
    out_axons: AbstractVar[int]
    accumulators: AbstractVar[int]
    profiles: AbstractVar[int]
    cores: AbstractVar[int]
    delay: AbstractVar[int]
    refractory: AbstractVar[int]
    kinds: AbstractVar[tuple[type, ...]]
    message_bits: AbstractVar[int]

    def __check_init__(self):
        if not isinstance(self.core, Core):
            raise ValueError(f"{self.name}.core is {self.core!r}; expected a Core such as LavaCore().")
        sizes = ("cells", "synapse_bits", "in_axons", "out_axons", "accumulators", "profiles", "cores", "refractory")
        whole(self, **dict.fromkeys(sizes, 1), delay=0, message_bits=0)

    @property
    def limits(self) -> Limits:
        """What placement has to keep to."""
        return Limits(self.name, *(getattr(self, name) for name in Limits._fields[1:]))

    def formats(self, precision=None):
        bits = Precision() if precision is None else precision
        made: dict[str, AbstractFormat] = {}
        for name, kind in (("weight", WeightFormat), ("decay", DecayFormat), ("threshold", ThresholdFormat)):
            given = getattr(bits, name)
            try:
                made[name] = kind() if given is None else kind(given)
            except ValueError as error:
                raise ValueError(str(error).replace(f"{kind.__name__}.bits", f"Precision.{name}")) from None
        return made | {"bias": BiasFormat(), "state": Fixed(23), "refractory": Fixed(6, signed=False)}

    def passes(self, precision=None):
        forms = self.formats(precision)
        cell = CellFormats(**{name: forms[name] for name in ("threshold", "bias", "state", "refractory")})
        passes: list[AbstractPass] = [
            Discretise(),
            FoldGains(),
            MapDelays(self.delay, self.name),
            QuantiseDecays(forms["decay"], forms["decay"]),
            BalanceScales(forms["weight"], CAPACITY),
            Quantise(forms["weight"], cell, UNIT),
            PlaceOnCores(self.limits),
            RouteAxons(),
            VerifyLimits(self.limits),
        ]
        return passes

    def read(self, population, facts):
        cells = cells_of(population, facts)
        if cells.kind is not None and cells.kind not in self.kinds:
            raise ValueError(
                f"{type(population.neuron).__name__} becomes {cells.kind.__name__}, which {self.name} does not have; "
                "use Loihi2(), or a LIF"
            )
        return cells

    def read_rule(self, name, projection):
        return RuleNode.of(name, projection)

    def emit(self, graph):
        return emit(graph, self.core)

    def unsupported(self, program):
        for name, part in program.named.items():
            try:
                checked_again(part)
            except ValueError as error:
                return f"{name!r}: {str(error).rstrip('.')}"
        for name, group in program.cells.items():
            kind = type(group).__name__
            if not is_a(group, *self.kinds):
                have = known(each.__name__ for each in self.kinds)
                return f"{name!r} is {kind}, which {self.name} does not have; it has {have}"
            if group.message_bits > self.message_bits:
                return (
                    f"{name!r} ({kind}) sends amplitudes of {group.message_bits} bits; spikes of {self.name} have "
                    f"{self.message_bits}"
                )
            held = group.refractory if isinstance(group, CubaCells) else 1
            if is_concrete(held) and np.max(np.asarray(held)) > self.refractory:
                longest = np.max(np.asarray(held))
                return f"{name!r} is refractory for {longest} steps; the most on {self.name} is {self.refractory}"
        for name, group in program.synapses.items():
            if not isinstance(group, LoihiSynapses):
                return f"{name!r} is {type(group).__name__}, which {self.name} does not have"
            if group.max_delay > self.delay:
                return f"{name!r} has delays up to {group.max_delay} steps; {self.name} has {self.delay}"
            if (why := group.unsupported(program.cells[group.post]) or group.unsupported_by(self.core)) is not None:
                return f"{name!r} has {why}"
        return None

    def graph_of(self, program):
        return lower_graph(as_graph(program), [each for each in self.passes() if each.looks])

    def neuron(self, name, graph):
        return neuron_of(name, graph, self)

    def placed(self, graph):
        plan = graph.placement
        if not isinstance(plan, Plan):
            return None
        limit, group, used, room = binding(plan, self.limits)
        cores, total = plan.cores, lambda name: sum(getattr(core, name) for core in plan.cores)
        chips = 1 + max((core.chip for core in cores), default=0)
        return {
            "cores": len(cores),
            "chips": chips,
            "binding limit": {
                "limit": limit, "group": group, "used": used, "room": room, "remedy": _REMEDIES[limit],
            },
            "memory bits": total("synapse_bits"),
            "axons in": total("in_axons"),
            "axons out": total("out_axons"),
            "room of a core": {
                name: getattr(self, name) for name in ("cells", "synapse_bits", "in_axons", "out_axons")
            },
            "placement": [core._asdict() for core in cores],
            "summary": [
                f"{len(cores)} core(s) on {chips} chip(s), {total('synapse_bits') / 8192:.1f} KB of synapses, "
                f"{total('in_axons')} axons in, {total('out_axons')} out",
                f"binding limit: {limit}, {used} of {room} ({100 * used / room:.0f} %) on a core of {group!r}",
            ],
        }  # fmt: skip

    def cost(self, graph: Graph, rates: dict[str, Any], steps: int) -> dict[str, Any] | None:
        why = f"no public figure per event for {self.name}"
        return {"available": False, "why": why, "summary": [f"energy and time: not available, {why}"]}


@register_target("loihi1")
class Loihi1(AbstractLoihi):
    """Loihi: 128 cores of 1 024 cells, 128 KB of synapses and 4 096 axons in and out (Davies et al. 2018; nengo-loihi).

    `core`: `Loihi1Core()`, or an emulator's: `LavaCore()`, `NengoLoihiCore()`, `Brian2LoihiCore()`.
    """

    core: Core = eqx.field(default_factory=Core)
    cells: int = eqx.field(default=1024, static=True)
    synapse_bits: int = eqx.field(default=16384 * 64, static=True)
    in_axons: int = eqx.field(default=4096, static=True)
    out_axons: int = eqx.field(default=4096, static=True)
    accumulators: int = eqx.field(default=8192, static=True)
    profiles: int = eqx.field(default=32, static=True)
    cores: int = eqx.field(default=128, static=True)
    delay: int = eqx.field(default=62, static=True)
    refractory: int = eqx.field(default=63, static=True)
    kinds: tuple[type, ...] = eqx.field(default=_LOIHI1, static=True)
    message_bits: int = eqx.field(default=0, static=True)

    def cost(self, graph, rates, steps):
        plan = graph.placement
        return estimate(graph, plan, rates, steps) if isinstance(plan, Plan) else super().cost(graph, rates, steps)


@register_target("loihi2")
class Loihi2(AbstractLoihi):
    """Loihi 2: 128 cores of 8 192 cells with about 192 KB (secondary sources; no public document has all limits).

    The arithmetic is Lava's, which calls itself bit-accurate. Axons are those of Loihi 1, as nothing else is public.

    `lower` makes `CubaCells` of a network, as for Loihi, and resonators of `ResonateAndFire`, whose sines and cosines
    have 15 bits, or as many as `Precision(decay=...)` says. None of the other kinds (`kinds`; graded spikes,
    sigma-delta, an adaptive threshold whose spikes do not reset) is the recursion of a neuron of this library. They are
    for programs that are written by hand, which `verify(program, Loihi2())` checks.
    """

    core: Core = eqx.field(default_factory=lambda: LavaCore())
    cells: int = eqx.field(default=8192, static=True)
    synapse_bits: int = eqx.field(default=192 * 1024 * 8, static=True)
    in_axons: int = eqx.field(default=4096, static=True)
    out_axons: int = eqx.field(default=4096, static=True)
    accumulators: int = eqx.field(default=65536, static=True)
    profiles: int = eqx.field(default=8192, static=True)
    cores: int = eqx.field(default=128, static=True)
    delay: int = eqx.field(default=62, static=True)
    refractory: int = eqx.field(default=63, static=True)
    kinds: tuple[type, ...] = eqx.field(default=_LOIHI2, static=True)
    message_bits: int = eqx.field(default=32, static=True)

    def formats(self, precision=None):
        return super().formats(precision) | {"turn": _turn(precision)}

    def passes(self, precision=None):
        passes = super().passes(precision)
        scales = next(i for i, each in enumerate(passes) if isinstance(each, BalanceScales))
        return [*passes[:scales], QuantiseTurns(_turn(precision)), *passes[scales:]]


def _turn(precision: Precision | None) -> Fixed:
    """The format of sines and cosines."""
    bits = 15 if precision is None or precision.decay is None else precision.decay
    return Fixed(bits, bits)
