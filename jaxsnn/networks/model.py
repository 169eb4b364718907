"""The network: named populations and projections, a pure function of (parameters, state, input, time, key)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, UInt32

from .. import _random
from .._status import Status, bit
from .._types import canonical_float, check_all, required
from ..connectivity.spikes import Spikes
from ..models import AbstractModel, AbstractPlan, AbstractStepper, Forward, Reverse, known
from ..neurons.ode import AbstractODE
from ..plasticity.plastic import Cells
from .checks import built_status, check_weights
from .clocked import silent
from .ends import port_of
from .layerwise import layerwise, not_layerwise
from .layout import Layout
from .order import AbstractOrder
from .population import Population
from .projection import Projection
from .state import NetworkState, view
from .stepper import NetworkStepper, changing
from .units import unit_of

if TYPE_CHECKING:
    from .description.picture import Picture
    from .description.summary import Summary


class Network(AbstractModel):
    """Populations, the projections between them, and modules around them; made by `network(...)`.

    `populations`, `projections`, `modules`: by name, sorted. `dt`: ms. `order`: of events.

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
        head = f"Network(dt={self.dt:g} ms, {self.order}, {sum(self.sizes.values())} neurons)"
        return "\n  ".join([head, *parts])

    def __str__(self) -> str:
        return repr(self) if self._in_part else str(self.summary())

    def _repr_html_(self) -> str | None:
        return None if self._in_part else self.summary()._repr_html_()

    @property
    def _in_part(self) -> bool:
        """Whether numbers are missing that every network has: it is a gradient, or what was chosen of a network."""
        numbers = [x for population in self.populations.values() for x in required(population.neuron)]
        return any(x is None for x in (*numbers, *(p.overflow for p in self.projections.values())))

    def summary(self, drive: Any = None, record: Any = None) -> Summary:
        """The network in a few lines before it runs: `print(net)`, and what a notebook shows.

        Populations with ports; projections with counts and the ranges of weights and delays with units, releases and
        rules; memory; the longest delay in steps. `drive`, `record`: as in `simulate`, to be listed too.
        """
        from .description.summary import summary

        return summary(self, drive, record)

    def graph(self, drive: Any = None) -> Picture:
        """Populations and projections as a picture, with the drives into it if given: `net.graph().save("net.svg")`.

        Blue arrows excite, red ones inhibit (by the signs of their weights); wider ones have more synapses.
        """
        from .description.picture import drawn

        return drawn(self, drive)

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
        check_weights(self.populations, self.projections)

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
        return port_of(self.populations, path)

    def unit(self, path: str) -> str:
        return unit_of(self.populations, self.projections, path)

    def module(self, name: str) -> Any:
        if name not in self.modules:
            raise ValueError(f"Got {name!r}, expected a module of this network: {known(self.modules)}.")
        return self.modules[name]

    def init(self, *, key: Array) -> NetworkState:
        populations = {
            name: population.start(_random.named_key(key, f"{name}.init"))
            for name, population in self.populations.items()
        }
        status = self.parameter_status()
        for name, population in self.populations.items():
            status |= bit(Status.PARAMETER_RANGE, population.outside(populations[name]))
        dtype = canonical_float()
        projections: dict[str, dict[str, Any]] = {}
        for name, p in self.projections.items():
            parts = {}
            if p.release is not None:
                parts["release"] = p.release.init((p.graph.n_pre,), dtype)
            if p.plastic is not None:
                pre, post = (self._silent(side, populations[side]) for side in (p.pre, p.post))
                pre = pre if p.release is None else pre._replace(sent=pre.spike)
                parts["plastic"] = p.plastic.of(p.delay, self.dt).start(p.weight, pre, post)
            if p.synapse is not None:
                parts["synapse"] = silent(p, self.sizes, dtype, self.dt)
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
                plastic, learnt = p.plastic.of(p.delay, self.dt), projections[name]["plastic"]
                learnt = plastic.resumed(learnt, p.weight, plastic.were_set(learnt, p.weight))
                projections[name] = projections[name] | {"plastic": learnt}
        return state._replace(projections=projections, status=state.status | self.parameter_status())

    def view(self, state: NetworkState) -> Mapping[str, Any]:
        return view(state, changing(self.projections, self.dt))

    def constant(self, path: str) -> str | None:
        name, _, part = path.partition(".")
        p = self.projections.get(name)
        if (
            p is None
            or p.plastic is not None
            or p.synapse is not None
            or (p.release is not None and part.partition(".")[0] == "release")
        ):
            return None
        return (
            f"Got path {path!r}, but projection {name!r} does not learn, so no run changes it: its weights are "
            f"net[{name!r}].weight, its delays, in steps, net[{name!r}].delay; a Connection(rule=...) learns."
        )

    def prepare(self, plan: AbstractPlan = Forward()) -> AbstractStepper:
        given = (self.populations, self.projections, self.order, self.dt)
        match plan:
            case Reverse() if self.order.ordered:
                raise ValueError(f"Got the plan {plan!r} for a network with an order of sums: {self.no_derivative()}.")
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
        return built_status(self.populations, self.projections, self.dt, self.order)

    def no_derivative(self) -> str | None:
        if self.order.ordered:
            return "its order has sums=Deterministic(), which no derivative keeps: build it with AnyOrder()"
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
        for name, p in self.projections.items():
            if p.synapse is not None:
                status |= p.synapse.status(state.projections[name]["synapse"].cell)
        for leaf in jax.tree.leaves((state.populations, state.projections)):
            if jnp.issubdtype(leaf.dtype, jnp.floating):
                status |= bit(Status.NOT_FINITE, ~jnp.isfinite(leaf))
        return status
