"""The network: named populations and projections, a pure function of (parameters, state, input, time, key)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt32

from .. import _random
from .._arguments import mapping, shown
from .._arguments import name as checked_name
from .._status import Status, bit
from .._types import broken, canonical_float, check, check_all, is_concrete, out_of_bounds
from ..connectivity.chosen import End
from ..connectivity.graph import DenseGraph, SparseGraph
from ..connectivity.layer import unsuited
from ..connectivity.spikes import Spikes
from ..models import AbstractModel, AbstractPlan, AbstractStepper, Forward, Reverse, known
from ..neurons.ode import AbstractODE
from ..plasticity.plastic import Cells
from .build import build
from .delivery import plastic_of
from .layerwise import layerwise, not_layerwise
from .layout import Layout, check_memory
from .order import AbstractOrder, NestOrder
from .population import Population
from .projection import Connection, Projection
from .sequence import topological
from .state import NetworkState, view
from .stepper import NetworkStepper, changing


class Network(AbstractModel):
    """Populations, the projections between them, and modules around them; made by `network(...)`.

    `net["E"]`, `net["EE"]`: a part by name. `snn.set(net, "E.neuron.tau", 10.0)`: a copy with another number.
    """

    populations: dict[str, Population]
    projections: dict[str, Projection]
    dt: float = eqx.field(static=True)
    order: AbstractOrder
    modules: dict[str, Any] = eqx.field(default_factory=dict)

    def __repr__(self) -> str:
        parts = [f"{name}: {part!r}" for name, part in (*self.populations.items(), *self.projections.items())]
        parts += [f"{name}: {type(part).__name__}" for name, part in self.modules.items()]
        head = f"Network(dt={self.dt:g} ms, {type(self.order).__name__}(), {sum(self.sizes.values())} neurons)"
        return "\n  ".join([head, *parts])

    @property
    def named(self) -> dict[str, Any]:
        """Populations, projections and modules: names are unique across all."""
        return {**self.populations, **self.projections, **self.modules}

    def __check_init__(self):
        for name, population in self.populations.items():
            try:
                check_all(population.requirements(self.dt))
            except ValueError as error:
                raise ValueError(f"Population {name!r}: {error}") from None
        for name, p in self.projections.items():
            if p.plastic is not None and not self._signed(p):
                _check_floor(name, p, type(self.populations[p.post].ports[p.port]).__name__)
            weight = None if self._signed(p) else p.weight
            if weight is None or not is_concrete(weight):
                continue
            least = np.min(np.where(_real(p), np.asarray(weight), 0.0), initial=0.0)
            if least < 0:
                kind = type(self.populations[p.post].ports[p.port]).__name__
                raise ValueError(
                    f"Projection {name!r} has negative weights, down to {least:g}, into {p.post}.{p.port}, a {kind}; "
                    "expected none below 0, as a conductance has no sign: give a positive weight, and for inhibition a "
                    "low e_rev."
                )

    def _signed(self, p: Projection) -> bool:
        return self.signed(f"{p.post}.{p.port}")

    def signed(self, path: str) -> bool:
        name, _, port = self.port(path)[0].partition(".")
        return self.populations[name].ports[port].signed

    def __getitem__(self, name: str) -> Any:
        if name not in self.named:
            raise ValueError(
                f"Got {name!r}, expected a population or projection (or module) of this network: {known(self.named)}."
            )
        return self.named[name]

    @property
    def sizes(self) -> dict[str, int]:
        return {name: population.n for name, population in self.populations.items()}

    def port(self, path: str) -> tuple[str, int]:
        return _port(self.populations, path)

    def module(self, name: str) -> Any:
        if name not in self.modules:
            raise ValueError(f"Got {name!r}, expected a module of this network: {known(self.modules)}.")
        return self.modules[name]

    def init(self, *, key: Array) -> NetworkState:
        populations = {
            name: population.start(_random.named_key(key, f"{name}.init"))
            for name, population in self.populations.items()
        }
        status = self._built()
        for name, population in self.populations.items():
            status |= bit(Status.PARAMETER_RANGE, population.outside(populations[name]))
        dtype = canonical_float()
        projections: dict[str, dict[str, Any]] = {}
        for name, p in self.projections.items():
            parts = {}
            if p.release is not None:
                parts["release"] = p.release.init((p.graph.n_pre,), dtype)
            if p.plastic is not None:
                parts["plastic"] = plastic_of(p, self.dt).start(
                    p.weight, *(self._silent(side, populations[side]) for side in (p.pre, p.post))
                )
            if parts:
                projections[name] = parts
        return NetworkState(populations, projections, self.layout.ring.empty(dtype), status)

    def _silent(self, name: str, state: Any) -> Cells:
        """A population before the first step."""
        population, dtype = self.populations[name], canonical_float()
        nobody = Spikes.found(jnp.zeros(population.n, dtype))
        return Cells(nobody.amplitude, population.voltage(state), words=nobody.words)

    @property
    def layout(self) -> Layout:
        """Where in the arrays of a run everything lies."""
        return Layout.of(self.populations, self.projections)

    def resumed(self, state: NetworkState) -> NetworkState:
        """The state with the weights that were set since, where they learn, and what is wrong with the network now."""
        projections = dict(state.projections)
        for name, p in self.projections.items():
            if p.plastic is not None:
                learnt = plastic_of(p, self.dt).resumed(projections[name]["plastic"], p.weight)
                projections[name] = projections[name] | {"plastic": learnt}
        return state._replace(projections=projections, status=state.status | self._built())

    def _built(self) -> UInt32[Array, ""]:
        status = bit(Status.PARAMETER_RANGE, out_of_bounds(self.populations))
        for population in self.populations.values():
            status |= bit(Status.PARAMETER_RANGE, broken(population.requirements(self.dt)))
        for projection in self.projections.values():
            if projection.release is not None:
                status |= bit(Status.PARAMETER_RANGE, out_of_bounds(projection.release))
            if projection.plastic is not None:
                status |= bit(Status.PARAMETER_RANGE, out_of_bounds(projection.plastic.rule))
                status |= plastic_of(projection, self.dt).status(projection.weight)
            if projection.weight is not None and not self._signed(projection):
                status |= bit(Status.NEGATIVE_WEIGHT, _real(projection) & (projection.weight < 0))
                if projection.plastic is not None:
                    status |= bit(Status.NEGATIVE_WEIGHT, ~(projection.plastic.rule.floor() >= 0))
            if projection.apart is not None and (merged := projection.graph.merged) is not None:
                status |= bit(Status.MULTAPSES, merged)
            if projection.weight is not None:
                status |= bit(Status.PARAMETER_RANGE, ~jnp.isfinite(projection.weight))
            status |= bit(Status.GRAPH_CAPACITY, projection.overflow) | bit(Status.DELAY_RANGE, projection.late)
            if projection.delay is not None:  # it may have been set
                late = (projection.delay < self.order.shortest_delay) | (projection.delay > projection.max_delay)
                status |= bit(Status.DELAY_RANGE, late)
        return status

    def view(self, state: NetworkState) -> Mapping[str, Any]:
        return view(state, changing(self.projections, self.dt))

    def constant(self, path: str) -> str | None:
        name, _, part = path.partition(".")
        p = self.projections.get(name)
        if p is None or p.plastic is not None or (p.release is not None and part.partition(".")[0] == "release"):
            return None
        return (
            f"Got path {path!r}, but projection {name!r} does not learn, so no run changes it: its weights are "
            f"net[{name!r}].weight, its delays, in steps, net[{name!r}].delay; a Connection(rule=...) learns."
        )

    def prepare(self, plan: AbstractPlan = Forward()) -> AbstractStepper:
        given = (self.populations, self.projections, self.order, self.dt)
        match plan:
            case Forward(fused=fused):
                return NetworkStepper.of(*given, differentiated=False, fused=fused)
            case Reverse(input_known=True) if self.not_layerwise() is None:
                return layerwise(*given)
            case Reverse():
                return NetworkStepper.of(*given, differentiated=True)
        raise ValueError(f"Got the plan {plan!r} for a network, expected Forward() or Reverse().")

    def not_layerwise(self) -> str | None:
        """Why derivatives go through it step after step instead of layer after layer, which is faster; None if not."""
        return not_layerwise(self.populations, self.projections, self.order)

    def learned(self, state: Any) -> Network:
        """The network with the weights that its plastic projections have in `state`, the network's or `run.state`."""
        state = getattr(state, "model", state)
        projections = dict(self.projections)
        for name, seen in self.view(state).items():
            if name in projections and projections[name].plastic is not None:
                projections[name] = eqx.tree_at(lambda p: p.weight, projections[name], seen["weight"])
        return eqx.tree_at(lambda net: net.projections, self, projections)

    def frozen(self) -> Network:
        """The network with all weights as they are, for good: without any rule."""
        is_plastic = lambda p: p.plastic is not None
        fixed = lambda p: eqx.tree_at(lambda p: p.plastic, p, None) if is_plastic(p) else p
        return eqx.tree_at(lambda net: net.projections, self, {name: fixed(p) for name, p in self.projections.items()})

    def parameter_status(self) -> UInt32[Array, ""]:
        return self._built()

    def no_derivative(self) -> str | None:
        for name, population in self.populations.items():
            neuron = population.neuron
            if isinstance(neuron, AbstractODE) and neuron.integrator.adaptive:
                return (
                    f"{name}.neuron.integrator is {type(neuron.integrator).__name__}, which chooses its steps from the "
                    "error and has no derivative; use RK4() or ExponentialEuler()"
                )
        return None

    def status(self, state: NetworkState) -> UInt32[Array, ""]:
        status = state.status
        for name, population in self.populations.items():
            status |= population.status(state.populations[name])
        for leaf in jax.tree.leaves((state.populations, state.projections)):
            if jnp.issubdtype(leaf.dtype, jnp.floating):
                status |= bit(Status.NOT_FINITE, ~jnp.isfinite(leaf))
        return status


def _drawn(name: str, population: Population, key: Array) -> Population:
    try:
        return population.drawn(_random.named_key(key, f"{name}.parameters"))
    except ValueError as error:
        raise ValueError(f"Population {name!r}: {error}") from None


def _real(p: Projection) -> Any:
    """Which places of a projection's weights are synapses."""
    if not p.weight.ndim:
        return np.bool_(True)
    if isinstance(p.graph, SparseGraph):
        return p.graph.real
    some = p.graph.count if isinstance(p.graph, DenseGraph) else None
    return np.bool_(True) if some is None else _known(some) > 0


def _known(x: Array) -> Any:
    return np.asarray(x) if is_concrete(x) else x


def network(
    *,
    dt: float,
    populations: dict[str, Population],
    projections: dict[str, Connection] | None = None,
    modules: dict[str, Any] | None = None,
    key: Array,
    order: AbstractOrder | None = None,
) -> Network:
    """Build a network: draw its graphs, weights and delays.

    **Arguments:**

    - `dt`: step, ms, static. `populations`: by name. `projections`: connections by name.
    - `key`: a projection's numbers depend on this key and the projection's name, on nothing else.
    - `modules`: Equinox modules by name that run once a trial, before the steps (`Encoded`) or behind them (`Decoded`).
    - `order`: `NestOrder()` (default) or `BrianOrder()`.

    **Raises:** ValueError for names that are taken or unknown, delays below the order's shortest, off the grid or
    without bound, and for a cycle of same-step edges.
    """
    order = NestOrder() if order is None else order
    if not isinstance(order, AbstractOrder):
        raise ValueError(f"Got order = {order!r}, expected NestOrder() or BrianOrder().")
    populations = _parts(populations, "populations", Population, '{"E": Population(LIF(), 100)}')
    projections = _parts(projections or {}, "projections", Connection, '{"EE": Connection("E", "E", FixedProb(0.1))}')
    modules = _parts(modules or {}, "modules", object, '{"readout": eqx.nn.Linear(...)}')
    if not populations:
        raise ValueError("Got no population, expected at least one: populations={'E': Population(LIF(), 100)}.")
    number = isinstance(dt, (int, float, np.integer, np.floating)) and not isinstance(dt, bool)
    if not (number and 0 < dt < math.inf):
        raise ValueError(f"Got dt = {dt!r}, expected a positive number of ms.")
    parts = [*populations, *projections, *modules]
    twice = {name for name in parts if parts.count(name) > 1}
    if twice:
        raise ValueError(f"Got {known(twice)} for several parts of the network; give each a name of its own.")
    for name, module in modules.items():
        if (why := unsuited(module)) is not None:
            raise ValueError(f"Module {name!r} is {type(module).__name__}, {why}.")
    populations = {
        name: _drawn(name, p, _random.named_key(key, f"{name}.parameters")) for name, p in populations.items()
    }
    built = {}
    for name, connection in sorted(projections.items()):
        try:
            pre, post, port = _ends(populations, connection)
            if connection.delay is None and not order.same_step:
                raise ValueError(
                    f"delay is None, a same-step edge; {type(order).__name__} has none: give a delay of 0 or more"
                )
        except ValueError as error:
            raise ValueError(f"Projection {name!r}: {error}") from None
        built[name] = build(
            name,
            connection,
            _random.named_key(key, name),
            pre=pre,
            post=post,
            port=port,
            dt=float(dt),
            order=order,
        )
    for name, p in built.items():
        _check_voltages(name, p, populations)
    topological(populations, built.values())  # a cycle is an error now, not at the first run
    net = Network(dict(sorted(populations.items())), built, float(dt), order, dict(sorted(modules.items())))
    check_memory(net.layout, net.projections, net.dt)
    return net


def _parts(given: Any, what: str, kind: type, example: str) -> dict[str, Any]:
    """Parts by name, each of the right kind."""
    parts = mapping(given, what, example)
    for name, part in parts.items():
        checked_name(name)
        if not isinstance(part, kind):
            raise ValueError(f"{what}[{name!r}] is {shown(part)}, expected {kind.__name__}(...), as in {example}.")
    return parts


def _check_floor(name: str, p: Projection, kind: str) -> None:
    """Weights that learn into a port that takes none below 0 have to be held above it."""
    assert p.plastic is not None
    floor = p.plastic.rule.floor()
    check(
        lambda: floor >= 0,
        f"Projection {name!r} learns weights of {floor} or more, into {p.post}.{p.port}, a {kind}; expected none below "
        "0, as a conductance has no sign: chain(rule, Bound(0.0, hi)) holds them.",
    )


def _check_voltages(name: str, p: Projection, populations: dict[str, Population]) -> None:
    for rule in p.plastic.rule.rules if p.plastic is not None else ():
        for side in rule.voltage:
            where = getattr(p, side)
            if jax.eval_shape(lambda where=where: populations[where].voltage(populations[where].rest())) is None:
                neuron = type(populations[where].neuron).__name__
                raise ValueError(
                    f"Projection {name!r}: {type(rule).__name__} reads the membrane of its {side} neurons, but "
                    f"{where!r} is a population of {neuron}, which has none; take a neuron such as LIF or another rule."
                )


def _ends(populations: dict[str, Population], connection: Connection) -> tuple[End, End, str]:
    """The populations that a connection goes from and to, with the neurons it is between, and the port."""
    (pre, senders), (path, receivers) = connection.ends
    if pre not in populations:
        raise ValueError(f"there is no population {pre!r}; there are {known(populations)}")
    post, _, port = _port(populations, path)[0].partition(".")
    a, b = (End(name, populations[name].n, positions=populations[name].positions) for name in (pre, post))
    return (
        a.choose(senders, f"Connection.pre {connection.pre!r}"),
        b.choose(receivers, f"Connection.post {connection.post!r}"),
        port,
    )


def _port(populations: dict[str, Population], path: str) -> tuple[str, int]:
    name, _, port = path.partition(".")
    if name not in populations:
        raise ValueError(f"Got {path!r}, but there is no population {name!r}; there are {known(populations)}.")
    ports = populations[name].ports
    if not port:
        if len(ports) != 1:
            options = known(f"{name}.{p}" for p in ports)
            raise ValueError(f"Got {path!r}, but {name!r} has {len(ports)} ports; name one of {options}.")
        (port,) = ports
    if port not in ports:
        raise ValueError(f"Got {path!r}, but {name!r} has no port {port!r}; it has {known(ports)}.")
    return f"{name}.{port}", populations[name].n
