"""Rows of synapses that learn on SpiNNaker: weights are state, changed when a spike of their sender arrives."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int

from ..._types import is_concrete
from ..._xla.dispatch import dispatch
from ..._xla.platforms import by_platform
from ...connectivity.events import for_each_spike
from ...connectivity.graph import senders_of_rows
from ...connectivity.ring import Ring
from ...connectivity.spikes import Spikes
from ...lowering.storage import stored
from ...lowering.synapses import AbstractCarrier
from .cells import FULL
from .stdp import REMEMBERED, History, SpikePairRule
from .synapses import RowSynapses

LONGEST = 32  # steps: the slots of a core of 256 neurons; a spike would reach longer rows through delay populations


class PlasticState(NamedTuple):
    """Weights; of every sender the time of its last spike and its trace after it; of every receiver its last spikes,
    oldest first (-1: none), and its traces after each.
    """

    w: Int[Array, " synapses"]
    last: Int[Array, " pre"]
    trace: Int[Array, " pre"]
    times: Int[Array, "post 15"]
    traces: Int[Array, "post 15"]


@stored
class PlasticRowSynapses(RowSynapses):
    """`RowSynapses` whose weights learn by a `SpikePairRule`; a spike carries its weight after the change.

    The change waits for the sender's next spike: `"name.w"` of a run has the weights as they are stored. Of spikes of
    one step the sender's comes first, as in the recorded runs. It matters without `backprop_delay` only, where the
    receiver's then pairs neither with it nor with earlier ones of that sender; on a machine the order is not known.

    **Arguments:** as of `RowSynapses`, `weight` being the one at the start; and `rule`. `backprop_delay`: static,
    whether spikes of receivers reach the synapse after its delay (PyNN's dendritic delay, the host's default), or at
    once. `max_delay`: at most 31, beyond the one step.
    """

    rule: SpikePairRule = eqx.field(kw_only=True)
    backprop_delay: bool = eqx.field(default=True, static=True, kw_only=True)
    learned_variable = "w"

    def __check_init__(self):
        if not isinstance(self.rule, SpikePairRule):
            raise ValueError(f"PlasticRowSynapses.rule is {self.rule!r}; expected a SpikePairRule(...).")
        if self.max_delay >= LONGEST:
            raise ValueError(
                f"PlasticRowSynapses take {self.max_delay + 1} steps; expected at most {LONGEST}, beyond which spikes "
                "wait in delay populations; use a shorter delay, or a larger dt."
            )

    def init(self) -> PlasticState:
        n_pre, past = self.start.shape[0] - 1, (self.n_post, REMEMBERED)
        none = jnp.zeros(n_pre, jnp.int32)
        weight = jnp.asarray(self.weight, jnp.int32)
        return PlasticState(weight, none, none, jnp.full(past, -1, jnp.int32), jnp.zeros(past, jnp.int32))

    def learned_weights(self, s):
        return s.w

    def input_bounds(self, pre, post):
        """Of all weights that can be learned."""
        most = jnp.minimum(self.rule.dependence.most(self.rule) >> self.shift(post), FULL)
        weight = jnp.maximum(self.weight, jnp.broadcast_to(most, (self.n_post,))[self.receiver])
        into = self.receiver + (self.n_post if self.inhibitory else 0)
        total = jax.ops.segment_sum(weight.astype(jnp.zeros(()).dtype), into, 2 * self.n_post)
        return jnp.zeros(2 * self.n_post), self.most * total

    def shift(self, post: Any) -> Int[Array, "..."]:
        """That of the ring buffers of its type, `()` or one a receiver."""
        return post.shift_inh if self.inhibitory else post.shift_exc

    def prepare(self, pre, post, ring, first):
        self.takes(pre)
        shift = jnp.broadcast_to(self.shift(post), (self.n_post,))
        sender = senders_of_rows(self.start, self.weight.shape[0])
        return PlasticRows(self, shift, sender, ring, first + (self.n_post if self.inhibitory else 0))

    def describe(self):
        rule, kind = self.rule, type(self.rule.dependence).__name__.removesuffix("WeightDependence").lower()
        ends = (rule.w_min, rule.w_max)
        within = "{:g} to {:g}".format(*(int(x) / 2**15 for x in ends)) if is_concrete(ends) else "traced bounds"
        return [*super().describe(), f"learns by pairs of spikes, {kind}, weights within {within}"]


class Row(NamedTuple):
    """Synapses of one sender, or of all: the shift of their weights, where in a ring they land, in which step counted
    from that of the spike, and what reached them of their receivers.
    """

    shift: Array
    place: Array
    delay: Array
    times: Array
    traces: Array


class PlasticRows(AbstractCarrier):
    """Ready to run. `shift`: one a receiver. `sender`: one a synapse, for updates of all of them at once."""

    group: PlasticRowSynapses
    shift: Int[Array, " post"]
    sender: Int[Array, " synapses"]
    ring: Ring = eqx.field(static=True)
    first: int = eqx.field(static=True)

    def send(self, s, buffer, spikes, t):
        return self.transmitted(s, buffer, spikes, t)[1]

    def deliver(self, s, buffer, pre, post, modulators, t, *, stream):
        s, buffer = self.transmitted(s, buffer, pre, t)
        return self.recorded(s, post, t), buffer

    def transmitted(self, s: PlasticState, buffer: Array, pre: Int[Array, " pre"], t: Array) -> tuple[Any, Array]:
        """Every spike of a sender updates its row and sends it: one row after the other, or all that there are."""
        if not self.group.weight.size:
            return s, buffer
        leaves, form = jax.tree.flatten((self, s, buffer, pre, jnp.asarray(t)))
        of = lambda way: lambda *given: way(*jax.tree.unflatten(form, given))
        rows, everything = of(_rows), of(_everything)

        def together(size: int, batched: list[bool]) -> Any:
            return jax.vmap(everything, in_axes=[0 if b else None for b in batched], axis_size=size)

        one = lambda *given: by_platform(*given, cpu=rows, default=everything)
        return dispatch(one, each=rows, together=together, derivative=everything)(*leaves)

    def recorded(self, s: PlasticState, post: Int[Array, " post"], t: Array) -> PlasticState:
        """With the spikes of receivers in step `t`."""

        def one(k: Array, past: tuple[Array, Array]) -> tuple[Array, Array]:
            times, traces = past
            fires, trace = (post > k)[:, None], self.group.rule.fired(t, times[:, -1], traces[:, -1])
            moved = lambda x, new: jnp.where(fires, jnp.concatenate([x[:, 1:], new[:, None]], axis=1), x)
            return moved(times, jnp.broadcast_to(t, trace.shape)), moved(traces, trace)

        times, traces = lax.fori_loop(0, jnp.max(post), one, (s.times, s.traces))
        return s._replace(times=times, traces=traces)

    def row(self, s: PlasticState, receiver: Array, delay: Array, t: Array) -> Row:
        """What a spike of step `t` reads of synapses."""
        place = self.ring.start(t + 1 + delay) + self.first + receiver
        reached = 1 + delay if self.group.backprop_delay else jnp.zeros_like(delay)
        return Row(self.shift[receiver], place, reached, s.times[receiver], s.traces[receiver])

    def changed(self, row: Row, w: Array, last: Array, trace: Array, t: Array) -> Int[Array, "..."]:
        """Weights at a spike of their senders."""
        history = History(last, trace, row.delay, row.times, row.traces)
        return self.group.rule.updated(w, row.shift, t, history)


def _rows(link: PlasticRows, s: PlasticState, buffer: Array, pre: Array, t: Array) -> tuple[PlasticState, Array]:
    """One sender after the other; of a source that sends several packets in a step, one after the other too."""
    group = link.group
    width = min(group.longest, group.weight.shape[0])
    lane, final = jnp.arange(width, dtype=jnp.int32), group.weight.shape[0] - width

    def sender(i: Array, carry: tuple[Array, ...]) -> tuple[Array, ...]:
        w, last, trace, buffer = carry
        begin, end = group.start[i], group.start[i + 1]
        first = jnp.minimum(begin, final)  # a slice beyond the end would be shifted silently
        part = lambda x: lax.dynamic_slice(x, (first,), (width,)) if x.ndim else x
        inside = (first + lane >= begin) & (first + lane < end)
        row = link.row(s, part(group.receiver), part(group.delay), t)

        def packet(_: Array, held: tuple[Array, ...]) -> tuple[Array, ...]:
            w, sent, before, x = held
            w = link.changed(row, w, before, x, t)
            return w, sent + w, t, group.rule.sent(t, before, x)

        old = part(w)
        new, sent, before, x = lax.fori_loop(0, pre[i], packet, (old, jnp.zeros_like(old), last[i], trace[i]))
        w = lax.dynamic_update_slice(w, jnp.where(inside, new, old), (first,))
        to = jnp.where(inside, row.place, link.ring.size)
        buffer = buffer.at[to].add(sent, mode="drop", wrap_negative_indices=False)
        return w, last.at[i].set(before), trace.at[i].set(x), buffer

    words = Spikes.found(pre).words
    w, last, trace, buffer = for_each_spike(words, sender, (s.w, s.last, s.trace, buffer))
    return s._replace(w=w, last=last, trace=trace), buffer


def _everything(link: PlasticRows, s: PlasticState, buffer: Array, pre: Array, t: Array) -> tuple[PlasticState, Array]:
    """All synapses side by side, those whose senders are silent masked."""
    group, sender = link.group, link.sender
    row = link.row(s, group.receiver, group.delay, t)

    def packet(k: Array, carry: tuple[Array, ...]) -> tuple[Array, ...]:
        w, last, trace, buffer = carry
        sends = pre > k
        new = jnp.where(sends[sender], link.changed(row, w, last[sender], trace[sender], t), w)
        buffer = buffer.at[row.place].add(jnp.where(sends[sender], new, 0))
        trace = jnp.where(sends, group.rule.sent(t, last, trace), trace)
        return new, jnp.where(sends, t, last), trace, buffer

    w, last, trace, buffer = lax.fori_loop(0, jnp.max(pre), packet, (s.w, s.last, s.trace, buffer))
    return s._replace(w=w, last=last, trace=trace), buffer
