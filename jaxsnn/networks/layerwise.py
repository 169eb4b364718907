"""The schedule for derivatives: layer after layer through a whole chunk of steps, instead of step after step.

Populations that depend on each other form a stage, and stages run in topological order, each in a scan of its own.
Stages are connected by static same-step edges only: all steps of a chunk cross them in one large matrix product, and
the gradient of a weight matrix is one product per chunk instead of a sum over steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from ..compilers import XLA
from ..models import AbstractStepper, Inputs, Signals, View
from .order import AbstractOrder, BeforeThreshold
from .population import Population
from .projection import Projection
from .state import NetworkState
from .stepper import Edge, NetworkStepper, edge


def stages(populations: Mapping[str, Population], projections: Mapping[str, Projection]) -> tuple[tuple[str, ...], ...]:
    """Populations by stage, in topological order: the strongly connected components.

    Any edge but a static same-step one keeps both ends in one stage, as if it led both ways: it has to be stepped, as
    it is plastic, stochastic, or delivers through the ring.
    """
    edges = {(p.pre, p.post) for p in projections.values()}
    edges |= {(p.post, p.pre) for p in projections.values() if not _crosses(p)}
    reach = {name: {name} for name in populations}
    for _ in populations:
        for pre, post in edges:
            reach[pre] |= reach[post]
    groups = {tuple(sorted(b for b in reach[a] if a in reach[b])) for a in populations}
    return tuple(
        sorted(groups, key=lambda group: (-len(reach[group[0]]), group))
    )  # a population that reaches another one reaches more populations


def not_layerwise(
    populations: Mapping[str, Population], projections: Mapping[str, Projection], order: AbstractOrder
) -> str | None:
    """The reason why a network is differentiated step by step instead of layer by layer; None if layer by layer."""
    for name, p in projections.items():
        if p.plastic is not None:
            return f"{name!r} is plastic: its weights would be stored for every step of a chunk"
        if p.synapse is not None:
            return f"{name!r} has synapses with a state of their own, which sees the neurons of every step"
    if not (order.same_step and isinstance(order.arrivals, BeforeThreshold)):
        return (
            f"the order {type(order).__name__} does not declare that arrivals come before the threshold and that "
            "there are same-step edges, which alone connect layers"
        )
    if len(stages(populations, projections)) == 1:
        return "no same-step edge (delay=None) separates layers: all populations depend on each other"
    return None


def _crosses(p: Projection) -> bool:
    """Whether all steps of a chunk may cross a projection at once."""
    return p.delay is None and p.release is None and p.plastic is None and p.reliability is None


class Layerwise(AbstractStepper):
    """A network prepared layer by layer, for input that does not depend on its activity: equal results up to
    rounding.
    """

    whole: NetworkStepper  # for single steps, and for the view of the state
    parts: tuple[NetworkStepper, ...]  # a stepper for every stage, with the slots of the whole ring
    between: tuple[Edge, ...]

    def step(self, state: NetworkState, inputs: Inputs, t: Array, *, key: Array) -> tuple[NetworkState, Signals]:
        return self.whole.step(state, inputs, t, key=key)

    def view(self, state: NetworkState) -> View:
        return self.whole.view(state)

    def run(self, carry, t, length, *, feed, observe, key, compiler=XLA()):
        """Drives run in the scan of the first stage, probes in that of the last."""
        state, spikes, side = carry
        times, last = t + jnp.arange(length, dtype=jnp.int32), len(self.parts) - 1
        inputs, seen, ends, out = Inputs(), Signals({}, {}), [], None
        for i, part in enumerate(self.parts):

            def body(carry: Any, x: Any, i: int = i, part: NetworkStepper = part) -> tuple[Any, Any]:
                (own, spikes, side), (t, fed, before) = carry, x
                if i == 0:
                    side, fed = feed(side, Signals(spikes, self.view(state)), t)
                own, now = part.step(own, fed, t, key=key)
                if i < last:
                    return (own, spikes, side), (fed if i == 0 else None, now)
                spikes = {name: {**before.spikes, **now.spikes}[name] for name in self.whole.populations}
                side, out = observe(side, Signals(spikes, {**before.state, **now.state}), t)
                return (own, spikes, side), out

            heard = self._heard(inputs, seen, part, key)
            (end, spikes, side), out = lax.scan(body, (self._own(state, part), spikes, side), (times, heard, seen))
            if i < last:
                fed, now = out
                inputs = fed if i == 0 else inputs
                seen = Signals({**seen.spikes, **now.spikes}, {**seen.state, **now.state})
            ends.append(end)
        return (self._together(state, ends), spikes, side), out

    def _heard(self, inputs: Inputs, seen: Signals, part: NetworkStepper, key: Array) -> Inputs:
        """The input of a stage, including the arrivals from earlier stages: one product per projection."""
        arrivals = dict(inputs.arrivals)
        for direct in self.between:
            if direct.post in part.populations:
                heard = direct.via.over_steps(seen.spikes[direct.sender], key)
                port = f"{direct.post}.{direct.port}"
                arrivals[port] = arrivals[port] + heard if port in arrivals else heard
        return Inputs(arrivals, inputs.currents, inputs.modulators)

    def _own(self, state: NetworkState, part: NetworkStepper) -> NetworkState:
        """The state of a stage."""
        return NetworkState(
            {name: state.populations[name] for name in part.populations},
            {name: state.projections[name] for name in part.changing},
            part.layout.together(self.whole.layout.by_port(state.ring)),
            state.status,
        )

    def _together(self, state: NetworkState, ends: list[NetworkState]) -> NetworkState:
        """The state of the network, joined from its stages."""
        populations, projections, columns, status = {}, {}, {}, state.status
        for part, own in zip(self.parts, ends, strict=True):
            populations |= own.populations
            projections |= own.projections
            columns |= part.layout.by_port(own.ring)
            status |= own.status
        return NetworkState(
            {name: populations[name] for name in state.populations},
            {name: projections[name] for name in state.projections},
            self.whole.layout.together(columns),
            status,
        )


def layerwise(
    populations: dict[str, Population], projections: dict[str, Projection], order: AbstractOrder, dt: float
) -> Layerwise:
    """The network in stages, unless `not_layerwise` gives a reason against it."""
    whole = NetworkStepper.of(populations, projections, order, dt, differentiated=True)
    parts, inside = [], set()
    for group in stages(populations, projections):
        own = {name: p for name, p in projections.items() if p.pre in group and p.post in group}
        inside |= own.keys()
        members, slots = {name: populations[name] for name in group}, whole.layout.slots
        parts.append(NetworkStepper.of(members, own, order, dt, differentiated=True, slots=slots))
    crossing = {name: p for name, p in projections.items() if name not in inside}
    between = tuple(edge(name, p, dt, differentiated=True) for name, p in crossing.items())
    return Layerwise(whole, tuple(parts), between)
