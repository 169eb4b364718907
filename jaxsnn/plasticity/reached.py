"""What events do to the synapses that they reach: the same for rounds of a batch and for the kernels of a GPU.

Arrays are read by indices alone, so that they may as well be memory of a card.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from jaxtyping import Array, Int

from .base import WeightBeforeUpdate
from .sides import DelayLine, SideSignals
from .synapse_index import AbstractSegments
from .update import Columns, Update


class Way(NamedTuple):
    """Events of sending (`pre`) or receiving neurons; whether they change synapses; where senders' weights go."""

    pre: bool
    changes: bool
    target: Columns | None  # None: nothing is sent

    @property
    def ordered(self) -> bool:
        """Whether what is sent is summed in the order of senders."""
        return self.target is not None and self.target.ring.ordered

    def line(self, update: Update) -> DelayLine:
        """The events."""
        return update.pre if self.pre else update.post

    def segments(self, update: Update) -> AbstractSegments:
        """The synapses of each neuron that has them."""
        return update.index.rows if self.pre else update.index.columns


class Reached(NamedTuple):
    """Synapses, and what reaches them, in arrays of one shape; `neuron` and `own` of a single neuron are numbers."""

    neuron: Int[Array, "..."]
    own: SideSignals
    place: Int[Array, "..."]
    other: Int[Array, "..."]  # the neuron on the other side


def reached(update: Update, way: Way, slot: Array, neuron: Array, position: Array) -> Reached:
    """The synapses at these positions of the segments of neurons, whose events are in these slots of their line."""
    place, other = way.segments(update).synapse(neuron, position)
    return Reached(neuron, way.line(update).at(slot, neuron), place, other)


def effect(update: Update, way: Way, at: Reached, old: Any) -> tuple[Any, tuple[Array, Array] | None]:
    """The synapses after the event, and what is sent: places in the ring, and numbers."""
    clocks = update.clocks_at(at.other if way.pre else at.neuron)
    here = lambda delay: delay[at.place] if delay.ndim else delay
    if not way.pre:
        pre = update.pre.at(update.pre.slot(update.t, here(update.index.axonal)), at.other)
        return update.at_post_event(old, clocks, pre, at.own), None
    dendritic = here(update.index.dendritic)
    post = update.post.at(update.post.slot(update.t, dendritic), at.other)
    new = update.at_pre_event(old, clocks, at.own, post) if way.changes else old
    if way.target is None:
        return new, None
    stored = not way.changes or isinstance(update.chain.sends, WeightBeforeUpdate)
    weight = (update.chain.up_to_date(old, clocks) if stored else new)[0]
    return new, (way.target.places(update.t, dendritic, at.other), at.own.amplitude * weight)
