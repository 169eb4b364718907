"""The steps of a network on several devices: own neurons, for as long as no spike can arrive; then an exchange."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Int

from ..._types import canonical_float
from ...compilers import XLA, AbstractCompiler
from ...models import AbstractStepper, Feed, Inputs, Observe, Signals, View, silent
from ..population import Population
from ..shards import Shards, on_each, squeezed, stacked
from ..state import NetworkState
from ..stepper import NetworkStepper
from .device import Device
from .learning import whole_view
from .loop import steps


def view_of_all(
    state: NetworkState, sizes: Mapping[str, int], shards: Shards, projection: Callable[[str, dict[str, Any]], View]
) -> View:
    """A divided state by name, as of one device. `projection(name, parts)`: the same of the state of a projection."""
    whole = lambda s, name: Population.named(jax.tree.map(lambda x: shards.whole(x, sizes[name]), s))
    populations = {name: (lambda name=name, s=s: whole(s, name)) for name, s in state.populations.items()}
    projections = {name: (lambda name=name, s=s: projection(name, s)) for name, s in state.projections.items()}
    return View({**populations, **projections})


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
        feed = jax.tree_util.Partial(lambda inputs, side, signals, t: (side, inputs), inputs)
        observe = lambda side, signals, t: (side, dict(signals.spikes))
        (state, _, _), rows = self.run((state, spikes, ()), t, 1, feed=feed, observe=observe, key=key)
        return state, Signals({name: row[0] for name, row in rows.items()}, self.view(state))

    def view(self, state: NetworkState) -> View:
        sizes = dict(self.sizes)

        def projection(name: str, parts: dict[str, Any]) -> View:
            seen = lambda changing, parts: whole_view(changing, parts, self.shards, sizes[name])
            return on_each(self.mesh, self.shards, seen, self.local.changing[name], parts, whole=True)

        return view_of_all(state, sizes, self.shards, projection)

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
        arrays, rest = eqx.partition(self.local, eqx.is_array)
        # what drives and probes hold is handed in: as a constant it would be of no device
        whole, other = eqx.partition((feed, observe, key), eqx.is_array)

        def device(arrays: Any, whole: Any, divided: Any, spikes: Any, side: Any, t: Array, count: Any) -> Any:
            local = Device(eqx.combine(squeezed(arrays), rest), self.shards, dict(self.sizes))
            feed, observe, key = eqx.combine(whole, other)
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
            in_specs=(every, all_have, every, all_have, all_have, all_have, all_have),
            out_specs=(every, all_have, all_have, all_have),
            check_vma=False,
        )
        divided, spikes, side, rows = spread(arrays, whole, state._replace(status=()), spikes, side, t, count)
        return (divided._replace(status=state.status), spikes, side), rows
