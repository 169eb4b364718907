"""Shards: which neurons of a population are on which device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Int, UInt32

from .._bits import BITS
from ..connectivity.spikes import Spikes


class Shards(NamedTuple):
    """Every population divided into `number` parts of equal size, one on each device along the mesh axis `axis`.

    A part is a multiple of 32 neurons, so that spikes of all parts are words side by side: neuron `i` is number
    `i % own` of device `i // own`. What lies behind the last neuron of a population is padding.
    """

    axis: str
    number: int

    def own(self, n: int) -> int:
        """The neurons of a device, of `n`."""
        return -(-n // (self.number * BITS)) * BITS

    # --- between whole arrays and parts ---------------------------------------------------------------------------

    def split(self, x: Any, n: int) -> Any:
        """An array with a value a neuron, `(n, ...)`, as `(devices, own, ...)`; padding repeats the last neuron."""
        size, xp = self.number * self.own(n), np if isinstance(x, np.ndarray) else jnp
        whole = xp.concatenate([x, xp.repeat(x[-1:], size - n, axis=0)])
        return whole.reshape(self.number, self.own(n), *x.shape[1:])

    def whole(self, parts: Array, n: int) -> Array:
        """The inverse of `split`."""
        return parts.reshape(self.number * parts.shape[1], *parts.shape[2:])[:n]

    # --- on one of the devices, inside `shard_map` ----------------------------------------------------------------

    def first(self, own: int) -> Int[Array, ""]:
        """The number of the first neuron that is here."""
        return (lax.axis_index(self.axis) * own).astype(jnp.int32)

    def here(self, x: Array, n: int) -> Array:
        """The part that is here, of an array with a value for each of `n` neurons."""
        return lax.dynamic_index_in_dim(self.split(x, n), lax.axis_index(self.axis), keepdims=False)

    def spikes_here(self, everybody: Spikes, own: int) -> Spikes:
        """The spikes of neurons that are here, of those of all devices, each of which has `own` neurons."""
        part = lambda x, n: lax.dynamic_slice_in_dim(x, lax.axis_index(self.axis) * n, n)
        numbers = None if everybody.numbers is None else part(everybody.numbers, own)
        return Spikes(numbers, part(everybody.words, own // BITS))

    def everywhere(self, x: Array, n: int, axis: int = 0) -> Array:
        """The whole of which `x` is the part that is here: `n` neurons along `axis`."""
        whole = lax.all_gather(x, self.axis, axis=axis, tiled=True)
        return lax.slice_in_dim(whole, 0, n, axis=axis)

    def words(self, own: UInt32[Array, "... words"], sizes: list[int]) -> UInt32[Array, "... all"]:
        """Words of several senders of `sizes` neurons here, side by side, as those of all devices: the same order."""
        parts = lax.all_gather(own, self.axis)  # one collective, n / 8 bytes
        out, at = [], 0
        for n in sizes:
            some, at = parts[..., at : at + n // BITS], at + n // BITS
            out.append(jnp.moveaxis(some, 0, -2).reshape(*own.shape[:-1], -1))
        return jnp.concatenate(out, axis=-1)


def on_each(mesh: Mesh, shards: Shards, function: Callable[..., Any], *divided: Any, whole: bool = False) -> Any:
    """`function` of the parts of every device, stacked; `whole`: of what is the same on all devices, once."""
    arrays, rest = eqx.partition(divided, eqx.is_array)

    def device(arrays: Any) -> Any:
        found = function(*eqx.combine(squeezed(arrays), rest))
        return found if whole else stacked(found)

    every, out = P(shards.axis), P() if whole else P(shards.axis)
    return jax.shard_map(device, mesh=mesh, in_specs=(every,), out_specs=out, check_vma=False)(arrays)


def squeezed(tree: Any) -> Any:
    """Arrays of the part that is here, without the axis of devices."""
    return jax.tree.map(lambda x: x[0], tree)


def stacked(tree: Any) -> Any:
    """The inverse."""
    return jax.tree.map(lambda x: x[None], tree)
