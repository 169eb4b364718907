"""What an update of the synapses depends on, and what a rule reads of it; the places where arrivals go."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, UInt32

from .._bits import pack
from ..connectivity.ring import Ring
from .base import Chain, Change, PreBeforePost, SynapseContext, counted
from .sides import DelayLine, SideSignals
from .synapse_index import SynapseIndex


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


def has_event(side: SideSignals, *, sends: bool) -> Array:
    """Where there is an event of any rule, or (`sends`) a spike."""
    events = [event for event in side.events if event is not None]
    if sends or len(events) < len(side.events):
        events.append(side.spike)
    happens = events[0] != 0
    for event in events[1:]:
        happens |= event != 0
    return happens


def event_words(line: DelayLine, *, sends: bool) -> UInt32[Array, "slots words"]:
    """The same of all slots of a line, as bits."""
    words = line.slots.words
    if words is None or any(event is not None for event in line.slots.events):
        words = pack(has_event(line.slots, sends=sends))
    return words
