"""The steps of a network on several devices: own neurons, for as long as no spike can arrive; then an exchange."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Int

from ..._types import canonical_float
from ...compilers import XLA, AbstractCompiler
from ...models import AbstractStepper, Feed, Inputs, Observe, Signals, silent
from ..shards import Shards, squeezed, stacked
from ..state import NetworkState, view
from ..stepper import NetworkStepper
from .device import Device
from .loop import steps


def undivided(state: NetworkState, sizes: Mapping[str, int], whole: Callable[[Array, int], Array]) -> NetworkState:
    """The state of whole populations and releases, without what is pending."""
    of = lambda parts: {name: jax.tree.map(lambda x, name=name: whole(x, sizes[name]), s) for name, s in parts.items()}
    return NetworkState(of(state.populations), of(state.projections), jnp.zeros(0, state.ring.dtype), state.status)


class ShardedStepper(AbstractStepper):
    """The steppers of all devices, stacked, and the loop over time that all of them run.

    `sizes`: neurons of whole populations, and of the senders of projections. `every`: steps between two exchanges; 0
    where spikes act within a step, or before its end.
    """

    local: NetworkStepper
    mesh: Mesh = eqx.field(static=True)
    shards: Shards = eqx.field(static=True)
    sizes: tuple[tuple[str, int], ...] = eqx.field(static=True)
    every: int = eqx.field(static=True)

    def step(self, state: NetworkState, inputs: Inputs, t: Array, *, key: Array) -> tuple[NetworkState, Signals]:
        """One step by itself."""
        spikes = silent({name: dict(self.sizes)[name] for name in state.populations}, canonical_float())
        feed = lambda side, signals, t: (side, inputs)
        observe = lambda side, signals, t: (side, dict(signals.spikes))
        (state, _, _), rows = self.run((state, spikes, ()), t, 1, feed=feed, observe=observe, key=key)
        return state, Signals({name: row[0] for name, row in rows.items()}, self.view(state))

    def view(self, state: NetworkState) -> Mapping[str, Any]:
        return view(undivided(state, dict(self.sizes), self.shards.whole), self.local.changing)

    def run(self, carry, t, length, *, feed, observe, key, compiler=XLA()):
        return self._run(carry, t, None, length, feed, observe, key, compiler)

    def run_up_to(self, carry, t, count, length, *, feed, observe, key, compiler=XLA()):
        return self._run(carry, t, count, length, feed, observe, key, compiler)

    def _run(
        self,
        carry: Any,
        t: Int[Array, ""],
        count: Int[Array, ""] | None,
        length: int,
        feed: Feed,
        observe: Observe,
        key: Array,
        compiler: AbstractCompiler,
    ) -> tuple[Any, Any]:
        if not isinstance(compiler, XLA):
            raise ValueError(f"Got compiler = {compiler!r} for a network on several devices, expected XLA().")
        arrays, rest = eqx.partition(self.local, eqx.is_array)

        def device(arrays: Any, divided: Any, spikes: Any, side: Any, t: Array, count: Any) -> Any:
            local = Device(eqx.combine(squeezed(arrays), rest), self.shards, dict(self.sizes))
            carried = local.net.joined(squeezed(divided), local.here(spikes))
            (carried, side), rows = steps(
                local,
                carried,
                side,
                t,
                count,
                length,
                every=self.every,
                feed=feed,
                observe=observe,
                key=key,
                compiler=compiler,
            )
            state, spikes = local.net.apart(carried)
            return stacked(state._replace(status=())), local.everywhere(spikes), side, rows

        state, spikes, side = carry
        every, all_have = P(self.shards.axis), P()
        spread = jax.shard_map(
            device,
            mesh=self.mesh,
            in_specs=(every, every, all_have, all_have, all_have, all_have),
            out_specs=(every, all_have, all_have, all_have),
            check_vma=False,
        )
        divided, spikes, side, rows = spread(arrays, state._replace(status=()), spikes, side, t, count)
        return (divided._replace(status=state.status), spikes, side), rows
