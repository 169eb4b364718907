"""The ring of pending arrivals: slot `k mod slots` holds the arrivals of step `k`, for every port of the network."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._xla import apart, by_device, kernel, materialised, read_slot, write_slot, zero_after


class Ring(eqx.Module):
    """A flat buffer of `slots * width` arrivals; delay `d` at step `k` is slot `k + d`, emptied inside that step.

    It is flat because synapses add to any place of it: XLA copies a `(slots, width)` matrix that is reshaped for that
    in every step.

    `slots` is the largest delay plus one, so that delay 0 (Brian2's order) and the largest one never meet. `ordered`:
    arrivals at a place are summed in the order of senders, on a GPU too (`Deterministic()`).
    """

    slots: int = eqx.field(static=True)
    width: int = eqx.field(static=True)
    ordered: bool = eqx.field(default=False, static=True)

    def __check_init__(self):
        if self.size > 2**30:  # positions up to one turn beyond the end are int32
            raise ValueError(
                f"The longest delay takes {self.slots} slots of {self.width} arrivals, {self.size:.4g} in all, and "
                f"there is room for {2**30}; shorten the delay, or take a larger dt."
            )

    @property
    def size(self) -> int:
        return self.slots * self.width

    def empty(self, dtype: Any) -> Float[Array, " size"]:
        return jnp.zeros(self.size, dtype)

    def start(self, step: Int[Array, "..."]) -> Int[Array, "..."]:
        """The position of the slot of `step`."""
        return step % self.slots * self.width

    def take(self, buffer: Array, step: Int[Array, ""]) -> tuple[Array, Array]:
        """The arrivals of `step`, and the buffer with that slot emptied."""

        def quick(buffer: Array, step: Array) -> list[Array]:
            at = self.start(step)
            arrivals = materialised(lambda buffer, at: read_slot(buffer, at, self.width), step, buffer, at)
            return [arrivals, write_slot(buffer, zero_after(arrivals), at)]

        def batch(buffer: Array, step: Array) -> list[Array]:
            return [x[0] for x in _taken(buffer[None], step[None], size=1, ring=self)]

        one_slot = self.slots == 1  # where nothing is kept apart
        arrivals, buffer = quick(buffer, step) if one_slot else by_device(quick, batch, buffer, step)
        return arrivals, buffer

    def add(self, buffer: Array, step: Int[Array, ""], first: int, values: Float[Array, " n"]) -> Array:
        """Adds `values` to the columns from `first` on, in the slot of `step`."""
        at = self.start(step) + first
        return write_slot(buffer, read_slot(buffer, at, len(values)) + values, at)

    def put(self, buffer: Array, step: Int[Array, ""], values: Float[Array, " width"]) -> Array:
        """The buffer with these values in the slot of `step`."""
        return write_slot(buffer, values, self.start(step))

    def read(self, buffer: Array, step: Int[Array, ""], first: int, n: int) -> Array:
        """The `n` columns from `first` on, in the slot of `step`."""
        return read_slot(buffer, self.start(step) + first, n)

    def wrap(self, position: Int[Array, "..."]) -> Int[Array, "..."]:
        """A position up to one turn beyond the end, wrapped; cheaper than a remainder for every synapse."""
        return jnp.where(position >= self.size, position - self.size, position)


def _take(buffer: Array, step: Array, *, size: int, ring: Ring) -> list[Array]:
    """A slot of every ring of a batch, and the rings with it emptied."""
    buffer = jnp.broadcast_to(buffer, (size, ring.size))
    at, axis = (ring.start(step[0]), None) if step.shape[0] == 1 else (ring.start(step), 0)
    arrivals = apart(jax.vmap(lambda x, at: read_slot(x, at, ring.width), (0, axis))(buffer, at))
    return [arrivals, jax.vmap(write_slot, (0, 0, axis))(buffer, zero_after(arrivals), at)]


def _take_on_gpu(*args: Array, **static: Any) -> list[Array]:
    from .gpu import take

    return take(*args, **static)


_taken = kernel("take", _take, _take_on_gpu, lambda ring: (ring.width, ring.size))
