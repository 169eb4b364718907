"""Synapses of SpiNNaker: rows of words with a weight of 16 bits, a delay, a type and a neuron."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..._types import Register, register
from ...connectivity.sparse import Rows
from ...lowering.carriers import Matrix, Scattered
from ...lowering.cells import AbstractCells
from ...lowering.registers import span, whole
from ...lowering.storage import stored
from ...lowering.synapses import AbstractSynapses, check_rows
from .cells import FULL, AbstractRingCells

DELAY = 144  # steps: the documented range


@stored
class RowSynapses(AbstractSynapses):
    """A spike of sender `i` adds the weights of `start[i] : start[i + 1]` to ring buffers of their receivers.

    They land `1 + delay` steps later. All are of one type, excitatory or inhibitory, and none is negative: that of an
    inhibitory synapse is subtracted. A pair may have several.

    **Arguments:** `weight`, `receiver`: `(synapses,)`; weights 0..65535, whose lowest bit is `2^(shift - 15)` of the
    receivers' shift. `start`: `(n_pre + 1,)`, ascending. `delay`: `()` or `(synapses,)`, 0..143 beyond the one step;
    stages of delay populations are part of it. `n_post`, `inhibitory`: static. `longest`: static, the most synapses
    of a sender. `most`: static, the most packets of a sender in a step: 15 of a source, 1 of a neuron.
    """

    pre: str = eqx.field(static=True)
    post: str = eqx.field(static=True)
    weight: Register = register(within=(0, FULL))
    delay: Register = register(0)
    start: Register = register(kw_only=True)
    receiver: Register = register(kw_only=True)
    n_post: int = eqx.field(static=True, kw_only=True)
    longest: int = eqx.field(static=True, kw_only=True)
    max_delay: int = eqx.field(default=0, static=True, kw_only=True)
    inhibitory: bool = eqx.field(default=False, static=True, kw_only=True)
    most: int = eqx.field(default=1, static=True, kw_only=True)

    def __check_init__(self):
        check_rows(self)
        whole(self, most=1)
        if self.max_delay >= DELAY:
            raise ValueError(f"RowSynapses take {self.max_delay + 1} steps; expected {DELAY} at most.")

    def register_ranges(self):
        return {**super().register_ranges(), "receiver": (0, self.n_post - 1), "delay": (0, self.max_delay)}

    @classmethod
    def of(cls, pre: str, post: str, weight: np.ndarray, delay: int = 0, **more) -> "RowSynapses":
        """From a matrix `(senders, receivers)` of whole numbers, 0 where there is no synapse; one delay for all."""
        weight = np.asarray(weight)
        sender, receiver = np.nonzero(weight)
        each = np.bincount(sender, minlength=len(weight))
        start = np.concatenate([[0], np.cumsum(each)])
        shared = dict(n_post=weight.shape[1], longest=max(1, int(each.max(initial=0))), max_delay=delay)
        return cls(pre, post, weight[sender, receiver], delay, start=start, receiver=receiver, **shared, **more)

    @property
    def shape(self):
        return self.start.shape[0] - 1, 2 * self.n_post

    @property
    def total(self) -> Float[Array, " columns"]:
        """What all senders together send to every ring buffer, one packet each."""
        into = self.receiver + (self.n_post if self.inhibitory else 0)
        return jax.ops.segment_sum(self.weight.astype(jnp.zeros(()).dtype), into, 2 * self.n_post)

    def input_bounds(self, pre, post):
        return jnp.zeros(2 * self.n_post), self.most * self.total

    def unsupported(self, post):
        return None if isinstance(post, AbstractRingCells) else f"receivers {type(post).__name__}; use CurrExpCells"

    def takes(self, pre: AbstractCells) -> None:
        """Raises ValueError if senders may send more packets in a step than it takes."""
        if (sends := max(1, 2**pre.message_bits - 1)) > self.most:
            kind = type(self).__name__
            raise ValueError(f"{kind} from {self.pre!r} take {self.most} packets a step; expected most={sends}.")

    def prepare(self, pre, post, ring, first):
        self.takes(pre)
        first += self.n_post if self.inhibitory else 0
        senders = self.start.shape[0] - 1
        if self.delay.ndim == 0 and 20 * self.weight.size > senders * self.n_post:
            each = jnp.arange(self.weight.size, dtype=jnp.int32)
            sender = jnp.searchsorted(self.start, each, side="right").astype(jnp.int32) - 1
            matrix = jnp.zeros((senders, self.n_post), jnp.int32).at[sender, self.receiver].add(self.weight)
            return Matrix(matrix, jnp.int32(0), self.delay, ring, first)
        place = self.delay * ring.width + first + self.receiver
        return Scattered(Rows(self.start, place, self.weight, ring, self.longest))

    def describe(self):
        kind, senders = "inhibitory" if self.inhibitory else "excitatory", self.start.shape[0] - 1
        return [
            f"{self.weight.size} {kind} synapses ({100 * self.weight.size / (senders * self.n_post):.3g} % of "
            f"{senders} x {self.n_post}), weights {span(self.weight)}, delays {span(self.delay)}"
        ]
