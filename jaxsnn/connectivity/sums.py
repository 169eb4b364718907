"""The order in which what arrives at one port of a neuron in one step is summed."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int


class AbstractSums(eqx.Module):
    """How arrivals at one port of one neuron in one step are added up: a choice, as sums of floats depend on it."""


class AnyOrder(AbstractSums):
    """In any order, as fast as the device can. A GPU adds them at the same time, so that two runs may differ in their
    last bits; elsewhere they are equal.
    """


class Deterministic(AbstractSums):
    """In the order of senders, and of each sender's synapses: two runs on one device are equal bit for bit, a GPU too.

    There, arrivals of a step are sorted by where they go, and the first of every place is added, then the second, and
    so on: no two are added to one place at the same time. On a CPU it is what is done anyway. In rows with more
    synapses than are read at once the order is that of pieces of rows. It holds for runs: derivatives are refused, and
    so are synapses that are summed otherwise: those with a state of their own, `Scaling` and `Normalise`. A module adds
    up as it does.
    """


def add_in_order(
    buffer: Float[Array, "b places"], to: Int[Array, "b n"], values: Float[Array, "b n"]
) -> Float[Array, "b places"]:
    """`buffer.at[to].add(values)` of every row of a batch, one addition after the other in the order of `values`.

    Places behind the end are left out. Each turn of the loop adds at most one value to a place.
    """
    places, number = buffer.shape[1], lax.broadcasted_iota(jnp.int32, to.shape, 1)
    row = lax.broadcasted_iota(jnp.int32, to.shape, 0)
    to, values = lax.sort((jnp.minimum(to, places), values), dimension=1, num_keys=1, is_stable=True)
    other = jnp.concatenate([jnp.ones((len(to), 1), bool), to[:, 1:] != to[:, :-1]], axis=1)
    turn = number - lax.cummax(jnp.where(other, number, 0), axis=1)  # how many go to the same place before it
    turns = jnp.max(jnp.where(to < places, turn, -1)) + 1

    def one_of_each(state: tuple[Array, Array]) -> tuple[Array, Array]:
        k, buffer = state
        here = jnp.where(turn == k, to, places + 1 + number)  # all different
        return k + 1, buffer.at[row, here].add(values, mode="drop", unique_indices=True)

    return lax.while_loop(lambda state: state[0] < turns, one_of_each, (jnp.int32(0), buffer))[1]
