"""Where spikes go: every neuron sends its packet to one axon, with one delivery tick."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from ..._types import Register, register
from ...connectivity.ring import Ring
from ...lowering.registers import span
from ...lowering.storage import stored
from ...lowering.synapses import AbstractCarrier, AbstractSynapses
from .arithmetic import TICKS
from .cells import CoreCells


class Packets(AbstractCarrier):
    """Delivery of packets: a sender has one, or a few, so that all senders are added to the ring at once."""

    place: Int[Array, "senders ..."]  # behind the slot of the step
    goes: Int[Array, "senders ..."]
    ring: Ring = eqx.field(static=True)

    def send(self, s, buffer, spikes, t):
        sent = self.goes * (spikes if self.goes.ndim == 1 else spikes[:, None])
        return buffer.at[self.ring.wrap(self.ring.start(t) + self.place)].add(sent)


@stored
class Routes(AbstractSynapses):
    """A spike of sender `i` in step `t` is at axon `axon[i]` of the receivers in step `t + tick[i]`; -1: nowhere.

    A neuron of the chip has one destination, among all groups that it sends to; the host may send an input to many:
    then `axon` has a row for each sender.

    **Arguments:** `axon`: `(senders,)` or `(senders, destinations)`, -1 .. axons - 1. `tick`: `()` or as `axon`, 1..15.
    `axons`: those that the receivers have, static.
    """

    pre: str = eqx.field(static=True)
    post: str = eqx.field(static=True)
    axon: Register = register()
    tick: Register = register(1, within=TICKS)
    axons: int = eqx.field(static=True, kw_only=True)

    max_delay = TICKS[1] - 1  # a core keeps as many words of axons, whatever it is sent

    def __check_init__(self):
        if self.axon.ndim not in (1, 2) or self.tick.shape not in ((), self.axon.shape):
            raise ValueError(
                f"Routes have axon {self.axon.shape} and tick {self.tick.shape}; expected an axon for each sender, and "
                "a tick for each or for all."
            )

    def register_ranges(self):
        return {**super().register_ranges(), "axon": (-1, self.axons - 1)}

    @property
    def shape(self):
        return self.axon.shape[0], self.axons

    def unsupported(self, post):
        return (
            None if isinstance(post, CoreCells) else f"receivers {type(post).__name__}; use CoreCells, which have axons"
        )

    def input_bounds(self, pre, post):
        return np.zeros(self.axons), np.ones(self.axons)  # however many meet there

    def prepare(self, pre, post, ring, first):
        goes = self.axon >= 0
        place = self.tick * ring.width + first + jnp.where(goes, self.axon, 0)
        return Packets(jnp.broadcast_to(place, self.axon.shape), goes.astype(jnp.int32), ring)

    def describe(self) -> list[str]:
        return [f"Routes of {self.axon.shape[0]} senders to {self.axons} axons, delivery ticks {span(self.tick)}"]
