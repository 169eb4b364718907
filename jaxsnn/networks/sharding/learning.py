"""Plastic synapses divided among devices: a device has those into its own neurons, with their rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int

from ...models import View
from ...plasticity.plastic import Plastic
from ..projection import Learning
from ..shards import Shards
from ..state import Changing


class PlasticPart(Plastic):
    """The plastic synapses of a projection on one device; inside `shard_map`.

    The index has all sending neurons, and the receiving neurons that are here. Every device counts the traces of all
    senders from the bits that it is sent anyway. Clocks are those of all receiving neurons, too: what is due to all
    synapses is due at one time on all devices.

    `number`: which synapses these are, of the `synapses` places of the whole list; None: columns of a matrix.
    """

    shards: Shards = eqx.field(static=True)
    n_post: int = eqx.field(static=True)  # on all devices
    synapses: int = eqx.field(static=True)
    number: Int[Array, " synapses"] | None
    membranes: bool = eqx.field(static=True)  # whether the rule reads those of receiving neurons

    @property
    def receivers(self):
        return self.n_post

    def here(self, tree):
        one_each = lambda x: eqx.is_array(x) and x.shape == (self.n_post,)
        return jax.tree.map(lambda x: self.shards.here(x, self.n_post) if one_each(x) else x, tree)

    def start(self, weight, pre, post):
        return super().start(weight, pre, post if self.membranes else post._replace(v=None))

    def step(self, state, buffer, target, t, pre, post, modulators, receivers=None):
        post = post if self.membranes else post._replace(v=None)
        return super().step(state, buffer, target, t, pre, post, modulators, receivers)

    def everywhere(self, x: Array) -> Array:
        """Numbers of the synapses here as those of all devices, in the order of one device."""
        if self.number is None:
            return self.shards.everywhere(x, self.n_post, axis=1)
        places, values = (lax.all_gather(some, self.shards.axis) for some in (self.number, x))
        return jnp.zeros(self.synapses, x.dtype).at[places].set(values, mode="drop")


class LearningPart(Learning):
    """What makes the part of a projection plastic that is on one device; for its fields see `PlasticPart`."""

    shards: Shards = eqx.field(static=True)
    n_post: int = eqx.field(static=True)
    synapses: int = eqx.field(static=True)
    number: Int[Array, "..."] | None
    membranes: bool = eqx.field(static=True)

    def of(self, delay: Int[Array, "..."] | None, dt: float) -> PlasticPart:
        own = self.shards, self.n_post, self.synapses, self.number, self.membranes
        return PlasticPart(self.rule, self.meeting(delay), dt, *own)


def whole_view(changing: Changing, state: dict[str, Any], shards: Shards, n_pre: int) -> View:
    """The state of a projection by name, gathered from all devices when it is looked at; inside `shard_map`."""
    seen, plastic = changing.view(state), changing.plastic
    each = lambda part, n: jax.tree.map(lambda x: shards.everywhere(x, n), seen[part])
    gathered: dict[str, Callable[[], Any]] = {"release": lambda: each("release", n_pre)}
    if isinstance(plastic, PlasticPart):
        n_post, everywhere = plastic.n_post, plastic.everywhere
        gathered |= {"pre": lambda: seen["pre"], "post": lambda: each("post", n_post)}
        of_synapses = [part for part in seen if part not in gathered]
        gathered |= {part: (lambda part=part: everywhere(seen[part])) for part in of_synapses}
    return View({part: gathered[part] for part in seen})
