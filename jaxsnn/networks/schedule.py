"""The schedule for derivatives: layer after layer through a whole chunk of steps, instead of step after step.

Populations that wait for each other form a stage, and stages run in topological order, each a scan of its own. What
goes from one stage to the next are static same-step edges: all steps of a chunk cross them in one large product, and so
does the derivative: the gradient of a weight matrix is one product a chunk instead of a sum over steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from ..models import AbstractStepper, Inputs, Signals
from .order import BeforeThreshold
from .prepare import Direct, Prepared, direct_of, first_ports, ring_of

if TYPE_CHECKING:
    from .model import Network
    from .projection import Projection


def stages(net: Network) -> tuple[tuple[str, ...], ...]:
    """Populations by stage, in topological order: the strongly connected components.

    Any other edge than a static same-step one has both its ends in one stage, as if it led both ways: it is stepped,
    since it changes with what it carries, draws by step, or has it in the ring that both share.
    """
    edges = {(p.pre, p.post) for p in net.projections.values()}
    edges |= {(p.post, p.pre) for p in net.projections.values() if not _crosses(p)}
    reach = {name: {name} for name in net.populations}
    for _ in net.populations:
        for pre, post in edges:
            reach[pre] |= reach[post]
    groups = {tuple(sorted(b for b in reach[a] if a in reach[b])) for a in net.populations}
    return tuple(sorted(groups, key=lambda group: (-len(reach[group[0]]), group)))  # who reaches another reaches more


def not_layerwise(net: Network) -> str | None:
    """Why derivatives go through a network step after step instead of layer after layer; None if they do not."""
    for name, p in net.projections.items():
        if p.plastic is not None:
            return f"{name!r} is plastic: what a layer shows, weights included, would be kept for every step of a chunk"
    if not (net.order.same_step and isinstance(net.order.arrivals, BeforeThreshold)):
        return (
            f"the order {type(net.order).__name__} does not declare that arrivals come before the threshold and that "
            "there are same-step edges, the only ones that lead from layer to layer"
        )
    if len(stages(net)) == 1:
        return "no same-step edge (delay=None) separates layers: all populations wait for each other"
    return None


def _crosses(p: Projection) -> bool:
    """Whether all steps of a chunk may cross a projection at once."""
    return p.delay is None and p.release is None and p.plastic is None and p.reliability is None


class Staged(AbstractStepper):
    """A network ready for runs whose input does not depend on what it does: the same numbers, up to rounding."""

    net: Network
    parts: tuple[Prepared, ...]  # a network of its own for every stage, with the slots of the whole ring
    between: tuple[Direct, ...]
    dt: float = eqx.field(static=True)

    @classmethod
    def of(cls, net: Network) -> AbstractStepper:
        """`net` in stages; or as it always runs, for the reason that `not_layerwise` gives."""
        if not_layerwise(net) is not None:
            return Prepared.of(net)
        groups = stages(net)
        slots, parts, inside = ring_of(net).slots, [], set()
        for group in groups:
            own = {name: p for name, p in net.projections.items() if p.pre in group and p.post in group}
            inside |= own.keys()
            part = type(net)({name: net.populations[name] for name in group}, own, net.dt, net.order)
            parts.append(Prepared.of(part, slots=slots))
        between = tuple(direct_of(name, p.pre, p) for name, p in net.projections.items() if name not in inside)
        return cls(net, tuple(parts), between, net.dt)

    def step(self, state: Any, inputs: Inputs, t: Array, *, key: Array) -> tuple[Any, Signals]:
        return Prepared.of(self.net).step(state, inputs, t, key=key)

    def view(self, state: Any) -> dict[str, Any]:
        return self.net.view(state)

    def run(self, carry, t, length, *, feed, observe, key):
        """Input is fed along the first stage, probes run along the last: no scan of their own."""
        state, side = carry
        times, last = t + jnp.arange(length, dtype=jnp.int32), len(self.parts) - 1
        inputs, seen, ends, out = Inputs(), Signals({}, {}), [], None
        for i, part in enumerate(self.parts):

            def body(carry: Any, x: Any, i: int = i, part: Prepared = part) -> tuple[Any, Any]:
                (own, side), (t, fed, before) = carry, x
                if i == 0:
                    side, fed = feed(side, state, t)
                own, now = part.step(own, fed, t, key=key)
                if i < last:
                    return (own, side), (fed if i == 0 else None, now)
                everything = {name: {**before.spikes, **now.spikes}[name] for name in self.net.populations}
                side, out = observe(side, Signals(everything, {**before.state, **now.state}), t)
                return (own, side), out

            heard = self._heard(inputs, seen, part, key)
            (end, side), out = lax.scan(body, (self._own(state, part), side), (times, heard, seen))
            if i < last:
                fed, now = out
                inputs = fed if i == 0 else inputs
                seen = Signals({**seen.spikes, **now.spikes}, {**seen.state, **now.state})
            ends.append(end)
        return (self._together(state, ends), side), out

    def _heard(self, inputs: Inputs, seen: Signals, part: Prepared, key: Array) -> Inputs:
        """The input of a stage, with what the stages before it send in the same steps: one product a projection."""
        arrivals = dict(inputs.arrivals)
        for edge in self.between:
            if edge.post in part.populations:
                heard = edge.over_time(seen.spikes[edge.sender], key)
                port = f"{edge.post}.{edge.port}"
                arrivals[port] = arrivals[port] + heard if port in arrivals else heard
        return Inputs(arrivals, inputs.currents, inputs.modulators)

    def _own(self, state: Any, part: Prepared) -> Any:
        """The part of a state that is a stage's."""
        return state._replace(
            populations={name: state.populations[name] for name in part.populations},
            projections={name: s for name, s in state.projections.items() if name in part.net.projections},
            ring=self._columns(state.ring, part),
        )

    def _together(self, state: Any, ends: list[Any]) -> Any:
        """The state of the network from those of its stages."""
        populations, projections, rings, status = {}, {}, {}, state.status
        for part, own in zip(self.parts, ends, strict=True):
            populations |= own.populations
            projections |= own.projections
            rings |= self._by_population(own.ring, part)
            status |= own.status
        order = tuple(self.net.populations)
        return state._replace(
            populations={name: populations[name] for name in order},
            projections={name: projections[name] for name in state.projections},
            ring=jnp.concatenate([rings[name] for name in order], axis=1).reshape(-1),
            status=status,
        )

    # --- the ring: slots by ports, a population's ports side by side ------------------------------------------------

    def _by_population(self, ring: Array, part: Any) -> dict[str, Array]:
        rows, at, out = ring.reshape(part.ring.slots, part.ring.width), 0, {}
        for name, population in part.populations.items():
            width = population.n * len(population.ports)
            out[name] = rows[:, at : at + width]
            at += width
        return out

    def _columns(self, ring: Array, part: Prepared) -> Array:
        whole = ring_of(self.net)
        rows, first = ring.reshape(whole.slots, whole.width), first_ports(self.net)
        pieces = []
        for name, population in part.populations.items():
            for port in population.ports:
                begin = first[f"{name}.{port}"]
                pieces.append(rows[:, begin : begin + population.n])
        return jnp.concatenate(pieces, axis=1).reshape(-1)
