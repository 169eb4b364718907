"""What one device does in a run: windows of steps of its own neurons, with an exchange of spikes behind each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, UInt32

from ...compilers import AbstractCompiler
from ...connectivity.spikes import Spikes
from ...models import Feed, Inputs, Observe, Signals, View
from ..shards import Shards
from ..state import NetworkState
from ..stepper import NetworkStepper
from .local import LocalStepper
from .watched import Watched


class Device(eqx.Module):
    """The part of a network that is here; inside `shard_map`."""

    net: NetworkStepper
    shards: Shards = eqx.field(static=True)
    sizes: dict[str, int] = eqx.field(static=True)
    every: int = eqx.field(static=True)

    def steps(
        self,
        carried: Any,
        side: Any,
        t: Int[Array, ""],
        count: Int[Array, ""] | None,
        length: int,
        feed: Feed,
        observe: Observe,
        key: Array,
        compiler: AbstractCompiler,
    ) -> Any:
        """`length` steps, or `count` of them: the carry, and the rows that `observe` hands out."""
        window = min(self.every, length)
        if window <= 1:
            one = self._one(feed, observe, key)
            return compiler.steps(one, (carried, side), t, length, count)
        watched = Watched.of(self, carried, side, t, feed, observe)
        if watched is None:  # the drive listens to the network in every step
            one = self._one(feed, observe, key)
            return compiler.steps(one, (carried, side), t, length, count)
        total = jnp.int32(length) if count is None else count
        windows = -(-length // window)

        def several(carry: Any, w: Array) -> tuple[Any, Any]:
            begin = w * window
            return watched.window(carry, t + begin, jnp.minimum(window, total - begin), window, key, compiler)

        needed = None if count is None else -(-count // window)
        carry, rows = compiler.steps(several, (carried, side), jnp.int32(0), windows, needed)
        return carry, jax.tree.map(lambda x: x.reshape(x.shape[0] * x.shape[1], *x.shape[2:])[:length], rows)

    def _one(self, feed: Feed, observe: Observe, key: Array) -> Any:
        """A step with its exchange."""

        def one(carry: Any, t: Array) -> tuple[Any, Any]:
            carried, side = carry
            side, inputs = feed(side, self.signals(carried[0], carried[1]), t)
            carried, everybody = self.advanced(carried, inputs, t, key)
            side, out = observe(side, self.signals(carried[0], carried[1], everybody), t)
            return (carried, side), out

        return one

    def advanced(self, carried: Any, inputs: Inputs, t: Array, key: Array) -> tuple[Any, Spikes]:
        """One step of own neurons and the delivery of all spikes; also returns these."""
        state, sent = self.net.order.step(self.net, carried[0], self.own_inputs(inputs), t, key)
        if not isinstance(self.net, LocalStepper):
            return (state, sent.groups), sent.everybody
        everybody = self.net.exchange(self.net.layout.everybody(sent.senders), self.net.layout)
        ring = self.net.deliver_late(state.ring, state.projections, everybody, t, key)
        return (state._replace(ring=ring), sent.groups), everybody

    def own_inputs(self, inputs: Inputs) -> Inputs:
        """The inputs of own neurons."""
        part = lambda x, name: self.shards.here(x, self.sizes[name.partition(".")[0]])
        return Inputs(
            {path: part(x, path) for path, x in inputs.arrivals.items()},
            {name: part(x, name) for name, x in inputs.currents.items()},
            inputs.modulators,
        )

    # --- what drives and probes see: whole populations, gathered when they are looked at ---------------------------

    def signals(self, state: NetworkState, groups: Any, everybody: Spikes | None = None) -> Signals:
        own = self.net.layout.apart(groups)
        spikes = {name: (lambda name=name: self.spikes(name, own, everybody)) for name in own}
        seen = self.net.view(self.net._by_population(state))
        gathered = {name: (lambda name=name: self.gathered(seen[name], self.sizes[name])) for name in seen}
        return Signals(View(spikes), View(gathered), {} if everybody is None else self.packed(everybody))

    def spikes(self, name: str, own: Mapping[str, Array], everybody: Spikes | None) -> Array:
        if everybody is None:
            return self.shards.everywhere(own[name], self.sizes[name])
        return everybody.part(*self.net.layout.sender(name)).amplitude[: self.sizes[name]]

    def packed(self, everybody: Spikes) -> View:
        """The spikes of whole populations as bits."""
        return View({name: (lambda name=name: self.words(name, everybody)) for name, _ in self.net.layout.sizes})

    def words(self, name: str, everybody: Spikes) -> UInt32[Array, " words"]:
        n = self.sizes[name]
        words = everybody.part(*self.net.layout.sender(name)).words[: -(-n // 32)]
        return words if n % 32 == 0 else words.at[-1].set(words[-1] & jnp.uint32((1 << n % 32) - 1))

    def gathered(self, tree: Any, n: int) -> Any:
        return jax.tree.map(lambda x: self.shards.everywhere(x, n), tree)

    def silent_releases(self) -> dict[str, Array]:
        return {name: jnp.zeros(n) for name, n in self.net.layout.releases}

    def here(self, spikes: Mapping[str, Array]) -> dict[str, Array]:
        """The part of own neurons of spikes by population."""
        return {name: self.shards.here(x, self.sizes[name]) for name, x in spikes.items()}

    def everywhere(self, spikes: Mapping[str, Array]) -> dict[str, Array]:
        """The inverse."""
        return {name: self.shards.everywhere(x, self.sizes[name]) for name, x in spikes.items()}
