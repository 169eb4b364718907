"""Dense delivery: a matrix, of which a step reads only the rows of neurons that fired."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped, UInt32

from .events import event_driven, for_each_spike, for_groups_of_spikes
from .spikes import Spikes


def _product(spikes: Float[Array, " pre"], matrix: Shaped[Array, "pre post"]) -> Float[Array, " post"]:
    return spikes @ matrix.astype(spikes.dtype)


def _rows_of_spikes(
    spikes: Float[Array, " pre"], words: UInt32[Array, " words"], matrix: Shaped[Array, "pre post"]
) -> Float[Array, " post"]:
    # Summed apart from where it goes: measured 1.5 times as fast as adding every row to its destination.
    def row(i: Array, total: Array) -> Array:
        return total + spikes[i] * matrix[i].astype(total.dtype)

    return for_each_spike(words, row, jnp.zeros(matrix.shape[1], spikes.dtype))


def many_rows(spikes: Shaped[Array, " pre"], matrix: Shaped[Array, "pre post"]) -> Shaped[Array, " post"]:
    """`spikes @ matrix` on a CPU, rows of several spikes at a time."""

    def rows(neurons: list[Array], total: Array) -> Array:
        for i in neurons:
            amplitude = spikes.at[i].get(mode="fill", fill_value=0)
            total = total + amplitude * matrix.at[i].get(mode="clip").astype(total.dtype)
        return total

    return for_groups_of_spikes(spikes, rows, jnp.zeros(matrix.shape[1], spikes.dtype))


def _products(spikes: Float[Array, "b pre"], matrix: Shaped[Array, "b pre post"], size: int) -> Float[Array, "b post"]:
    matrix = matrix.astype(spikes.dtype)
    if matrix.shape[0] == 1:  # shared by the batch: one matrix product
        return jnp.broadcast_to(spikes, (size, spikes.shape[1])) @ matrix[0]
    return jnp.einsum("bi,bij->bj", jnp.broadcast_to(spikes, (size, spikes.shape[1])), matrix)


_rows_of = event_driven(
    lambda spikes, words, matrix: _product(spikes, matrix),
    cpu=_rows_of_spikes,
    accelerator=lambda spikes, words, matrix, size: _products(spikes, matrix, size),
)


def rows_of(spikes: Spikes, matrix: Shaped[Array, "pre post"]) -> Float[Array, " post"]:
    """`spikes @ matrix` at the cost of the spikes on a CPU, as a matrix product elsewhere; any type of numbers."""
    return _rows_of(spikes.amplitude, spikes.words, matrix)


many_rows_of = event_driven(_product, cpu=many_rows, accelerator=_products)
"""`spikes @ matrix` likewise, faster where more than a neuron or two fires in a step, and slower below."""
