"""Events applied densely: every synapse is computed, also where nothing happens; it has all derivatives."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from .base import Chain, WeightBeforeUpdate
from .sides import SideSignals
from .update import Columns, Update, has_event


def rows(update: Update, synapses: Array, buffer: Array | None, target: Columns | None) -> Any:
    """The synapses after all events of sending neurons, and `buffer` with what they send."""
    pre, post, clocks = update.everywhere()
    new = update.at_pre_event(synapses, clocks, pre, post)
    still = update.at_pre_event(synapses, clocks, _without_derivative(pre), post)
    out = _where_touched(update.chain, clocks, new, synapses, has_event(pre, sends=True), still)
    if buffer is None or target is None:
        return out, None
    before = isinstance(update.chain.sends, WeightBeforeUpdate)
    weight = update.chain.up_to_date(synapses, clocks)[0] if before else new[0]
    return out, _sent(update, weight, pre.amplitude, buffer, target)


def columns(update: Update, synapses: Array, buffer: None, target: None) -> Any:
    """The synapses after all events of receiving neurons."""
    pre, post, clocks = update.everywhere()
    new = update.at_post_event(synapses, clocks, pre, post)
    still = update.at_post_event(synapses, clocks, pre, _without_derivative(post))
    touched = has_event(post, sends=False)
    return _where_touched(update.chain, clocks, new, synapses, touched, still), None


def send(update: Update, synapses: Array, buffer: Array, target: Columns) -> Any:
    """`buffer` with what spikes send, the synapses as they are."""
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
