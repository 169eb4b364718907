"""Events of a batch applied some at a time, at the cost of those there are: for accelerators.

Every instance has its own events. A round takes the next few of each, and of their segments the next `width` synapses.
A synapse is in one row and in one column, so that those of a round are different, and are written at once.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from .._bits import BITS
from .._xla import kernel
from ..connectivity.events import neuron_of_rank
from ..connectivity.sums import add_in_order
from . import dense
from .reached import Way, effect, reached
from .update import Update, event_words, has_event

_EVENTS, _SYNAPSES = 8, 2**14  # of a round: at least so many events of every instance, and about so many synapses
_FEW = 2**18  # synapses of a batch from which on it pays: see docs/pages/performance.md


class Form:
    """What is static of the events of a batch, in which each instance has `synapses` with so many `numbers` each."""

    def __init__(self, way: Way, numbers: int, synapses: int, structure: Any, rest: Any):
        self.way, self.numbers, self.synapses = way, numbers, synapses
        self._structure, self._rest = structure, rest

    @classmethod
    def of(cls, way: Way, update: Update, numbers: int, synapses: int) -> tuple[Form, list[Array]]:
        """What is static of an update, and its arrays."""
        arrays, rest = eqx.partition(update, eqx.is_array)
        leaves, structure = jax.tree.flatten(arrays)
        return cls(way, numbers, synapses, structure, rest), leaves

    def update(self, leaves: Any) -> Update:
        """The update that these arrays are of."""
        return eqx.combine(jax.tree.unflatten(self._structure, leaves), self._rest)

    @property
    def widths(self) -> tuple[int, ...]:
        ring = () if self.way.target is None else (self.way.target.ring.size,)
        return (self.numbers * self.synapses, *ring)


def of_each(arrays: Any, size: int) -> tuple[list[Array], list[int | None]]:
    """Arrays of a batch for `vmap`, and their axes: those that it shares are without their leading axis of 1."""
    axes = [0 if len(x) == size > 1 else None for x in arrays]
    return [x if axis == 0 else x[0] for x, axis in zip(arrays, axes, strict=True)], axes


def _in_rounds(*arrays: Array, size: int, form: Form) -> list[Array]:
    """The synapses of a batch after its events, and the rings with what is sent.

    Both are flat within the loop over rounds: where an array has a batch and is changed at places, a TPU gives it
    another layout and back in every turn.
    """
    changed, (own, axes) = arrays[: len(form.widths)], of_each(arrays[len(form.widths) :], size)
    synapses, *ring = (jnp.broadcast_to(x, (size, x.shape[1])).reshape(-1) for x in changed)
    line = form.way.line

    def each(function: Any, *x: Any) -> Any:
        """`function(update, *x)` of every instance."""
        of_one = lambda own, *x: function(form.update(own), *x)
        return jax.vmap(of_one, (axes, *(0 for _ in x)), axis_size=size)(own, *x)

    words = each(lambda update: event_words(line(update), sends=form.way.pre).reshape(-1))
    count = jnp.sum(lax.population_count(words).astype(jnp.int32), axis=1, dtype=jnp.int32)
    width = form.way.segments(form.update(own)).width
    events = min(max(_EVENTS, _SYNAPSES // (size * width)), words.shape[1] * BITS)
    lane, instance = jnp.arange(width, dtype=jnp.int32)[None], jnp.arange(size, dtype=jnp.int32)[:, None]
    begins = jnp.arange(size * form.numbers, dtype=jnp.int32).reshape(size, form.numbers, 1) * form.synapses

    def one_round(state: Any) -> Any:
        rank, first, synapses, *ring = state

        def here(update: Update, words: Array, count: Array) -> Any:
            slots, ranks = line(update).length, rank + jnp.arange(events, dtype=jnp.int32)
            real = ranks < count
            event = jnp.where(real, neuron_of_rank(words, ranks), 0)
            slot, neuron = jnp.divmod(event, words.shape[0] // slots * BITS) if slots > 1 else (event * 0, event)
            begin, end = form.way.segments(update).span(neuron, (update.t - slot) % slots)
            end = jnp.where(real, end, begin)
            position = begin[:, None] + first + lane
            inside = position < end[:, None]
            flat = lambda x: jnp.broadcast_to(x, inside.shape).reshape(-1)
            position = jnp.where(inside, position, begin[:, None])
            at = reached(update, form.way, flat(slot[:, None]), flat(neuron[:, None]), flat(position))
            inside = flat(inside) if update.index.exists is None else flat(inside) & update.index.exists[at.place]
            return at, inside, jnp.max(end - begin)

        at, inside, longest = each(here, words, count)
        place = begins + at.place[:, None]
        new, sent = each(lambda update, at, old: effect(update, form.way, at, old), at, synapses[place])
        if form.way.changes:
            beyond = synapses.shape[0] + jnp.arange(place.size, dtype=jnp.int32).reshape(place.shape)  # all different
            place = jnp.where(inside[:, None], place, beyond)
            synapses = synapses.at[place].set(new, mode="drop", unique_indices=True)
        if sent is not None:
            to = jnp.where(inside, instance * (ring[0].shape[0] // size) + sent[0], ring[0].shape[0])
            values = jnp.where(inside, sent[1], 0)
            if form.way.ordered:
                ring = [add_in_order(ring[0][None], to.reshape(1, -1), values.reshape(1, -1))[0]]
            else:
                ring = [ring[0].at[to].add(values, mode="drop")]
        more = first + width < jnp.max(longest)
        return jnp.where(more, rank, rank + events), jnp.where(more, first + width, 0), synapses, *ring

    most, start = jnp.max(count), jnp.int32(0)
    _, _, *changed = lax.while_loop(lambda state: state[0] < most, one_round, (start, start, synapses, *ring))
    return [x.reshape(size, -1) for x in changed]


def _densely(*arrays: Array, size: int, form: Form) -> list[Array]:
    """The same by all synapses, whatever happens."""
    way, count = form.way, len(form.widths)
    function: Any = (dense.rows if way.changes else dense.send) if way.pre else dense.columns

    def one(synapses: Array, ring: list[Array], own: Any) -> list[Array]:
        buffer = ring[0] if ring else None
        new, buffer = function(form.update(own), synapses.reshape(form.numbers, -1), buffer, way.target)
        return [new.reshape(-1), *([] if buffer is None else [buffer])]

    synapses, *ring = (jnp.broadcast_to(x, (size, x.shape[1])) for x in arrays[:count])
    own, axes = of_each(arrays[count:], size)
    return jax.vmap(one, (0, 0, axes))(synapses, ring, own)


def _on_gpu(*arrays: Array, size: int, form: Form) -> list[Array]:
    """By a kernel of its own, unless synapses are few, sums have an order, or a number of the rule is an array."""
    if form.way.ordered or size * form.synapses < _FEW:
        return _elsewhere(*arrays, size=size, form=form)
    count = len(form.widths)
    update = form.update(arrays[count:])
    if any(x.ndim > 1 for x in jax.tree.leaves(eqx.filter((update.chain, update.modulators), eqx.is_array))):
        return _in_rounds(*arrays, size=size, form=form)
    from .gpu import apply_events  # imports Pallas, which only cards need

    happens = has_event(form.way.line(update).slots, sends=form.way.pre).astype(jnp.int32)
    words = lambda update: (update.pre.slots.words, update.post.slots.words)  # which are then never made
    update = eqx.tree_at(words, update, (None, None), is_leaf=lambda x: x is None)
    form, leaves = Form.of(form.way, update, form.numbers, form.synapses)
    return apply_events(happens.reshape(len(happens), -1), *arrays[:count], *leaves, size=size, form=form)


def _elsewhere(*arrays: Array, size: int, form: Form) -> list[Array]:
    """In rounds, unless there are few synapses, or too many to be counted in a batch."""
    few, many = size * form.synapses < _FEW, max(form.widths) * size >= 2**31
    if form.way.ordered and many:
        raise ValueError(
            f"{size} instances of {form.synapses} synapses that learn are too many for sums=Deterministic(), which has "
            "room for 2^31 numbers: run fewer together, or build the network with AnyOrder()."
        )
    way = _densely if many or (few and not form.way.ordered) else _in_rounds
    return way(*arrays, size=size, form=form)


_applied = kernel("apply_events", _elsewhere, _on_gpu, lambda form: form.widths, open_ended=True)


def of_a_batch(way: Way, update: Update, synapses: Array, buffer: Array | None, size: int) -> Any:
    """The synapses and the buffers of `size` instances; what they share has a leading axis of 1."""
    form, leaves = Form.of(way, update, *synapses.shape[1:])
    ring = [] if buffer is None else [buffer]
    synapses, *ring = _applied(synapses.reshape(len(synapses), -1), *ring, *leaves, size=size, form=form)
    return synapses.reshape(size, form.numbers, form.synapses), ring[0] if ring else None
