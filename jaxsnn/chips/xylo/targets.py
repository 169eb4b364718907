"""The chips of the Xylo family: limits as data, and what `lower` asks of a target."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ..._types import is_concrete
from ...lowering.cells import InputCounts
from ...lowering.formats import Fixed
from ...lowering.graph import Graph
from ...lowering.passes.onestep import OneStep
from ...lowering.program import Program
from ...lowering.target import AbstractTarget, register_target
from ...lowering.written import cell_node, edge_node, written_graph
from .cells import XyloCells
from .passes import AbstractScaling, MergePorts, PerNeuron, ScaleToBits, outputs
from .place import AUDIO, estimate, no_figures, use
from .read import cells_of
from .real import neuron_of
from .synapses import XyloSynapses, xylo_program


class AbstractXylo(AbstractTarget):
    """A Xylo. **Arguments:** `inputs`, `hidden`, `outputs`: how many it has. `fan_in`: the most synapses of a neuron;
    `weights`: of all; None: no limit. `version`: of its arithmetic, 1 or 2. `scaling`: `PerNeuron()` or `Global()`.
    `power`: W, for the estimate of energy; None: no figure.
    """

    hidden: int = eqx.field(default=1000, static=True)
    outputs: int = eqx.field(default=8, static=True)
    inputs: int = eqx.field(default=16, static=True)
    fan_in: int | None = eqx.field(default=None, static=True)
    weights: int | None = eqx.field(default=None, static=True)
    version: int = eqx.field(default=2, static=True)
    scaling: AbstractScaling = eqx.field(default_factory=PerNeuron)
    power: float | None = eqx.field(default=None, static=True)

    def formats(self, precision=None):
        if precision is not None and (precision.decay, precision.threshold) != (None, None):
            raise ValueError(f"{self.name} has a choice of bits for weights only; expected Precision(weight=...).")
        return {"weight": Fixed(7 if precision is None or precision.weight is None else precision.weight - 1)}

    def passes(self, precision=None):
        steps = OneStep("Xylo", "in a cycle use one step, and CubaLIF, whose current acts at once")
        return [steps, MergePorts(), ScaleToBits(self.formats(precision)["weight"].bits + 1, self.scaling)]

    def read(self, population, facts):
        return cells_of(population, facts)

    def neuron(self, name, graph):
        return neuron_of(name, graph, self)

    def emit(self, graph: Graph) -> Program:
        last, cells, matrices = outputs(graph), {}, {}
        starts = min((lag for name, lag in graph.lags if not graph.cells[name].is_input), default=0)
        for name, cell in graph.cells.items():
            if cell.is_input:
                cells[name] = InputCounts(cell.n, cell.ports)
                continue
            dashes = [cell[key] if key in cell.values else None for key in ("dash_i0", "dash_i1")]
            cells[name] = XyloCells(
                cell.n,
                cell["dash_v"],
                1 if dashes[0] is None else dashes[0],
                cell["threshold"],
                cell["bias"],
                dash_i2=dashes[1],
                most=1 if name in last else 31,
                version=self.version,
                starts=starts,
            )
        for edge in graph.edges.values():  # one matrix a pair of groups, of both synapses
            column = int(graph.cells[edge.post][f"synapse {edge.port}"]) * edge.n_post + edge.receiver
            empty = jnp.zeros((edge.n_pre, cells[edge.post].n_inputs * edge.n_post), jnp.int32)
            matrix = matrices.get((edge.pre, edge.post), (empty,))[0]
            matrices[edge.pre, edge.post] = matrix.at[edge.sender, column].add(edge["weight"]), edge
        synapses = {}
        for (pre, post), (weight, edge) in matrices.items():
            sent = dict(most=2 ** cells[pre].message_bits - 1, delay=edge["delay"], max_delay=edge.max_delay)
            synapses[f"{pre} to {post}"] = XyloSynapses(pre, post, weight, edge["shift"], **sent)
        scale = {name: cell["scale"] for name, cell in graph.cells.items() if not cell.is_input}
        program = xylo_program(cells, synapses, graph.dt, lags=graph.lags, scale=scale)
        if (why := self.unsupported(program)) is not None:
            raise ValueError(f"{why}.")
        return program

    def graph_of(self, program):
        cells, edges, layers = {}, {}, []
        for name, group in program.cells.items():
            assert isinstance(group, InputCounts | XyloCells)  # which `verify` found
            cells[name] = cell_node(name, program)
            layers.append((name, _layer(group)))
        for name, group in program.synapses.items():
            assert isinstance(group, XyloSynapses)
            weight = np.asarray(group.weight)
            sender, receiver = np.nonzero(weight)
            stored, form = weight[sender, receiver], Fixed(7, -group.shift)
            edges[name] = edge_node(name, program, sender, receiver, stored, form, delay=group.delay)
        return written_graph(program, cells, edges).having(placement=tuple(layers))

    def placed(self, graph):
        return use(graph, {"inputs": self.inputs, "hidden": self.hidden, "outputs": self.outputs})

    def cost(self, graph, rates, steps):
        return no_figures(self.name) if self.power is None else estimate(graph, self.power, steps)

    def unsupported(self, program):
        have: dict[str, int] = dict.fromkeys(("inputs", "hidden", "outputs"), 0)
        layer_of, total = {}, 0
        for name, group in program.cells.items():
            if not isinstance(group, InputCounts | XyloCells):
                return f"{name!r} is {type(group).__name__}; {self.name} has InputCounts and XyloCells"
            if isinstance(group, XyloCells) and group.version != self.version:
                return f"{name!r} computes as version {group.version}, and {self.name} as version {self.version}"
            layer_of[name] = _layer(group)
            have[layer_of[name]] += group.n
            into = [each.weight for each in program.into(name).values() if isinstance(each, XyloSynapses)]
            each = sum(np.count_nonzero(w, axis=0).reshape(-1, group.n).sum(0) for w in into if is_concrete(w))
            total += int(np.sum(each))
            if self.fan_in is not None and np.max(each) > self.fan_in:
                return f"a neuron of {name!r} has {np.max(each)} synapses; {self.name}(fan_in=...) allows {self.fan_in}"
        for layer, count in have.items():
            if count > getattr(self, layer):
                return f"the program has {count} {layer} neurons ({layer}); {self.name} has {getattr(self, layer)}"
        if self.weights is not None and total > self.weights:
            return f"the program has {total} weights; {self.name}(weights=...) allows {self.weights}"
        for name, group in program.synapses.items():
            ends = layer_of[group.pre], layer_of[group.post]
            if ends not in (("inputs", "hidden"), ("hidden", "hidden"), ("hidden", "outputs")):
                return f"{name!r} go from {ends[0]} to {ends[1]}, which {self.name} does not connect"
            if group.max_delay and ends[0] != "inputs":
                return f"{name!r} have delays up to {group.max_delay} steps; {self.name} has none"
        return None


def _layer(group: InputCounts | XyloCells) -> str:
    """Where on the chip a group is."""
    return "inputs" if isinstance(group, InputCounts) else "outputs" if group.most == 1 else "hidden"


@register_target("xylo-audio2")
class XyloAudio2(AbstractXylo):
    """XyloAudio 2: 16 inputs, 1000 hidden neurons, 8 outputs. Some sources add a fan-in of 63 and 64 000 weights."""

    power: float | None = eqx.field(default=AUDIO, static=True)


@register_target("xylo-audio3")
class XyloAudio3(AbstractXylo):
    """XyloAudio 3: 992 hidden neurons, and 32 outputs (its text says 16)."""

    hidden: int = eqx.field(default=992, static=True)
    outputs: int = eqx.field(default=32, static=True)


@register_target("xylo-imu")
class XyloIMU(AbstractXylo):
    """Xylo IMU: 496 hidden neurons, 16 outputs."""

    hidden: int = eqx.field(default=496, static=True)
    outputs: int = eqx.field(default=16, static=True)


@register_target("xylo1")
class Xylo1(AbstractXylo):
    """The first Xylo: as XyloAudio 2, in the arithmetic of version 1, without biases."""

    version: int = eqx.field(default=1, static=True)
