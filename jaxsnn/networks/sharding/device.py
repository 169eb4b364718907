"""The part of a network that one device has, and the whole as drives and probes see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, UInt32

from ...connectivity.spikes import Spikes
from ...models import Inputs, Signals, View
from ..shards import Shards
from ..state import NetworkState
from ..stepper import NetworkStepper
from .learning import whole_view


class Device(eqx.Module):
    """The part of a network that is here; inside `shard_map`."""

    net: NetworkStepper
    shards: Shards = eqx.field(static=True)
    sizes: dict[str, int] = eqx.field(static=True)  # of whole populations, and of the senders of projections

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
        return Signals(View(spikes), self.view(state), {} if everybody is None else self.packed(everybody))

    def view(self, state: NetworkState) -> View:
        """The state of all devices by name."""
        seen = self.net.view(self.net._by_population(state))

        def gathered(name: str) -> Any:
            if name in self.net.changing:
                return self.projection(name, state.projections[name])
            return jax.tree.map(lambda x: self.shards.everywhere(x, self.sizes[name]), seen[name])

        return View({name: (lambda name=name: gathered(name)) for name in seen})

    def projection(self, name: str, state: dict[str, Any]) -> View:
        """The state of a projection on all devices."""
        return whole_view(self.net.changing[name], state, self.shards, self.sizes[name])

    def spikes(self, name: str, own: Mapping[str, Array], everybody: Spikes | None) -> Array:
        if everybody is None:
            return self.shards.everywhere(own[name], self.sizes[name])
        return everybody.part(*self.net.layout.sender(name)).first(self.sizes[name]).amplitude

    def packed(self, everybody: Spikes) -> View:
        """The spikes of whole populations as bits."""
        return View({name: (lambda name=name: self.words(name, everybody)) for name, _ in self.net.layout.sizes})

    def words(self, name: str, everybody: Spikes) -> UInt32[Array, " words"]:
        return everybody.part(*self.net.layout.sender(name)).first(self.sizes[name]).words

    def silent_releases(self) -> dict[str, Array]:
        return {name: jnp.zeros(n) for name, n in self.net.layout.releases}

    def here(self, spikes: Mapping[str, Array]) -> dict[str, Array]:
        """The part of own neurons of spikes by population."""
        return {name: self.shards.here(x, self.sizes[name]) for name, x in spikes.items()}

    def everywhere(self, spikes: Mapping[str, Array]) -> dict[str, Array]:
        """The inverse."""
        return {name: self.shards.everywhere(x, self.sizes[name]) for name, x in spikes.items()}
