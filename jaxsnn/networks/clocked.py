"""Synapses with a state of their own in a network: how they are built, and what they do in a step."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .. import _random
from .._types import canonical_float, on_device, parameters, recheck
from ..distributions import AbstractDistribution
from ..models import known
from ..neurons.base import AbstractNeuron
from ..synapses.base import AbstractSynapse
from ..synapses.clocked import AbstractClockedSynapse, OfNeurons, Pathway
from ..synapses.delta import Delta
from ..synapses.into import Into
from .delivery import AbstractDelivery
from .layout import Layout
from .order import AbstractOrder
from .population import Population
from .projection import Origin, Projection


def clocked_projection(layout: Any, port: str, order: AbstractOrder) -> Projection:
    """The projection of a connection with a `synapse`, whose numbers are laid out as those of edges are."""
    connection, edges = layout.connection, layout.local
    synapse = connection.synapse
    if not order.clocked:
        raise ValueError(
            f"{type(synapse).__name__} is integrated in every step, for which {type(order).__name__} has no place; "
            "build the network with order=BrianOrder()"
        )
    given = {name: x for name, x, _ in parameters(synapse) if isinstance(x, AbstractDistribution) or jnp.ndim(x)}
    laid = {name: layout.laid(x, f"synapse.{name}") for name, x in given.items()}
    if laid:
        synapse = eqx.tree_at(lambda s: [getattr(s, name) for name in laid], synapse, [*laid.values()])
        recheck(synapse)
    delays = {name: layout.delay(x, f"the delay of {name!r}", 0).as_arrays() for name, x in connection.delays.items()}
    none = on_device(np.False_)
    return Projection(
        layout.among.pre.name,
        layout.among.post.name,
        port,
        layout.graph,
        None,
        on_device(np.zeros((), np.int32)),
        max((each.longest for each in delays.values()), default=0),
        edges.overflow,
        functools.reduce(operator.or_, (each.late for each in delays.values()), none),
        synapse=synapse,
        delays={name: each.steps for name, each in delays.items()},
        origin=Origin.of(connection),
    )


def check_clocked(name: str, p: Projection, populations: Mapping[str, Population]) -> None:
    """Raises ValueError for what synapses read of neurons, sum or add to that these do not have."""
    synapse, ends = p.synapse, {"pre": p.pre, "post": p.post}
    assert synapse is not None
    kind = f"Projection {name!r}: {type(synapse).__name__}"
    for read in synapse.reads:
        neuron = populations[ends[read.side]].neuron
        shape = (populations[ends[read.side]].n,)
        there = jax.eval_shape(lambda neuron=neuron, shape=shape, read=read: _value(neuron, shape, read.variable))
        if there is None:
            raise ValueError(f"{kind} reads {read}, and {ends[read.side]!r}, a population of {type(neuron).__name__}, "
                             f"has no {read.variable!r}.")  # fmt: skip
    for into in synapse.summed:
        neuron = populations[ends[into.side]].neuron
        if into.variable not in (*neuron.summed_variables, neuron.input_name):
            raise ValueError(
                f"{kind} sums {into}, which {ends[into.side]!r} has not as one; expected the current, "
                f"{neuron.input_name!r}, or one of {known(neuron.summed_variables)}: a line `{into.variable} : unit "
                "(summed)` of snn.equations.neuron."
            )
    for into in synapse.added:
        port_of(kind, into, ends[into.side], populations)
    for each in synapse.local:
        if each in populations[p.post].neuron.summed_variables or _there(populations[p.post], each):
            raise ValueError(f"{kind} sets {each!r} of {p.post!r} by a spike; what synapses do is add, {each} += w.")
    for each in {*synapse.reads, *synapse.summed, *synapse.added}:
        if (why := synapse.misfit(each, populations[ends[each.side]].neuron)) is not None:
            raise ValueError(f"{kind} does not fit: {why}.")


def _value(neuron: AbstractNeuron, shape: tuple[int, ...], variable: str) -> Any:
    return neuron.value_of(neuron.init(shape, canonical_float()), variable)


def _there(population: Population, variable: str) -> bool:
    return variable in getattr(jax.eval_shape(population.rest).neuron, "_fields", ())


def port_of(kind: str, into: OfNeurons, population: str, populations: Mapping[str, Population]) -> str:
    """The port through which something is added to a variable: of its name, or one that adds to it at once."""
    ports: Mapping[str, AbstractSynapse] = populations[population].ports
    direct = [name for name, port in ports.items() if isinstance(port, Into | Delta) and port.variable == into.variable]
    found = into.variable if into.variable in ports else next(iter(direct), None)
    if found is None:
        raise ValueError(
            f"{kind} adds to {into}, and {population!r} has no port for it, only {known(ports)}; give it one, "
            f"ports=Cell.into({into.variable!r})."
        )
    return found


class ClockedState(NamedTuple):
    """`cell`: the variables of the synapses. `spikes`: by pathway with a delay, those of the last steps."""

    cell: Any
    spikes: dict[str, Float[Array, "slots n"]]


def silent(p: Projection, sizes: Mapping[str, int], dtype: Any, dt: float) -> ClockedState:
    """The state of a projection at the start."""
    assert p.synapse is not None
    n = {"pre": sizes[p.pre], "post": sizes[p.post]}
    waiting = {} if p.max_delay == 0 else {path.name: n[path.side] for path in p.synapse.pathways}
    rings = {name: jnp.zeros((p.max_delay + 1, size), dtype) for name, size in waiting.items()}
    return ClockedState(p.synapse.init(p.graph.shape, dtype, dt), rings)


class Column(NamedTuple):
    """Where arrivals at a port begin in a slot of the ring, and how many neurons it has."""

    first: int
    n: int


class ClockedSynapses(AbstractDelivery):
    """The prepared synapses of one projection."""

    name: str = eqx.field(static=True)
    pre: str = eqx.field(static=True)
    post: str = eqx.field(static=True)
    synapse: AbstractClockedSynapse
    neurons: dict[str, AbstractNeuron]  # by side
    index: dict[str, Int[Array, " synapses"]]  # by side; padding is behind the last neuron
    delays: dict[str, Int[Array, "..."]]
    columns: tuple[tuple[OfNeurons, Column], ...] = eqx.field(static=True)
    layout: Layout
    slots: int = eqx.field(static=True)
    dt: float = eqx.field(static=True)

    def _ends(self) -> dict[str, str]:
        return {"pre": self.pre, "post": self.post}

    def _seen(self, neurons: Mapping[str, Any], sides: tuple[str, ...] = ("pre", "post")) -> dict[str, Array]:
        """What synapses read of neurons in these states, by population; of these sides."""
        found = {}
        for read in self.synapse.reads:
            if read.side in sides:
                x = self.neurons[read.side].value_of(neurons[self._ends()[read.side]], read.variable)
                assert x is not None
                found[str(read)] = x[self.index[read.side]] if x.ndim else x
        return found

    def _size(self, side: str) -> int:
        return dict(self.layout.sizes)[self._ends()[side]]

    def sums(self, state: ClockedState, neurons: Mapping[str, Any]) -> dict[tuple[str, str | None], Array]:
        """The sums of the state at `t_k`, by population and variable; None for its current."""
        sums = {}
        for into, x in self.synapse.sums(state.cell, self._seen(neurons)).items():
            variable = into.variable if into.variable in self.neurons[into.side].summed_variables else None
            total = jnp.zeros(self._size(into.side), x.dtype).at[self.index[into.side]].add(x, mode="drop")
            sums[self._ends()[into.side], variable] = total
        return sums

    def begin(self, state: ClockedState, neurons: Mapping[str, Any], t: Array, key: Array) -> ClockedState:
        """The state after a step, or as it is with what it sees, if it reads neurons behind theirs."""
        cell, seen = state.cell, self._seen(neurons)
        return state._replace(cell=self.synapse.seeing(cell, seen) if self._late else self._moved(cell, seen, t, key))

    @property
    def _late(self) -> tuple[str, ...]:
        """The sides that are read behind their step."""
        read = {each.side for each in self.synapse.reads}
        return tuple(side for side in self.synapse.updated if side in read)

    def _moved(self, cell: Any, seen: dict[str, Array], t: Array, key: Array) -> Any:
        noise = None
        if self.synapse.noisy:
            ids = jnp.arange(self.index["pre"].shape[0], dtype=jnp.uint32)
            noise = self.synapse.numbers(_random.stream(key, f"{self.name}.noise"), t, ids)
        return self.synapse.advanced(cell, seen, self.dt, noise)

    def deliver(self, ring, projections, sent, now):
        state: ClockedState = projections[self.name]["synapse"]
        neurons = {name: now.neurons(name) for name in (self.pre, self.post)}
        cell, rings, seen = state.cell, dict(state.spikes), self._seen(neurons)
        if self._late:  # what it read before is in its state
            cell = self._moved(cell, self._seen(neurons, self._late), now.t, now.key)
        columns = dict(self.columns)
        for path in self.synapse.pathways:
            arrived = self._arrived(path, sent.spikes[self._ends()[path.side]], rings, now.t)
            cell, added = self.synapse.reached(cell, path, arrived, seen)
            for into, x in added.items():
                column = columns[into]
                total = jnp.zeros(column.n, x.dtype).at[self.index[into.side]].add(x, mode="drop")
                ring = self.layout.ring.add(ring, now.t, column.first, total)
        return ring, {**projections, self.name: {"synapse": ClockedState(self.synapse.ended(cell), rings)}}

    def _arrived(self, path: Pathway, spikes: Array, rings: dict[str, Array], t: Array) -> Array:
        """The spikes that reach each synapse in this step; of padding, none."""
        index, delay = self.index[path.side], self.delays[path.name]
        if self.slots == 1:
            return spikes.at[index].get(mode="fill", fill_value=0)
        rings[path.name] = rings[path.name].at[t % self.slots].set(spikes)
        return rings[path.name].at[(t - delay) % self.slots, index].get(mode="fill", fill_value=0)


def clocked(
    populations: Mapping[str, Population], projections: Mapping[str, Projection], layout: Layout, dt: float
) -> tuple[ClockedSynapses, ...]:
    """The prepared synapses with a state of their own, by projection."""
    found = []
    for name, p in projections.items():
        if p.synapse is None:
            continue
        ends, columns = {"pre": p.pre, "post": p.post}, []
        for into in p.synapse.added:
            port = port_of(name, into, ends[into.side], populations)
            span = layout.columns(f"{ends[into.side]}.{port}")
            columns.append((into, Column(span.first, span.n)))
        zero = jnp.zeros((), jnp.int32)
        pre, post, *_ = p.graph.synapses(zero, zero)
        found.append(ClockedSynapses(
            name, p.pre, p.post, p.synapse.prepared(dt), {side: populations[end].neuron for side, end in ends.items()},
            {"pre": pre, "post": post}, p.delays, tuple(columns), layout, p.max_delay + 1, dt,
        ))  # fmt: skip
    return tuple(found)
