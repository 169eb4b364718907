"""The loop over the steps of one device: windows of steps of own neurons, with an exchange of spikes behind each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from ...compilers import XLA, AbstractCompiler
from ...connectivity.spikes import Spikes
from ...models import Feed, Inputs, Observe
from .device import Device
from .local import LocalStepper
from .watched import Watched


def steps(
    device: Device,
    carried: Any,
    side: Any,
    t: Int[Array, ""],
    count: Int[Array, ""] | None,
    length: int,
    *,
    every: int,
    feed: Feed,
    observe: Observe,
    key: Array,
    compiler: AbstractCompiler,
) -> Any:
    """`length` steps, or `count` of them, with an exchange after `every` step; the carry, and what `observe` hands out.

    Where the drive reads signals of the network there is one in each. `compiler`: of what lies between exchanges.
    """
    window = min(every, length)
    watched = Watched.of(device, carried, side, t, feed, observe) if window > 1 else None
    if watched is None:
        return compiler.steps(_one(device, feed, observe, key), (carried, side), t, length, count)
    total = jnp.int32(length) if count is None else count

    def several(carry: Any, w: Array) -> tuple[Any, Any]:
        begin = w * window
        return watched.window(carry, t + begin, jnp.minimum(window, total - begin), window, key, compiler)

    windows, needed = -(-length // window), None if count is None else -(-count // window)
    carry, rows = XLA().steps(several, (carried, side), jnp.int32(0), windows, needed)
    return carry, jax.tree.map(lambda x: x.reshape(x.shape[0] * x.shape[1], *x.shape[2:])[:length], rows)


def _one(device: Device, feed: Feed, observe: Observe, key: Array) -> Callable[[Any, Array], tuple[Any, Any]]:
    """A step with its exchange."""

    def one(carry: Any, t: Array) -> tuple[Any, Any]:
        carried, side = carry
        side, inputs = feed(side, device.signals(*carried), t)
        carried, everybody = _advanced(device, carried, inputs, t, key)
        side, out = observe(side, device.signals(carried[0], carried[1], everybody), t)
        return (carried, side), out

    return one


def _advanced(device: Device, carried: Any, inputs: Inputs, t: Array, key: Array) -> tuple[Any, Spikes]:
    """One step of own neurons and the delivery of all spikes; also returns these."""
    net = device.net
    after, sent = net.order.step(net, carried[0], device.own_inputs(inputs), t, key)
    if not isinstance(net, LocalStepper):  # delivered within the step
        return (after, sent.groups), sent.everybody
    state, context = after
    everybody = net.exchange(net.layout.everybody(sent.senders), net.layout)
    ring, projections = net.deliver_late(state.ring, state.projections, everybody, context, t, key)
    return (state._replace(ring=ring, projections=projections), sent.groups), everybody
