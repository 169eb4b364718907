"""A window of steps without an exchange: what its probes read is gathered behind it, with the spikes."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from ...compilers import AbstractCompiler
from ...models import Feed, Observe, Signals
from ..exchange import Gathered
from .device import Device
from .local import LocalStepper


class Watched(eqx.Module):
    """Steps of own neurons under a drive that reads no signal of the network, and observers that read some.

    `form`: of the state by name, as observers see it. `reads`: which of its leaves they read.
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
        first = len(jax.tree.leaves(seen.spikes))
        last = first + len(jax.tree.leaves(seen.state))
        return cls(device, feed, observe, (form, leaves), tuple(i - first for i in read if first <= i < last))

    def window(self, carry: Any, t: Array, count: Array, length: int, key: Array, compiler: AbstractCompiler) -> Any:
        """`count` steps from step `t`, of at most `length`; the carry, and a row a step of what observers hand out."""
        net, (form, leaves) = self.device.net, self.form
        exchange, layout = net.exchange, net.layout
        assert isinstance(net, LocalStepper) and isinstance(exchange, Gathered)
        unread = jax.tree.unflatten(form, [jnp.zeros(x.shape, x.dtype) for x in leaves])

        def own(carry: Any, t: Array) -> tuple[Any, Any]:
            (state, _), side = carry
            side, inputs = self.feed(side, unread, t)
            state, sent = net.order.step(net, state, self.device.own_inputs(inputs), t, key)
            spikes = layout.everybody(sent.senders)
            seen = jax.tree.leaves(net.view(net._by_population(state)))
            graded = {name: spikes.amplitude[layout.here(name).slice] for name in layout.with_amplitudes}
            return ((state, sent.groups), side), (spikes.words, graded, [seen[i] for i in self.reads])

        (carried, side), rows = compiler.steps(own, carry, t, length, count)
        words, graded, seen = exchange.words(rows[0], layout), exchange.all_of(rows[1]), rows[2]
        first = len(self._names)
        seen = {
            first + i: self.device.shards.everywhere(x, leaves[first + i].shape[0], axis=1)
            for i, x in zip(self.reads, seen)
        }

        def everywhere(carry: Any, now: Array) -> tuple[Any, Any]:
            ring, side = carry
            row = lambda x: x[now - t]
            sent = exchange.opened(row(words), jax.tree.map(row, graded), layout)
            ring = net.deliver_late(ring, carried[0].projections, sent, now, key)
            read = [row(seen[i]) if i in seen else jnp.zeros(x.shape, x.dtype) for i, x in enumerate(leaves)]
            state = jax.tree.unflatten(form, read).state
            spikes = {name: self.device.spikes(name, {}, sent) for name in self._names}
            side, out = self.observe(side, Signals(spikes, state, self.device.packed(sent)), now)
            return (ring, side), out

        (ring, side), out = compiler.steps(everywhere, (carried[0].ring, side), t, length, count)
        return ((carried[0]._replace(ring=ring), carried[1]), side), out

    @property
    def _names(self) -> list[str]:
        return [name for name, _ in self.device.net.layout.sizes]


def _read(function: Any, leaves: list[Any]) -> list[int]:
    """Which of its leaves a function reads."""
    jaxpr = jax.make_jaxpr(function)(leaves).jaxpr
    used = {id(x) for eqn in jaxpr.eqns for x in eqn.invars} | {id(x) for x in jaxpr.outvars}
    return [i for i, x in enumerate(jaxpr.invars) if id(x) in used]
