"""A rule, written for one synapse, applied to all of them: event by event on a CPU, densely elsewhere.

The weights and state variables of all synapses are rows of one array, `(1 + variables, synapses)`, the weight first, so
that they are updated in place: XLA copies an array that is read for two purposes while it is updated, whole, at every
spike. Measured on 10^6 synapses with three numbers each: 16 us a step in one array, 6 300 in three.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int

from .._bits import BITS, pack
from .._xla import at_most_once, zero_after
from ..connectivity.events import event_driven, for_each_spike
from ..connectivity.ring import Ring
from .base import Chain, Change, PreBeforePost, SynapseContext, WeightBeforeUpdate, counted
from .sides import DelayLine, SideSignals
from .synapse_index import AbstractSegments, SynapseIndex


class Update(eqx.Module):
    """What an update of the synapses depends on: the rule, the index, and the signals of the step."""

    chain: Chain
    index: SynapseIndex
    pre: DelayLine  # what arrives at the synapses from the sending neurons
    post: DelayLine
    clocks: tuple[dict[str, Array], ...]
    modulators: dict[str, Array]
    t: Int[Array, ""]
    dt: float = eqx.field(static=True)

    def context(self, r: int, pre: SideSignals, post: SideSignals, *, pre_counted: bool = False) -> SynapseContext:
        """What rule `r` reads. `pre_counted`: the traces of the sending neuron include its spikes of this step."""
        x = pre.traces[r]
        if pre_counted:
            traces = self.chain.rules[r].pre_traces()
            x = {name: traces[name].spike(value, pre.spike) for name, value in x.items()}
        before = SimpleNamespace(**x, spike=pre.spike, v=pre.v)
        after = SimpleNamespace(**post.traces[r], spike=post.spike, v=post.v)
        return SynapseContext(before, after, self.modulators, self.dt)

    def at_pre_event(self, synapses: Array, clocks: Any, pre: SideSignals, post: SideSignals) -> Array:
        """Synapses after an event of their sending neuron."""

        def ask(r: int, rule: Any, w: Array) -> Change:
            return counted(pre.event(r), rule.on_pre(w, self.context(r, pre, post)))

        return self.chain.changed(self.chain.up_to_date(synapses, clocks), clocks, ask)

    def at_post_event(self, synapses: Array, clocks: Any, pre: SideSignals, post: SideSignals) -> Array:
        """Synapses after an event of their receiving neuron."""
        pairs = isinstance(self.chain.coincident_pairs, PreBeforePost)

        def ask(r: int, rule: Any, w: Array) -> Change:
            return counted(post.event(r), rule.on_post(w, self.context(r, pre, post, pre_counted=pairs)))

        return self.chain.changed(self.chain.up_to_date(synapses, clocks), clocks, ask)

    def at_every_step(self, synapses: Array, clocks: Any, pre: SideSignals, post: SideSignals) -> Array:
        """Synapses after `each_step` of all rules."""

        def ask(r: int, rule: Any, w: Array) -> Change:
            return rule.each_step(w, self.context(r, pre, post))

        return self.chain.changed(self.chain.up_to_date(synapses, clocks), clocks, ask)

    def clocks_at(self, post: Int[Array, " width"]) -> tuple[dict[str, Array], ...]:
        """The clocks for synapses of these receiving neurons."""
        return jax.tree.map(lambda x: x[post] if x.ndim else x, self.clocks)

    # --- dense: every synapse --------------------------------------------------------------------------------------

    def everywhere(self) -> tuple[SideSignals, SideSignals, tuple[dict[str, Array], ...]]:
        """The signals of both sides and the clocks, spread to all synapses."""
        index = self.index

        def spread(line: DelayLine, delay: Array, at: Any, neuron: Array | None) -> SideSignals:
            if line.length == 1:
                return jax.tree.map(lambda x: at(x[0]), line.slots._replace(words=None))
            assert neuron is not None  # a line of several slots: delays differ between synapses
            return line.at(line.slot(self.t, delay), neuron)

        number = jnp.arange
        pre_of = index.at_pre(number(index.n_pre, dtype=jnp.int32)) if index.axonal.ndim else None
        post_of = index.at_post(number(index.n_post, dtype=jnp.int32)) if index.dendritic.ndim else None
        pre = spread(self.pre, index.axonal, index.at_pre, pre_of)
        post = spread(self.post, index.dendritic, index.at_post, post_of)
        if (real := index.is_real()) is not None:
            pre, post = (
                side._replace(
                    spike=jnp.where(real, side.spike, 0),
                    events=jax.tree.map(lambda x, real=real: jnp.where(real, x, 0), side.events),
                )
                for side in (pre, post)
            )
        return pre, post, jax.tree.map(lambda x: index.at_post(x) if x.ndim else x, self.clocks)


class Columns(NamedTuple):
    """Where a projection's arrivals go: columns of a ring from `first` on."""

    ring: Ring
    first: int

    def places(self, t: Array, dendritic: Array, post: Array) -> Array:
        """Places in the ring for what reaches `post` after `dendritic` steps."""
        return self.ring.start(t + dendritic) + self.first + post


# --- events of senders: rows ------------------------------------------------------------------------------------------


def update_rows(update: Update, synapses: Array, buffer: Array | None, target: Columns | None) -> tuple[Array, Any]:
    """The synapses after all events of sending neurons, and `buffer`, if there is one, with the weights they send."""
    return _operation(_rows_plain, _rows_by_spikes, update, synapses, buffer, target=target)


def update_columns(update: Update, synapses: Array) -> Array:
    """The synapses after all events of receiving neurons."""
    return _operation(_columns_plain, _columns_by_spikes, update, synapses, None, target=None)[0]


def send_rows(update: Update, synapses: Array, buffer: Array, target: Columns) -> Array:
    """`buffer` with the weights that spikes send, the synapses unchanged: for same-step edges."""
    return _operation(_send_plain, _send_by_spikes, update, synapses, buffer, target=target)[1]


def _operation(plain: Any, loop: Any, update: Update, synapses: Array, buffer: Array | None, *, target: Any) -> Any:
    """Choose by device and transform; `event_driven` takes arrays only, so everything else is closed over."""
    arrays, static = eqx.partition((update, buffer), eqx.is_array)
    leaves, structure = jax.tree.flatten(arrays)

    def of(function: Any) -> Any:
        def called(synapses: Array, *leaves: Array) -> Any:
            update, buffer = eqx.combine(jax.tree.unflatten(structure, leaves), static)
            return function(update, synapses, buffer, target)

        return called

    def batched(*args: Any) -> Any:
        *arrays, size = args
        own = [0 if x.shape[0] == size and size > 1 else None for x in arrays]
        arrays = [x if axis == 0 else x[0] for x, axis in zip(arrays, own, strict=True)]
        return jax.vmap(of(plain), in_axes=own, axis_size=size)(*arrays)

    return event_driven(of(plain), cpu=of(loop), accelerator=batched)(synapses, *leaves)


def _rows_plain(update: Update, synapses: Array, buffer: Array | None, target: Columns | None) -> Any:
    pre, post, clocks = update.everywhere()
    new = update.at_pre_event(synapses, clocks, pre, post)
    still = update.at_pre_event(synapses, clocks, _without_derivative(pre), post)
    out = _where_touched(update.chain, clocks, new, synapses, _has_event(pre, sends=True), still)
    if buffer is None or target is None:
        return out, None
    before = isinstance(update.chain.sends, WeightBeforeUpdate)
    weight = update.chain.up_to_date(synapses, clocks)[0] if before else new[0]
    return out, _sent(update, weight, pre.amplitude, buffer, target)


def _columns_plain(update: Update, synapses: Array, buffer: None, target: None) -> Any:
    pre, post, clocks = update.everywhere()
    new = update.at_post_event(synapses, clocks, pre, post)
    still = update.at_post_event(synapses, clocks, pre, _without_derivative(post))
    touched = _has_event(post, sends=False)
    return _where_touched(update.chain, clocks, new, synapses, touched, still), None


def _send_plain(update: Update, synapses: Array, buffer: Array, target: Columns) -> Any:
    pre, _, clocks = update.everywhere()
    return synapses, _sent(update, update.chain.up_to_date(synapses, clocks)[0], pre.amplitude, buffer, target)


def _where_touched(chain: Chain, clocks: Any, new: Array, old: Array, touched: Array, still: Array) -> Array:
    """`new` where there is an event, `old` elsewhere, with the surrogate derivative of events that did not happen.

    An event of value 0 changes nothing, but has a derivative: `new - still`, where `still` is computed from the same
    events without their derivative, has the value 0 and that derivative.
    """
    return jnp.where(touched[None], new, old + chain.pulled_back(new - still, old, clocks))


def _without_derivative(side: SideSignals) -> SideSignals:
    """The same signals, with the derivative of their events stopped."""
    return side._replace(spike=lax.stop_gradient(side.spike), events=lax.stop_gradient(side.events))


def _has_event(side: SideSignals, *, sends: bool) -> Array:
    """Where there is an event of any rule, or (`sends`) a spike."""
    events = [event for event in side.events if event is not None]
    if sends or len(events) < len(side.events):
        events.append(side.spike)
    happens = events[0] != 0
    for event in events[1:]:
        happens |= event != 0
    return happens


def _sent(update: Update, weight: Array, spike: Array, buffer: Array, target: Columns) -> Array:
    """`buffer` with `amplitude * weight` of every synapse added, also where it is 0."""
    index = update.index
    contribution = spike * weight
    if (real := index.is_real()) is not None:
        contribution = jnp.where(real, contribution, 0)
    if index.pre is None and index.dendritic.ndim == 0:
        arrived = jnp.sum(contribution.reshape(index.n_pre, index.n_post), axis=0)
        return target.ring.add(buffer, update.t + index.dendritic, target.first, arrived)
    post = index.at_post(jnp.arange(index.n_post, dtype=jnp.int32))
    return buffer.at[target.places(update.t, index.dendritic, post)].add(contribution, mode="drop")


# --- what touches every synapse ---------------------------------------------------------------------------------------


def update_every_step(update: Update, synapses: Array) -> Array:
    """All synapses after `each_step`."""
    pre, post, clocks = update.everywhere()
    new = update.at_every_step(synapses, clocks, pre, post)
    real = update.index.is_real()
    return new if real is None else jnp.where(real[None], new, synapses)


def refresh(update: Update, synapses: Array) -> Array:
    """All synapses, up to date and refreshed by the modifiers whose refresh is due; unchanged if none is."""
    return _operation(_refresh_plain, _refresh_if_due, update, synapses, None, target=None)[0]


def _refreshed(update: Update, synapses: Array) -> Array:
    due = [modifier.refresh_due(clock) for modifier, clock in zip(update.chain.modifiers, update.clocks, strict=True)]
    clocks = jax.tree.map(lambda x: update.index.at_post(x) if x.ndim else x, update.clocks)
    new = update.chain.up_to_date(synapses, clocks)
    new = update.chain.refreshed(new, clocks, due, update.index.total)
    real = update.index.is_real()
    return new if real is None else jnp.where(real[None], new, synapses)


def _any_due(update: Update) -> Array:
    due = [modifier.refresh_due(clock) for modifier, clock in zip(update.chain.modifiers, update.clocks, strict=True)]
    return jnp.any(jnp.stack([x for x in due if x is not None]))


def _refresh_plain(update: Update, synapses: Array, buffer: None, target: None) -> Any:
    return jnp.where(_any_due(update), _refreshed(update, synapses), synapses), None


def _refresh_if_due(update: Update, synapses: Array, buffer: None, target: None) -> Any:
    return at_most_once(_any_due(update), lambda synapses: _refreshed(update, synapses), synapses), None


def update_all_if(update: Update, synapses: Array, now: Array) -> Array:
    """If `now`, all synapses up to date and clipped to their bounds; else unchanged."""
    return _operation(_update_all_plain, _update_all_at_most_once, update, synapses, now, target=None)[0]


def _all_up_to_date(update: Update, synapses: Array) -> Array:
    clocks = jax.tree.map(lambda x: update.index.at_post(x) if x.ndim else x, update.clocks)
    new = update.chain.up_to_date(synapses, clocks)
    real = update.index.is_real()
    return new if real is None else jnp.where(real[None], new, synapses)


def _update_all_plain(update: Update, synapses: Array, now: Array, target: None) -> Any:
    return jnp.where(now, _all_up_to_date(update, synapses), synapses), None


def _update_all_at_most_once(update: Update, synapses: Array, now: Array, target: None) -> Any:
    return at_most_once(now, lambda synapses: _all_up_to_date(update, synapses), synapses), None


# --- one row or column at a time --------------------------------------------------------------------------------------


def _for_each_event(line: DelayLine, t: Array, body: Any, carry: Any, *, sends: bool) -> Any:
    """`carry = body(neuron, delay, slot, carry)` for every event that arrives in step `t`."""
    slots = line.length
    words = line.slots.words
    if words is None or any(event is not None for event in line.slots.events):
        words = pack(_has_event(line.slots, sends=sends))
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


def _rows_by_spikes(update: Update, synapses: Array, buffer: Array | None, target: Columns | None) -> Any:
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
                return buffer.at[places].add(jnp.where(inside, pre.amplitude * block[0], 0), mode="drop")

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


def _columns_by_spikes(update: Update, synapses: Array, buffer: None, target: None) -> Any:
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


def _send_by_spikes(update: Update, synapses: Array, buffer: Array, target: Columns) -> Any:
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
            return buffer.at[places].add(jnp.where(inside, spike * block[0], 0), mode="drop")

        return _pieces(segments, neuron, delay, piece, buffer)

    return synapses, _for_each_event(update.pre, update.t, row, buffer, sends=True)
