"""Where spikes go: every neuron sends its packet to one axon, with one delivery tick."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from ..._types import Register, register
from ...connectivity.sparse import Rows
from ...lowering.carriers import Scattered
from ...lowering.registers import span
from ...lowering.storage import stored
from ...lowering.synapses import AbstractSynapses
from .arithmetic import TICKS
from .cells import CoreCells


@stored
class Routes(AbstractSynapses):
    """A spike of sender `i` in step `t` is at axon `axon[i]` of the receivers in step `t + tick[i]`; -1: nowhere.

    A neuron of the chip has one destination, among all groups that it sends to; the host may send an input to many.

    **Arguments:** `axon`: `(senders,)`, -1 .. axons - 1. `tick`: `()` or `(senders,)`, 1..15. `axons`: those that the
    receivers have, static.
    """

    pre: str = eqx.field(static=True)
    post: str = eqx.field(static=True)
    axon: Register = register()
    tick: Register = register(1, within=TICKS)
    axons: int = eqx.field(static=True, kw_only=True)

    max_delay = TICKS[1] - 1  # a core keeps as many words of axons, whatever it is sent

    def __check_init__(self):
        if self.axon.ndim != 1 or self.tick.shape not in ((), self.axon.shape):
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
        sent = jax.ops.segment_sum((self.axon >= 0).astype(jnp.zeros(()).dtype), self.axon, self.axons)
        return jnp.zeros(self.axons), sent

    def prepare(self, pre, post, ring, first):
        senders = self.axon.shape[0]
        goes = self.axon >= 0
        place = (self.tick - 1) * ring.width + first + jnp.where(goes, self.axon, 0)
        start = jnp.arange(senders + 1, dtype=jnp.int32)
        return Scattered(Rows(start, place, goes.astype(jnp.int32), ring, 1, senders))

    def describe(self) -> list[str]:
        return [f"Routes of {self.axon.shape[0]} senders to {self.axons} axons, delivery ticks {span(self.tick)}"]


def sent_to(routes: Routes) -> Array:
    """How many destinations each sender has in a group of routes: 0 or 1."""
    return (routes.axon >= 0).astype(jnp.int32)
