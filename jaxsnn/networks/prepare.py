"""What a network becomes for a run: one ring, one structure for everything sparse. Derived once, outside the scan."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import _random
from .._memory import available
from .._status import Status, bit
from .._types import canonical_float
from ..connectivity.dense import rows_of
from ..connectivity.graph import DenseGraph
from ..connectivity.layer import Layered
from ..connectivity.merge import Piece, merged
from ..connectivity.product import product
from ..connectivity.ring import Ring
from ..connectivity.sparse import Rows
from ..connectivity.stochastic import StochasticRelease
from ..models import AbstractStepper, Inputs, Signals
from ..plasticity.apply import Target as Where
from ..plasticity.plastic import Cells, Plastic
from .population import Population
from .projection import Projection
from .sequence import topological

if TYPE_CHECKING:
    from .model import Network, NetworkState


class Target(eqx.Module):
    """Where the columns of a carrier's matrix go: ports from `first` on, `scale` times, after `delay` steps.

    No `scale` is once: a product with ones would be one more pass over what crosses in all steps of a chunk.
    """

    first: int = eqx.field(static=True)
    n: int = eqx.field(static=True)
    scale: Array | None
    delay: Array


class Carrier(eqx.Module):
    """The dense projections of one sender, side by side in one matrix, each with one delay."""

    sender: str = eqx.field(static=True)
    matrix: Array  # (pre, targets): weights, or counts of synapses that all weigh `scale`
    targets: tuple[Target, ...]

    def arrivals(self, spikes: Float[Array, " pre"]) -> list[tuple[Target, Float[Array, " post"]]]:
        carried, out, at = rows_of(spikes, self.matrix), [], 0
        for target in self.targets:
            part = carried[at : at + target.n]
            out.append((target, part if target.scale is None else target.scale * part))
            at += target.n
        return out


class Direct(eqx.Module):
    """A same-step projection."""

    name: str = eqx.field(static=True)
    sender: str = eqx.field(static=True)
    post: str = eqx.field(static=True)
    port: str = eqx.field(static=True)
    via: Carrier | Rows | Layered

    def arrivals(
        self, spikes: Float[Array, " pre"], chance: StochasticRelease | None, key: Array
    ) -> Float[Array, " post"]:
        if isinstance(self.via, Layered):
            return self.via.arrivals(spikes, layer_key(key, self.name))
        if isinstance(self.via, Carrier):
            ((_, arrived),) = self.via.arrivals(spikes)
            return arrived
        return self.via.deliver(self.via.ring.empty(spikes.dtype), spikes, jnp.int32(0), chance)[0]

    def over_time(self, spikes: Float[Array, "steps pre"], key: Array) -> Float[Array, "steps post"]:
        """What arrives in many steps, as far as it depends on nothing but what is sent in them."""
        if not isinstance(self.via, Carrier):
            return jax.vmap(lambda sent: self.arrivals(sent, None, key))(spikes)
        (target,), heard = self.via.targets, product(spikes, self.via.matrix.astype(spikes.dtype))
        return heard if target.scale is None else target.scale * heard


class Prepared(AbstractStepper):
    """A network ready to run: the same states, the same numbers, arranged for speed.

    A sender is a population, or a projection with a release of its own: what is sent stands under its name.
    """

    net: Network
    ring: Ring
    rows: Rows | None  # every sparse projection with a delay, over one index of all senders
    by_chance: dict[str, Rows]  # projections whose synapses draw: their numbers must depend on no other projection
    carriers: tuple[Carrier, ...]
    layers: dict[str, tuple[Layered, Array]]  # projections through a module, and their delays
    direct: tuple[Direct, ...]
    plastic: dict[str, Plastic]  # projections that learn; they deliver by themselves
    dt: float = eqx.field(static=True)
    senders: tuple[str, ...] = eqx.field(static=True)  # of `rows`, in its order
    sequence: tuple[str, ...] = eqx.field(static=True)

    @classmethod
    def of(cls, net: Network, *, slots: int | None = None) -> Prepared:
        first_port, first_sender, senders = first_ports(net), {}, 0
        for name, population in net.populations.items():
            first_sender[name], senders = senders, senders + population.n
        ring, by_chance, carriers, layers, pieces, direct = ring_of(net, slots), {}, [], {}, [], []
        for name, p in net.projections.items():
            if p.plastic is not None:
                continue
            sender = p.pre if p.release is None else name
            if p.delay is None:
                direct.append(direct_of(name, sender, p))
                continue
            if isinstance(p.graph, Layered):
                layers[name] = (p.graph, p.delay)
                continue
            port = first_port[f"{p.post}.{p.port}"]
            if p.reliability is not None:
                by_chance[name] = merged([Piece(p.graph, p.weight, p.delay, 0, port)], p.graph.n_pre, ring)
            elif isinstance(p.graph, DenseGraph) and p.delay.ndim == 0:
                carriers.append(_carrier(sender, p, p.graph, p.delay, port))
            else:
                if sender not in first_sender:
                    first_sender[sender], senders = senders, senders + p.graph.n_pre
                pieces.append(Piece(p.graph, p.weight, p.delay, first_sender[sender], port))
        return cls(
            net=net,
            ring=ring,
            rows=merged(pieces, senders, ring) if pieces else None,
            by_chance=by_chance,
            carriers=_side_by_side(carriers),
            layers=layers,
            direct=tuple(direct),
            plastic={name: plastic_of(net, p) for name, p in net.projections.items() if p.plastic is not None},
            dt=net.dt,
            senders=tuple(first_sender),
            sequence=topological(net.populations, net.projections.values()),
        )

    def view(self, state: NetworkState) -> dict[str, Any]:
        return self.net.view(state)

    @property
    def populations(self) -> dict[str, Population]:
        return self.net.populations

    def step(self, state: NetworkState, inputs: Inputs, t: Array, *, key: Array) -> tuple[NetworkState, Signals]:
        state, spikes = self.net.order.step(self, state, inputs, t, key)
        return state, Signals(spikes, self.view(state))

    # --- the stages of a step, which the order arranges -------------------------------------------------------------

    def to_threshold(
        self, name: str, s: Any, inputs: Inputs, t: Array, key: Array, arrivals: dict[str, Array] | None = None
    ) -> tuple[Any, Array]:
        """One population from `t_k` to its threshold, with `arrivals` where they come before it; and its spikes."""
        population = self.populations[name]
        stream = _random.stream(key, f"{name}.noise") if population.neuron.noisy else None
        return population.to_threshold(s, inputs.currents.get(name), arrivals, self.dt, t, stream=stream)

    def arrivals(self, ring: Array, inputs: Inputs, t: Array) -> tuple[dict[str, dict[str, Array]], Array]:
        """What lands in this step, by population and port, and the ring without it."""
        landed, ring = self.ring.take(ring, t)
        first_port = first_ports(self.net)
        out: dict[str, dict[str, Array]] = {}
        for name, population in self.populations.items():
            out[name] = {}
            for port in population.ports:
                first = first_port[f"{name}.{port}"]
                arrived = landed[first : first + population.n]
                fed = inputs.arrivals.get(f"{name}.{port}")
                out[name][port] = arrived if fed is None else arrived + fed
        return out, ring

    def release(
        self, projections: dict[str, dict[str, Any]], spikes: dict[str, Array]
    ) -> tuple[dict[str, dict[str, Any]], dict[str, Array]]:
        """What `spikes` send, by sender, and the projections that have released it."""
        moved, sent = {}, dict(spikes)
        for name, p in self.net.projections.items():
            if p.release is not None and p.pre in spikes:
                s, sent[name] = p.release.step(projections[name]["release"], spikes[p.pre], self.dt)
                moved[name] = {**projections[name], "release": s}
        return moved, sent

    def chance(self, sender: str, t: Array, key: Array) -> StochasticRelease | None:
        """What decides which synapses pass on what `sender` sends; None where all do."""
        p = self.net.projections.get(sender)
        if p is None or p.release is None or p.reliability is None:
            return None
        reliability = jnp.broadcast_to(p.reliability, (p.graph.n_pre,))
        return StochasticRelease(_random.stream(key, f"{sender}.release"), t, reliability, p.release.sites)

    def pass_on(
        self,
        sent: dict[str, Array],
        arrivals: dict[str, dict[str, Array]],
        projections: dict[str, dict[str, Any]],
        t: Array,
        key: Array,
    ) -> None:
        """Same-step edges: what they carry is added to the arrivals of populations that run later."""
        for edge in self.direct:
            if edge.sender in sent:
                heard = arrivals[edge.post]
                arrived = edge.arrivals(sent[edge.sender], self.chance(edge.sender, t, key), key)
                heard[edge.port] = heard[edge.port] + arrived
        for name, plastic in self.plastic.items():
            p = self.net.projections[name]
            if p.delay is None and self._sender(name) in sent:
                heard, amplitude = arrivals[p.post], sent[self._sender(name)]
                heard[p.port] = heard[p.port] + plastic.arrivals(projections[name]["plastic"], amplitude)

    def learn(
        self,
        ring: Array,
        projections: dict[str, dict[str, Any]],
        spikes: dict[str, Array],
        sent: dict[str, Array],
        populations: dict[str, Any],
        inputs: Inputs,
        t: Array,
    ) -> tuple[Array, dict[str, dict[str, Any]]]:
        """Plastic projections: what the spikes of the step change, and what those send that arrive at synapses now."""
        if not self.plastic:
            return ring, projections
        projections, first_port = dict(projections), first_ports(self.net)
        cells = {
            name: Cells(spikes[name], population.voltage(populations[name]))
            for name, population in self.populations.items()
        }
        for name, plastic in self.plastic.items():
            p = self.net.projections[name]
            pre = cells[p.pre] if p.release is None else cells[p.pre]._replace(sent=sent[name])
            buffer, target = (
                (None, None) if p.delay is None else (ring, Where(self.ring, first_port[f"{p.post}.{p.port}"]))
            )
            try:
                learnt, buffer = plastic.step(
                    projections[name]["plastic"], buffer, target, t, pre, cells[p.post], inputs.modulators
                )
            except ValueError as error:
                raise ValueError(f"Projection {name!r}: {error}") from None
            ring = ring if buffer is None else buffer
            projections[name] = {**projections[name], "plastic": learnt}
        return ring, projections

    def _sender(self, name: str) -> str:
        """Under which name that stands which a projection sends."""
        p = self.net.projections[name]
        return p.pre if p.release is None else name

    def deliver(self, ring: Array, sent: dict[str, Array], t: Array, key: Array) -> tuple[Array, Array]:
        """All that is sent into the slots where it will land."""
        overflow = jnp.zeros((), bool)
        if self.rows is not None:
            everybody = jnp.concatenate([sent[name] for name in self.senders])
            ring, overflow = self.rows.deliver(ring, everybody, t)
        for sender, rows in self.by_chance.items():
            ring, cut = rows.deliver(ring, sent[sender], t, self.chance(sender, t, key))
            overflow |= cut
        for carrier in self.carriers:
            for target, arrived in carrier.arrivals(sent[carrier.sender]):
                ring = self.ring.add(ring, t + target.delay, target.first, arrived)
        for name, (layer, delay) in self.layers.items():
            p = self.net.projections[name]
            arrived = layer.arrivals(sent[self._sender(name)], layer_key(key, name))
            ring = self.ring.add(ring, t + delay, first_ports(self.net)[f"{p.post}.{p.port}"], arrived)
        return ring, overflow

    def next(
        self,
        state: NetworkState,
        populations: dict[str, Any],
        projections: dict[str, dict[str, Any]],
        ring: Array,
        overflow: Array,
    ) -> NetworkState:
        """The state after a step."""
        return state._replace(
            populations=populations,
            projections=projections,
            ring=ring,
            status=state.status | bit(Status.SPIKE_CAPACITY, overflow),
        )


_MUCH = 2**30  # bytes of delays that a network is worth a warning for


def ring_of(net: Network, slots: int | None = None) -> Ring:
    """A slot a step of the longest delay, and one for the step itself (or `slots`); a place a port of every neuron."""
    width = sum(population.n * len(population.ports) for population in net.populations.values())
    longest = [p.max_delay if p.plastic is None else p.plastic.incidence.slots[1] - 1 for p in net.projections.values()]
    return Ring(1 + max(longest, default=0) if slots is None else slots, width)


def check_memory(net: Network) -> None:
    """Refuses delays that are longer than memory allows, before any of it is taken, and warns of much."""
    need = ring_of(net).size * canonical_float().itemsize
    if need < _MUCH:
        return
    name, p = max(net.projections.items(), key=lambda item: item[1].max_delay)
    what = (
        f"The longest delay, {p.max_delay * net.dt:g} ms in projection {name!r}, is {p.max_delay} steps of dt = "
        f"{net.dt:g} ms. A run keeps what arrives in each of them, {need / 2**30:.3g} GiB"
    )
    there = available()
    if there is not None and 2 * need > there:
        raise ValueError(
            f"{what}, twice; there are {there / 2**30:.3g} GiB. Shorten the delay (or `max_delay`), or take a "
            "larger dt."
        )
    warnings.warn(f"{what}; shorter delays, or a larger dt, take less.", stacklevel=3)


def plastic_of(net: Network, p: Projection) -> Plastic:
    """The plastic part of a projection, with the delays that it has now."""
    learning = p.plastic
    assert learning is not None
    meet = learning.incidence
    if p.delay is not None:
        meet = meet.delayed(learning.axonal, p.delay - learning.axonal)
    return Plastic(learning.rule, meet, net.dt)


def _carrier(sender: str, p: Projection, graph: DenseGraph, delay: Array, first: int) -> Carrier:
    if p.weight.ndim:
        matrix, scale = graph.masked(p.weight), None
    else:
        matrix, scale = jnp.ones(graph.shape, jnp.int8) if graph.count is None else graph.count, p.weight
    return Carrier(sender, matrix, (Target(first, graph.n_post, scale, delay),))


def _side_by_side(carriers: list[Carrier]) -> tuple[Carrier, ...]:
    """One carrier for all that a sender has in matrices of one type: its spikes are looked for once."""
    together: dict[tuple[str, Any], list[Carrier]] = {}
    for carrier in carriers:
        together.setdefault((carrier.sender, carrier.matrix.dtype), []).append(carrier)
    return tuple(
        Carrier(sender, jnp.concatenate([c.matrix for c in some], axis=1), sum((c.targets for c in some), ()))
        for (sender, _), some in together.items()
    )


def direct_of(name: str, sender: str, p: Projection) -> Direct:
    """A same-step projection, ready to carry what `sender` sends."""
    now = jnp.zeros((), jnp.int32)
    if isinstance(p.graph, Layered):
        return Direct(name, sender, p.post, p.port, p.graph)
    if isinstance(p.graph, DenseGraph) and p.reliability is None:
        return Direct(name, sender, p.post, p.port, _carrier(sender, p, p.graph, now, 0))
    rows = merged([Piece(p.graph, p.weight, now, 0, 0)], p.graph.n_pre, Ring(1, p.graph.n_post))
    return Direct(name, sender, p.post, p.port, rows)


def layer_key(key: Array, name: str) -> Array:
    """The key of a module: the same in every step, so that what it draws, a dropout's mask, is drawn once a run."""
    return _random.named_key(key, f"{name}.layer")


def first_ports(net: Network) -> dict[str, int]:
    """Where the neurons of every port begin in a slot of the ring."""
    first, width = {}, 0
    for name, population in net.populations.items():
        for port in population.ports:
            first[f"{name}.{port}"] = width
            width += population.n
    return first
