"""The stepper of a network: equal states and results, arranged for speed, derived once outside the scan."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Self

import equinox as eqx
from jaxtyping import Array, Float

from .. import _random
from .._xla import written
from ..connectivity.merge import gathered
from ..connectivity.release import AbstractRelease
from ..connectivity.spikes import Spikes
from ..models import AbstractStepper, Inputs, Signals, View
from .advance import AbstractAdvance, Elementwise
from .clocked import ClockedSynapses, clocked
from .delivery import (
    AbstractDelivery,
    AbstractSameStep,
    Lists,
    Moment,
    Projections,
    Sent,
    deliveries,
    same_step,
    sender_of,
)
from .exchange import AbstractExchange, Gathered, Here
from .layout import Layout
from .order import AbstractOrder, AbstractStages, Arrivals
from .population import Population, PopulationState
from .projection import Projection
from .sequence import topological
from .shards import Shards
from .state import Changing, NetworkState, view


class Edge(eqx.Module):
    """A same-step projection, from a sender to a port of a population that runs later."""

    sender: str = eqx.field(static=True)
    post: str = eqx.field(static=True)
    port: str = eqx.field(static=True)
    via: AbstractSameStep


class Releasing(eqx.Module):
    """The release of a projection, and its presynaptic population."""

    pre: str = eqx.field(static=True)
    release: AbstractRelease


class Start(NamedTuple):
    """A population at the start of a step, with its input before the threshold."""

    state: Any
    current: Float[Array, " n"] | None
    arrivals: dict[str, Float[Array, " n"]]
    ids: Array | None
    stream: Array | None


class NetworkStepper(AbstractStepper, AbstractStages):
    """A network prepared for a run.

    Populations of one kind are one group: `populations`, and all stages of a step, are by the groups of the layout,
    most of which are a single population. Amplitudes are keyed by sender: the presynaptic population, or the projection
    itself if it has a release.
    """

    populations: dict[str, Population]
    order: AbstractOrder
    releases: dict[str, Releasing]
    edges: tuple[Edge, ...]
    deliveries: tuple[AbstractDelivery, ...]
    clocked: tuple[ClockedSynapses, ...]
    changing: dict[str, Changing]  # projections that have a state
    advance: AbstractAdvance
    exchange: AbstractExchange
    layout: Layout
    dt: float = eqx.field(static=True)
    sequence: tuple[str, ...] = eqx.field(static=True)

    @classmethod
    def of(
        cls,
        populations: dict[str, Population],
        projections: dict[str, Projection],
        order: AbstractOrder,
        dt: float,
        *,
        differentiated: bool,
        slots: int | None = None,
        fused: bool = False,
        shards: Shards | None = None,
    ) -> Self:
        """`differentiated`: keep what only derivatives need. `slots`: of the ring of the whole network. `fused`:
        populations of one kind are advanced as one. `shards`: the populations are the parts of one device.
        """
        layout = Layout.of(populations, projections, slots, fused=fused, shards=shards, ordered=order.ordered)
        now = {name: p for name, p in projections.items() if p.delay is None}
        return cls(
            populations={group.name: group.population(populations).prepared(dt) for group in layout.groups},
            order=order,
            releases={name: Releasing(p.pre, p.release) for name, p in projections.items() if p.release is not None},
            edges=tuple(  # plastic projections come last
                edge(name, now[name], dt, differentiated=differentiated, ordered=order.ordered, shards=shards)
                for name in sorted(now, key=lambda name: now[name].plastic is not None)
            ),
            deliveries=deliveries(projections, layout, dt, differentiated=differentiated),
            clocked=clocked(populations, projections, layout, dt),
            changing=changing(projections, dt),
            advance=Elementwise(),
            exchange=Here() if shards is None else Gathered(shards),
            layout=layout,
            dt=dt,
            sequence=_in_groups(topological(populations, projections.values()), layout),
        )

    def step(self, state: NetworkState, inputs: Inputs, t: Array, *, key: Array) -> tuple[NetworkState, Signals]:
        state, sent = self.order.step(self, self._by_group(state), inputs, t, key)
        return self._by_population(state), self._signals(state, sent)

    def view(self, state: NetworkState) -> View:
        return view(state, self.changing)

    def joined(self, state: NetworkState, spikes: Mapping[str, Array]) -> Any:
        return self._by_group(state), self.layout.joined(spikes)

    def apart(self, carried: Any) -> tuple[NetworkState, dict[str, Array]]:
        state, spikes = carried
        return self._by_population(state), self.layout.apart(spikes)

    def advanced(self, carried: Any, inputs: Inputs, t: Array, *, key: Array) -> tuple[Any, Signals]:
        state, sent = self.order.step(self, carried[0], inputs, t, key)
        return (state, sent.groups), self._signals(state, sent)

    def settled(self) -> NetworkStepper:
        lists = [delivery.rows for delivery in self.deliveries if isinstance(delivery, Lists)]
        whole = gathered(lists)
        if whole is None:
            return self
        rest = [delivery for delivery in self.deliveries if not isinstance(delivery, Lists)]
        return dataclasses.replace(self, deliveries=(Lists(whole), *rest))

    def _signals(self, state: NetworkState, sent: Sent) -> Signals:
        words = View({name: (lambda name=name: sent.words(name)) for name, _ in self.layout.sizes})
        return Signals(sent.spikes, self.view(self._by_population(state)), words)

    def _by_group(self, state: NetworkState) -> NetworkState:
        return state._replace(populations=self.layout.joined(state.populations))

    def _by_population(self, state: NetworkState) -> NetworkState:
        return state._replace(populations=self.layout.apart(state.populations))

    # --- the stages of a step, which the order arranges -------------------------------------------------------------

    def begin(self, state: NetworkState, inputs: Inputs, t: Array, key: Array) -> tuple[NetworkState, Inputs]:
        if not self.clocked:
            return state, inputs
        populations, projections, currents = self.layout.apart(state.populations), dict(state.projections), {}
        neurons = {name: each.neuron for name, each in populations.items()}

        def summed(some: Iterable[ClockedSynapses]) -> None:
            given: dict[str, dict[str, Array]] = {}
            parts = [x for each in some for x in each.sums(projections[each.name]["synapse"], neurons).items()]
            for (population, variable), x in parts:
                into = currents if variable is None else given.setdefault(population, {})
                name = population if variable is None else variable
                into[name] = into[name] + x if name in into else x
            for name, values in given.items():
                neurons[name] = neurons[name]._replace(**values)

        summed(each for each in self.clocked if not each.synapse.sums_behind)
        for each in self.clocked:
            projections[each.name] = {"synapse": each.begin(projections[each.name]["synapse"], neurons, t, key)}
        summed(each for each in self.clocked if each.synapse.sums_behind)
        populations = {name: each._replace(neuron=neurons[name]) for name, each in populations.items()}
        state = state._replace(populations=self.layout.joined(populations), projections=projections)
        return state, inputs + Inputs(currents=currents)

    def arrivals(self, ring: Array, inputs: Inputs, t: Array) -> tuple[Arrivals, Array]:
        landed, ring = self.layout.ring.take(ring, t)
        return self.layout.arrivals(landed, inputs.arrivals), ring

    def to_threshold(
        self,
        name: str,
        state: NetworkState,
        inputs: Inputs,
        t: Array,
        key: Array,
        arrivals: dict[str, Array] | None = None,
    ) -> tuple[Any, Array]:
        population, current = self.populations[name], self.layout.currents(inputs.currents).get(name)
        ids, stream = self._numbers(name, key)
        s = state.populations[name]
        return self.advance.to_threshold(population, s, current, arrivals, self.dt, t, ids=ids, stream=stream)

    def receive(self, name: str, s: Any, arrivals: dict[str, Array], spikes: Array) -> Any:
        return self.advance.receive(self.populations[name], s, arrivals, self.dt, spikes > 0)

    def reset(self, name: str, s: Any, spikes: Array) -> Any:
        return self.advance.reset(self.populations[name], s, spikes, self.dt)

    def _numbers(self, name: str, key: Array) -> tuple[Array | None, Array | None]:
        """The neuron ids and the stream of a noisy population's random numbers."""
        if not self.populations[name].neuron.noisy:
            return None, None
        return self.layout.ids(name), _random.stream(key, f"{name}.noise")

    def release(
        self, projections: Projections, spikes: Mapping[str, Array]
    ) -> tuple[Projections, dict[str, Array | Spikes]]:
        moved: Projections = {}
        by_population = self.layout.apart(spikes)
        sent: dict[str, Array | Spikes] = {**by_population}
        for name, own in self.releases.items():
            if own.pre in by_population:
                s, sent[name] = own.release.step(projections[name]["release"], by_population[own.pre], self.dt)
                moved[name] = {**projections[name], "release": s}
        return moved, sent

    def pass_on(
        self, sent: dict[str, Array | Spikes], arrivals: Arrivals, projections: Projections, t: Array, key: Array
    ) -> tuple[Arrivals, dict[str, Array | Spikes]]:
        sent, arrivals = dict(sent), {name: dict(ports) for name, ports in arrivals.items()}
        for edge in self.edges:
            if edge.sender in sent:
                own = sent[edge.sender]
                sent[edge.sender] = own = own if isinstance(own, Spikes) else Spikes.found(own)
                heard = arrivals[edge.post]
                heard[edge.port] = heard[edge.port] + edge.via.arrivals(self.exchange.of_one(own), projections, t, key)
        return arrivals, sent

    def everybody(self, spikes: dict[str, Array], sent: Mapping[str, Array | Spikes]) -> Sent:
        lists = any(isinstance(delivery, Lists) for delivery in self.deliveries)
        sent = written(dict(sent))
        # one behind the other they are a copy, which took a fifth of the time of a step with plastic synapses only
        lists = lists or self.layout.shards is not None
        everybody = self.exchange(self.layout.everybody(sent), self.layout) if lists else None
        return Sent(spikes, everybody, sent, self.layout)

    def deliver(
        self,
        ring: Array,
        projections: Projections,
        sent: Sent,
        populations: Mapping[str, Any],
        inputs: Inputs,
        t: Array,
        key: Array,
    ) -> tuple[Array, Projections]:

        def neurons(name: str) -> Any:
            group = self.layout.group(name)
            return group.apart(populations[group.name])[name].neuron

        now = Moment(t, key, self.membranes(populations), inputs.modulators, neurons)
        for delivery in (*self.deliveries, *self.clocked):
            ring, projections = delivery.deliver(ring, projections, sent, now)
        return ring, projections

    def membranes(self, populations: Mapping[str, Any]) -> Callable[[str], Array | None]:
        """The membranes of a population, of these states by group; None where it has none."""

        def of(name: str) -> Array | None:
            group = self.layout.group(name)
            return self.populations[group.name].voltage(group.apart(populations[group.name])[name])

        return of

    def next(
        self,
        state: NetworkState,
        populations: dict[str, Any],
        projections: Projections,
        ring: Array,
    ) -> NetworkState:
        return NetworkState(populations, projections, ring, state.status)

    # --- for estimators that look into a step -----------------------------------------------------------------------

    def neurons(self, state: NetworkState) -> dict[str, PopulationState]:
        """Neurons and ports by population."""
        return state.populations

    def starts(self, state: NetworkState, inputs: Inputs, t: Array, key: Array) -> dict[str, Start]:
        """The inputs of every population in step `t`, without those through same-step edges."""
        arrivals, _ = self.arrivals(state.ring, inputs, t)
        return {
            name: Start(
                state.populations[name],
                inputs.currents.get(name),
                arrivals[name],
                *self._numbers(name, key),
            )
            for name in self.populations
        }


def _in_groups(sequence: tuple[str, ...], layout: Layout) -> tuple[str, ...]:
    """The groups in the order of the populations; those of several populations have no same-step edge."""
    return tuple(dict.fromkeys(layout.group(name).name for name in sequence))


def edge(
    name: str,
    p: Projection,
    dt: float,
    *,
    differentiated: bool,
    ordered: bool = False,
    shards: Shards | None = None,
) -> Edge:
    """A projection without delay."""
    via = same_step(name, p, dt, differentiated=differentiated, ordered=ordered, shards=shards)
    return Edge(sender_of(name, p), p.post, p.port, via)


def changing(projections: Mapping[str, Projection], dt: float) -> dict[str, Changing]:
    """Projections that have a state."""
    return {
        name: Changing(p.release, None if p.plastic is None else p.plastic.of(p.delay, dt), p.synapse, p.graph.shape)
        for name, p in projections.items()
        if p.release is not None or p.plastic is not None or p.synapse is not None
    }
