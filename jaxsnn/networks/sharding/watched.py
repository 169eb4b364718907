"""A window of steps without an exchange: what its probes read is gathered behind it, with the spikes."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from ...compilers import AbstractCompiler
from ...models import Feed, Observe, Signals, View
from ..delivery import Projections
from ..exchange import Gathered
from .device import Device
from .local import LocalStepper


class Watched(eqx.Module):
    """Steps of own neurons under a drive that reads no signal of the network, and observers that read some.

    `form`: of the state by name, as observers see it. `reads`: which of its leaves they read, of neurons and releases;
    those of plastic synapses are looked at when these have learnt.
    """

    device: Device
    feed: Feed
    observe: Observe
    form: Any = eqx.field(static=True)
    reads: tuple[int, ...] = eqx.field(static=True)

    @classmethod
    def of(cls, device: Device, carried: Any, side: Any, t: Array, feed: Feed, observe: Observe) -> Watched | None:
        """None if the drive reads signals of the network."""

        def whole(state: Any, groups: Any) -> Signals:
            own = device.net.layout.everybody(device.net.layout.apart(groups) | device.silent_releases())
            return device.signals(state, groups, device.net.exchange(own, device.net.layout))

        seen = jax.eval_shape(whole, *carried)
        leaves, form = jax.tree.flatten(seen)
        if _read(lambda leaves: feed(side, jax.tree.unflatten(form, leaves), t), leaves):
            return None
        read = _read(lambda leaves: observe(side, jax.tree.unflatten(form, leaves), t), leaves)
        first, learnt = len(jax.tree.leaves(seen.spikes)), _of_synapses(seen.state, _apart(carried[0].projections)[1])
        reads = tuple(i - first for i in read if 0 <= i - first < len(learnt) and not learnt[i - first])
        return cls(device, feed, observe, (form, leaves), reads)

    def window(self, carry: Any, t: Array, count: Array, length: int, key: Array, compiler: AbstractCompiler) -> Any:
        """`count` steps from step `t`, of at most `length`; the carry, and a row a step of what observers hand out."""
        net, (form, leaves) = self.device.net, self.form
        exchange, layout = net.exchange, net.layout
        assert isinstance(net, LocalStepper) and isinstance(exchange, Gathered)
        unread = jax.tree.unflatten(form, [jnp.zeros(x.shape, x.dtype) for x in leaves])
        ((state, groups), side), begin = carry, t
        released, learning = _apart(state.projections)

        def own(carry: Any, t: Array) -> tuple[Any, Any]:
            (state, _), side = carry
            side, inputs = self.feed(side, unread, t)
            (state, context), sent = net.order.step(net, state, self.device.own_inputs(inputs), t, key)
            spikes = layout.everybody(sent.senders)
            known = state._replace(projections=_together(state.projections, learning))
            seen = jax.tree.leaves(net.view(net._by_population(known)))
            graded = {name: spikes.amplitude[layout.here(name).slice] for name in layout.with_amplitudes}
            return ((state, sent.groups), side), (spikes.words, graded, context, [seen[i] for i in self.reads])

        start = (state._replace(projections=released), groups), side
        ((state, groups), side), rows = compiler.steps(own, start, t, length, count)
        words, graded, context, seen = exchange.words(rows[0], layout), exchange.all_of(rows[1]), rows[2], rows[3]
        first = len(self._names)
        seen = {
            first + i: self.device.shards.everywhere(x, leaves[first + i].shape[0], axis=1)
            for i, x in zip(self.reads, seen)
        }

        def everywhere(carry: Any, now: Array) -> tuple[Any, Any]:
            ring, learning, side = carry
            row = lambda x: x[now - begin]
            sent = exchange.opened(row(words), jax.tree.map(row, graded), layout)
            ring, learning = net.deliver_late(ring, learning, sent, jax.tree.map(row, context), now, key)
            read = [row(seen[i]) if i in seen else jnp.zeros(x.shape, x.dtype) for i, x in enumerate(leaves)]
            state = self._with_synapses(jax.tree.unflatten(form, read).state, learning)
            spikes = {name: self.device.spikes(name, {}, sent) for name in self._names}
            side, out = self.observe(side, Signals(spikes, state, self.device.packed(sent)), now)
            return (ring, learning, side), out

        (ring, learning, side), out = compiler.steps(everywhere, (state.ring, learning, side), t, length, count)
        state = state._replace(ring=ring, projections=_together(state.projections, learning))
        return ((state, groups), side), out

    def _with_synapses(self, rows: Any, learning: Projections) -> View:
        """The state by name: `rows` of neurons and releases, and synapses as they have learnt since."""

        def projection(name: str) -> View:
            synapses = self.device.projection(name, learning[name])
            part = lambda part: rows[name][part] if part == "release" else synapses[part]
            return View({name: (lambda name=name: part(name)) for name in synapses})

        return View({name: (lambda name=name: projection(name) if name in learning else rows[name]) for name in rows})

    @property
    def _names(self) -> list[str]:
        return [name for name, _ in self.device.net.layout.sizes]


def _read(function: Any, leaves: list[Any]) -> list[int]:
    """Which of its leaves a function reads."""
    jaxpr = jax.make_jaxpr(function)(leaves).jaxpr
    used = {id(x) for eqn in jaxpr.eqns for x in eqn.invars} | {id(x) for x in jaxpr.outvars}
    return [i for i, x in enumerate(jaxpr.invars) if id(x) in used]


def _apart(projections: Projections) -> tuple[Projections, Projections]:
    """The states of projections: what neurons advance, and what synapses learn."""
    learning = {name: {"plastic": parts["plastic"]} for name, parts in projections.items() if "plastic" in parts}
    rest = {name: {k: x for k, x in parts.items() if k != "plastic"} for name, parts in projections.items()}
    return rest, learning


def _together(rest: Projections, learning: Projections) -> Projections:
    """The inverse."""
    return {name: parts | learning.get(name, {}) for name, parts in rest.items()}


def _of_synapses(seen: Any, learning: Projections) -> list[bool]:
    """For every leaf of the state by name, whether it is of plastic synapses."""
    found = []
    for name, tree in seen.items():
        parts = tree.items() if name in learning else [("release", tree)]
        found += [part != "release" for part, x in parts for _ in jax.tree.leaves(x)]
    return found
