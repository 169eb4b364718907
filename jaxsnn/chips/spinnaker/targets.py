"""SpiNNaker 1 as a target of `lower`: formats, passes, limits, and the program of a graph."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ...lowering.cells import AbstractCells, InputCounts
from ...lowering.formats import Fixed
from ...lowering.graph import EdgeNode, Graph
from ...lowering.kinds import is_a
from ...lowering.passes.timing import MapDelays
from ...lowering.program import Program
from ...lowering.registers import whole
from ...lowering.target import AbstractTarget, register_target
from ...lowering.written import cell_node, edge_node, senders, written_graph
from .account import Words
from .arithmetic import LARGEST
from .izhikevich import IzhikevichCells
from .learning import PairNode
from .lif import CondExpCells, CurrDeltaCells, CurrExpCells
from .passes import ChooseShifts, RoundWeights, SynapseTypes, ToAccums, VerifyRanges, accums, type_of
from .place import estimate, use
from .plastic import PlasticRowSynapses
from .poisson import PoissonCells
from .read import cells_of
from .real import neuron_of
from .sources import PoissonSource, UseSources, sources_of
from .synapses import DELAY, RowSynapses

_KINDS = (InputCounts, PoissonCells, CurrExpCells, CondExpCells, CurrDeltaCells, IzhikevichCells)


@register_target("spinnaker-7.4")
class SpiNNaker1(AbstractTarget):
    """SpiNNaker 1 under sPyNNaker 7.4.1: its compiled neurons, ring buffers and rows, on a machine that drops nothing.

    **Arguments**, static: `spikes_per_second`, `ring_buffer_sigma`: of the host's estimate of ring buffers (see
    `ChooseShifts`). `delay`: the longest, in steps: 144 are documented. `time_scale_factor`: by how much the machine
    runs slower than real time, for the estimate of energy and time; the factor that a network needs is not predicted.
    Of numbers: `sources`: input populations that are Poisson sources on cores, by name; others are fed by the host.
    """

    spikes_per_second: float = eqx.field(default=30.0, static=True)
    ring_buffer_sigma: float = eqx.field(default=5.0, static=True)
    delay: int = eqx.field(default=DELAY, static=True)
    time_scale_factor: float = eqx.field(default=1.0, static=True)
    sources: dict[str, PoissonSource] = eqx.field(default_factory=dict, converter=sources_of, kw_only=True)

    def __check_init__(self):
        whole(self, delay=1)
        if not 1.0 <= self.time_scale_factor < float("inf"):
            raise ValueError(f"SpiNNaker1.time_scale_factor is {self.time_scale_factor!r}; expected at least 1.")
        if self.delay > DELAY:
            raise ValueError(f"SpiNNaker1.delay is {self.delay}; expected at most {DELAY} steps.")

    def formats(self, precision=None):
        if precision is not None and (precision.decay, precision.threshold) != (None, None):
            raise ValueError(f"{self.name} has a choice of bits for weights only; expected Precision(weight=...).")
        weight = 16 if precision is None or precision.weight is None else precision.weight
        return {"weight": Fixed(weight, signed=False), "accum": accums()}

    def passes(self, precision=None):
        form = self.formats(precision)["weight"]
        return [
            *([UseSources(self.sources)] if self.sources else []),
            MapDelays(self.delay - 1, self.name),
            SynapseTypes(),
            ToAccums(),
            VerifyRanges(),
            ChooseShifts(self.spikes_per_second, self.ring_buffer_sigma),
            RoundWeights(form.bits),
        ]

    def read(self, population, facts):
        return cells_of(population, facts)

    def read_rule(self, name, projection):
        return PairNode.of(name, projection)

    def neuron(self, name, graph):
        return neuron_of(name, graph, self)

    def emit(self, graph):
        sources = {name: source.cells(graph.cells[name].n, graph.dt) for name, source in self.sources.items()}
        cells = {name: sources.get(name) or _cells(cell, graph) for name, cell in graph.cells.items()}
        synapses = {name: _synapses(name, edge, graph, cells[edge.pre]) for name, edge in graph.edges.items()}
        scale = {name: cell["scale"] for name, cell in graph.cells.items() if not cell.is_input}
        return Program(cells, synapses, graph.dt, graph.lags, scale=scale)

    def unsupported(self, program):
        for name, group in program.cells.items():
            if not is_a(group, *_KINDS):
                have = ", ".join(kind.__name__ for kind in _KINDS)
                return f"{name!r} is {type(group).__name__}, which {self.name} does not have; it has {have}"
        for name, group in program.synapses.items():
            if not isinstance(group, RowSynapses):
                return f"{name!r} is {type(group).__name__}, which {self.name} does not have; it has RowSynapses"
            if group.max_delay >= self.delay:
                return f"{name!r} takes up to {group.max_delay + 1} steps; the longest on {self.name} is {self.delay}"
        return None

    def graph_of(self, program):
        sources = lambda cells: Words.of(cells).node(cells) if isinstance(cells, PoissonCells) else None
        cells = {name: sources(cells) or cell_node(name, program) for name, cells in program.cells.items()}
        edges = {name: _edges(name, program) for name in program.synapses}
        return written_graph(program, cells, edges)

    def placed(self, graph):
        return use(graph, self.sources)

    def cost(self, graph, rates, steps):
        return estimate(graph, rates, steps, self.time_scale_factor, self.sources)


def _cells(cell: Any, graph: Graph) -> Any:
    """A population with the parameters that the chip is given."""
    if cell.is_input:
        return InputCounts(cell.n, cell.ports)
    numbers: dict[str, Any] = {
        "tau_m": cell["tau"],
        "c_m": cell["tau"],
        "v_rest": cell["v_rest"],
        "v_reset": cell["v_reset"],
        "v_th": cell["v_th"] if "v_th" in cell.values else jnp.asarray(LARGEST, jnp.int32),
        "v_init": cell["v_start"],
        "i_offset": cell["bias"],
        "t_ref": cell["refractory"],
        "shift_exc": cell["shift_exc"],
        "shift_inh": cell["shift_inh"],
        "dt": jnp.round(jnp.asarray(graph.dt) * 2**15).astype(jnp.int32),
    }
    if "lag" in cell.values:
        numbers["refractory_init"] = cell["lag"]
    if "tau_exc" not in cell.values:
        return CurrDeltaCells(cell.n, **numbers, ports={})
    return CurrExpCells(cell.n, **numbers, tau_exc=cell["tau_exc"], tau_inh=cell["tau_inh"], ports={})


def _edges(name: str, program: Program) -> EdgeNode:
    """Rows as edges, for a report."""
    group: Any = program.synapses[name]
    lists, form = (senders(group.start), group.receiver, group.weight), Fixed(16, signed=False)
    more: dict[str, Any] = dict(delay=group.delay, sign=-1 if group.inhibitory else 1)
    return edge_node(name, program, *lists, form, **more, plastic=isinstance(group, PlasticRowSynapses))


def _synapses(name: str, edge: EdgeNode, graph: Graph, pre: AbstractCells) -> RowSynapses:
    """Edges of one type as rows, that learn where there is a rule; of fewer bits than 16 the upper ones are used."""
    form = edge.values["weight"].format
    if not isinstance(form, Fixed):
        raise ValueError(
            f"Weights from {edge.pre!r} to {edge.post!r} are still {form}; put RoundWeights into the passes."
        )
    each = np.bincount(np.asarray(edge.sender), minlength=edge.n_pre)
    learns: dict[str, Any] = {}
    if isinstance(edge.rule, PairNode):
        rule, backprop = edge.rule.on_machine(name, edge, graph.dt), edge.rule.meeting(edge)[0]
        learns = dict(rule=rule, backprop_delay=backprop)
    return (PlasticRowSynapses if learns else RowSynapses)(
        edge.pre,
        edge.post,
        edge["weight"] << (16 - form.bits),
        jnp.asarray(edge["delay"]).astype(jnp.int32),
        start=np.concatenate([[0], np.cumsum(each)]).astype(np.int32),
        receiver=edge.receiver,
        n_post=edge.n_post,
        longest=max(1, int(each.max(initial=0))),
        max_delay=edge.max_delay,
        inhibitory=type_of(edge) == "inh",
        most=max(1, 2**pre.message_bits - 1),
        **learns,
    )
