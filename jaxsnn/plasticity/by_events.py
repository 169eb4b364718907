"""Events applied one by one: the row of a sender or the column of a receiver, in place, at the cost of its spikes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from .._bits import BITS
from .._xla import zero_after
from ..connectivity.events import for_each_spike
from .base import WeightBeforeUpdate
from .sides import DelayLine
from .synapse_index import AbstractSegments
from .update import Columns, Update, event_words


def _for_each_event(line: DelayLine, t: Array, body: Any, carry: Any, *, sends: bool) -> Any:
    """`carry = body(neuron, delay, slot, carry)` for every event that arrives in step `t`."""
    slots = line.length
    words = event_words(line, sends=sends)
    if slots == 1:
        zero = jnp.int32(0)
        return for_each_spike(words[0], lambda i, carry: body(i, zero, zero, carry), carry)
    places = words.shape[1] * BITS  # in a slot, with those of padding

    def one(e: Array, carry: Any) -> Any:
        slot, neuron = e // places, e % places
        return body(neuron, (t - slot) % slots, slot, carry)

    return for_each_spike(words.reshape(-1), one, carry)


def _pieces(segments: AbstractSegments, neuron: Array, delay: Array, body: Any, carry: Any) -> Any:
    """`carry = body(where, other, inside, carry)` for every piece of a segment."""
    begin, end = segments.segment(neuron, delay)

    def piece(state: tuple[Array, Any]) -> tuple[Array, Any]:
        at, carry = state
        return at + segments.width, body(*segments.piece(at, end), carry)

    return lax.while_loop(lambda state: state[0] < end, piece, (begin, carry))[1]


def rows(update: Update, synapses: Array, buffer: Array | None, target: Columns | None) -> Any:
    """The synapses after all events of sending neurons, and `buffer` with what they send."""
    index, segments = update.index, update.index.rows
    before = isinstance(update.chain.sends, WeightBeforeUpdate)

    def row(neuron: Array, delay: Array, slot: Array, carry: Any) -> Any:
        pre = update.pre.at(slot, neuron)

        def piece(where: Any, other: Array, inside: Array, carry: Any) -> Any:
            synapses, buffer = carry
            if index.exists is not None:
                inside = inside & segments.slice(index.exists, where)
            dendritic = segments.slice(index.dendritic, where)
            clocks, post = update.clocks_at(other), update.post.at(update.post.slot(update.t, dendritic), other)

            def send(block: Array, buffer: Array) -> Array:
                assert target is not None  # as there is a buffer
                places = jnp.where(inside, target.places(update.t, dendritic, other), target.ring.size)
                sent = jnp.where(inside, pre.amplitude * block[0], 0)
                return buffer.at[places].add(sent, mode="drop", wrap_negative_indices=False)

            if before and buffer is not None:
                buffer = send(update.chain.up_to_date(segments.read(synapses, where), clocks), buffer)
                # a data dependence: what was read is used before it is overwritten
                where = where + zero_after(buffer[0]).astype(jnp.int32)
            old = segments.read(synapses, where)
            new = update.at_pre_event(old, clocks, pre, post)
            synapses = segments.write(synapses, where, jnp.where(inside[None], new, old))
            if buffer is not None and not before:
                buffer = send(segments.read(synapses, where), buffer)  # read again: `new` would be computed again
            return synapses, buffer

        return _pieces(segments, neuron, delay, piece, carry)

    return _for_each_event(update.pre, update.t, row, (synapses, buffer), sends=True)


def columns(update: Update, synapses: Array, buffer: None, target: None) -> Any:
    """The synapses after all events of receiving neurons."""
    index, segments = update.index, update.index.columns

    def column(neuron: Array, delay: Array, slot: Array, synapses: Array) -> Any:
        post = update.post.at(slot, neuron)
        clocks = jax.tree.map(lambda x: x[neuron] if x.ndim else x, update.clocks)

        def piece(where: Any, other: Array, inside: Array, synapses: Array) -> Array:
            if index.exists is not None:
                inside = inside & segments.slice(index.exists, where)
            axonal = segments.slice(index.axonal, where)
            pre = update.pre.at(update.pre.slot(update.t, axonal), other)
            old = segments.read(synapses, where)
            new = update.at_post_event(old, clocks, pre, post)
            return segments.write(synapses, where, jnp.where(inside[None], new, old))

        return _pieces(segments, neuron, delay, piece, synapses)

    shaped = _for_each_event(update.post, update.t, column, segments.shaped(synapses), sends=False)
    return shaped.reshape(synapses.shape), None


def send(update: Update, synapses: Array, buffer: Array, target: Columns) -> Any:
    """`buffer` with what spikes send, the synapses as they are."""
    index, segments = update.index, update.index.rows

    def row(neuron: Array, delay: Array, slot: Array, buffer: Array) -> Array:
        spike = update.pre.at(slot, neuron).amplitude

        def piece(where: Any, other: Array, inside: Array, buffer: Array) -> Array:
            if index.exists is not None:
                inside = inside & segments.slice(index.exists, where)
            block = update.chain.up_to_date(segments.read(synapses, where), update.clocks_at(other))
            places = jnp.where(
                inside, target.places(update.t, segments.slice(index.dendritic, where), other), target.ring.size
            )
            sent = jnp.where(inside, spike * block[0], 0)
            return buffer.at[places].add(sent, mode="drop", wrap_negative_indices=False)

        return _pieces(segments, neuron, delay, piece, buffer)

    return synapses, _for_each_event(update.pre, update.t, row, buffer, sends=True)
