"""BrainScaleS-2 as a target of `lower`: a family of chips, of which a key is one."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..._random import as_key
from ..._types import OptionalParam, Param, canonical_float, on_device, param
from ...lowering.cells import InputCells
from ...lowering.formats import Real
from ...lowering.graph import EdgeNode
from ...lowering.integers import power_of_two
from ...lowering.kinds import is_a
from ...lowering.passes.base import AbstractPass
from ...lowering.passes.onestep import OneStep
from ...lowering.program import Program
from ...lowering.registers import whole
from ...lowering.target import AbstractTarget, register_target
from ...lowering.written import cell_node, edge_node, written_graph
from .cells import AnalogCells
from .instance import on_chip
from .passes import Levels, PlaceOnCircuits, RoundWeights, ToCADC, ranges_of, signs_of_inputs
from .pattern import CIRCUITS, Noise, Spread
from .place import estimate, use
from .read import AnalogNode, cells_of
from .real import neuron_of
from .synapses import NOWHERE, AnalogSynapses, brainscales_program

RANGES = {  # us on the chip, or LSB: what the group's calibration takes as targets
    "tau_m": (0.5, 60.0),
    "tau_syn": (0.3, 30.0),
    "refractory": (0.04, 32.0),
    "leak": (50.0, 160.0),
    "reset": (50.0, 160.0),
    "threshold": (50.0, 220.0),
}


class VerifyRanges(AbstractPass):
    """Refuses time constants, potentials and refractory periods that no calibration reaches, and mixed inputs."""

    looks = True
    speed: float = eqx.field(default=1000.0, static=True)
    ranges: tuple[tuple[str, tuple[float, float]], ...] = eqx.field(default=tuple(RANGES.items()), static=True)

    def __call__(self, graph):
        signs_of_inputs(graph)
        ranges_of(graph, dict(self.ranges), self.speed)
        return graph


@register_target("brainscales2")
class BrainScaleS2(AbstractTarget):
    """BrainScaleS-2: 512 analog neuron circuits, a thousand times as fast as the model, weights of 6 bits.

    There is no chip to equal: this is a model of a family of chips, whose spread and noise are arguments. With
    `chip=None`, `weight_bits=None` and `range=False` a program is the float model, bit for bit.

    **Arguments:**

    - `chip`: a key or a seed: one chip, with a fixed pattern. None: what all chips are deviations of.
    - `spread`: of the fixed pattern, which needs a chip; None for `Spread()`. `noise`: `Noise(...)`, or None for none.
    - `weight_bits`: 6; None for real weights. Static. `Precision(weight=...)` of `lower` takes fewer, also traced.
    - `swing`: LSB of the CADC from the lowest of leak and reset to the threshold.
    - `current`: the largest synaptic current, LSB of the membrane that it would hold up; None: no limit, as no figure
      is public.
    - `range`: whether the membrane is limited to that of the CADC. `circuits`: of the chip. `speed`: of the chip, in
      times of the model: 1 ms is 1 us. Static.
    """

    chip: Array | None = eqx.field(default=None, converter=lambda key: None if key is None else as_key(key, "chip"))
    spread: Spread | None = None
    noise: Noise | None = None
    weight_bits: int | None = eqx.field(default=6, static=True)
    swing: Param = param(45.0, unit="LSB", gt=0.0, finite=True)
    current: OptionalParam = param(None, unit="LSB", optional=True, gt=0.0)
    range: bool = eqx.field(default=True, static=True)
    circuits: int = eqx.field(default=CIRCUITS, static=True)
    speed: float = eqx.field(default=1000.0, static=True)

    def __check_init__(self):
        whole(self, circuits=1)
        if self.weight_bits is not None and self.weight_bits not in range(1, 7):
            raise ValueError(f"BrainScaleS2.weight_bits is {self.weight_bits!r}; expected 1 to 6, or None.")
        if not isinstance(self.spread, Spread | None) or not isinstance(self.noise, Noise | None):
            raise ValueError(f"Got {self.spread!r} and {self.noise!r}; expected Spread(...) and Noise(...), or None.")
        if self.spread is not None and self.chip is None:
            raise ValueError("Got a spread without a chip to draw it for; expected BrainScaleS2(chip=key, spread=...).")

    def formats(self, precision=None):
        if precision is not None and (precision.decay, precision.threshold) != (None, None):
            raise ValueError(f"{self.name} has a choice of bits for weights only; expected Precision(weight=...).")
        bits = self._bits(precision)
        return {
            "weight": Real()
            if bits is None
            else Levels(power_of_two(jnp.asarray(bits, jnp.int32), canonical_float()) - 1.0)
        }

    def _bits(self, precision: Any) -> Any:
        return self.weight_bits if precision is None or precision.weight is None else precision.weight

    def passes(self, precision=None):
        self.formats(precision)  # refuses bits that there are not
        return [
            OneStep(self.name),
            PlaceOnCircuits(self.circuits),
            ToCADC(self.swing),
            VerifyRanges(self.speed),
            RoundWeights(self._bits(precision)),
        ]

    def read(self, population, facts):
        return cells_of(population, facts)

    def neuron(self, name, graph):
        return neuron_of(name, graph, self)

    def emit(self, graph):
        cells, places = {}, dict(graph.placement or ())
        for name, cell in graph.cells.items():
            if cell.is_input:
                cells[name] = InputCells(cell.n, cell.ports)
                continue
            assert isinstance(cell, AnalogNode) and cell.population is not None
            limit = None if self.current is None else jnp.min(self.current * cell["lsb"] / cell["resistance"])
            cells[name] = AnalogCells(
                cell.n,
                cell.population,
                cell["lsb"],
                cell["zero"],
                cell["per_weight"],
                current=limit,
                noise=None if self.noise is None else self.noise.membrane,
                readout=None if self.noise is None else self.noise.readout,
                range=self.range,
                late=graph.facts.after_threshold,
                **({"circuits": places[name]} if name in places else {}),
            )
        synapses, taken = {}, {name: np.zeros(cell.n, np.int64) for name, cell in graph.cells.items()}
        for name, edge in graph.edges.items():
            synapses[name] = _synapses(edge, taken[edge.post])
        scale = {name: cell["scale"] for name, cell in graph.cells.items() if not cell.is_input}
        program = brainscales_program(cells, synapses, graph.dt, lags=graph.lags, scale=scale)
        return program if self.chip is None else on_chip(program, self.chip, self.spread)

    def unsupported(self, program):
        total = 0
        for name, group in program.cells.items():
            if not is_a(group, InputCells, AnalogCells):
                return f"{name!r} is {type(group).__name__}; {self.name} has InputCells and AnalogCells"
            if isinstance(group, AnalogCells):
                total += group.n * group.circuits.each
        if total > self.circuits:
            return f"the program takes {total} neuron circuits; {self.name} has {self.circuits}"
        for name, group in program.synapses.items():
            if not isinstance(group, AnalogSynapses):
                return f"{name!r} is {type(group).__name__}; {self.name} has AnalogSynapses"
            if group.exact and self.weight_bits is not None:
                return f"{name!r} have exact weights; {self.name} has {self.weight_bits} bits"
            if group.max_delay and not isinstance(program.cells[group.pre], InputCells):
                return f"{name!r} have delays up to {group.max_delay} steps; {self.name} has none"
        return None

    def graph_of(self, program):
        cells = {name: cell_node(name, program) for name in program.cells}
        edges = {name: _edges(name, program) for name in program.synapses}
        places = {name: group.circuits for name, group in program.cells.items() if isinstance(group, AnalogCells)}
        return written_graph(program, cells, edges).having(placement=tuple(places.items()))

    def placed(self, graph):
        return use(graph, self.circuits)

    def cost(self, graph, rates, steps):
        return estimate(graph, rates, steps, self.speed)


def _edges(name: str, program: Program) -> EdgeNode:
    """A matrix as edges, for a report: of the synapses that have a place."""
    group: Any = program.synapses[name]
    there = np.asarray(group.place) != NOWHERE
    (sender, receiver), weight = np.nonzero(there), np.asarray(group.weight)[there]
    form = Real() if group.exact else Levels()
    return edge_node(name, program, sender, receiver, weight, form, delay=group.delay)


def _synapses(edge: EdgeNode, taken: np.ndarray) -> AnalogSynapses:
    """Edges as a matrix, and the number of each among the inputs of its neuron, behind those that are `taken`."""
    pairs, weight = (edge.sender, edge.receiver), edge["weight"]
    form = edge.values["weight"].format
    sender, receiver = np.asarray(edge.sender), np.asarray(edge.receiver)
    there = np.zeros((edge.n_pre, edge.n_post), bool)
    there[sender, receiver] = True
    place = np.where(there, np.cumsum(there, axis=0) - 1 + taken, NOWHERE)
    taken += there.sum(axis=0)
    matrix = jnp.zeros(there.shape, weight.dtype).at[pairs].set(weight)
    return AnalogSynapses(
        edge.pre,
        edge.post,
        matrix,
        on_device(place.astype(np.int32)),
        port=edge.port,
        exact=isinstance(form, Real),
        delay=jnp.asarray(edge["delay"]).astype(jnp.int32),
        max_delay=edge.max_delay,
    )
