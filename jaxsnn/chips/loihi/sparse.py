"""Sparse synapses on a chip: a list for every sender, of which a step reads only those of senders that fired."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..._types import Checked, Register, is_concrete, register
from ...lowering.carriers import Listed, carried
from ...lowering.registers import span
from ...lowering.storage import stored
from ...lowering.synapses import check_rows
from .cells import core_of
from .cores import AbstractSign, SignedWeights
from .synapses import EXPONENT, AbstractFormatted, Synapses, format_text, one_number


@stored
class SparseSynapses(AbstractFormatted):
    """As `Synapses`, but only those that exist: a sender's are `start[i] : start[i + 1]` of the lists.

    **Arguments:** `start`: `(n_pre + 1,)`, ascending. `receiver`, `weight`: `(synapses,)`, receivers and mantissas.
    `delay`: `()` or `(synapses,)`. `n_post`: static. `longest`: static, the most synapses that a sender has. Others:
    as `Synapses`.
    """

    pre: str = eqx.field(static=True)
    post: str = eqx.field(static=True)
    weight: Register = register()
    exponent: Register = register(0, within=EXPONENT)
    bits: Register = register(8, within=(0, 8))
    sign: AbstractSign = eqx.field(default_factory=SignedWeights)
    delay: Register = register(0)
    start: Register = register(kw_only=True)
    receiver: Register = register(kw_only=True)
    n_post: int = eqx.field(static=True, kw_only=True)
    longest: int = eqx.field(static=True, kw_only=True)
    max_delay: int = eqx.field(default=0, static=True, kw_only=True)

    def __check_init__(self):
        check_rows(self)
        one_number(self, "exponent", "bits")
        if is_concrete(self.start):
            Checked.__check_init__(self)
            if is_concrete(self.receiver):
                each = np.diff(np.asarray(self.start))
                pair = np.repeat(np.arange(len(each)), each) * self.n_post + np.asarray(self.receiver)
                if len(np.unique(pair)) < len(pair):
                    raise ValueError("SparseSynapses has several synapses of a pair; add their weights up.")

    def register_ranges(self):
        return {**super().register_ranges(), "receiver": (0, self.n_post - 1)}

    @classmethod
    def of(cls, synapses: Synapses, exists: np.ndarray) -> "SparseSynapses":
        """Those synapses of a concrete matrix that exist."""
        i, j = np.nonzero(exists)
        each = np.bincount(i, minlength=len(exists))
        return cls(
            synapses.pre,
            synapses.post,
            start=np.concatenate([[0], np.cumsum(each)]).astype(np.int32),
            receiver=j.astype(np.int32),
            weight=synapses.weight[i, j],
            exponent=synapses.exponent,
            bits=synapses.bits,
            sign=synapses.sign,
            delay=synapses.delay[i, j] if synapses.delay.ndim else synapses.delay,
            n_post=exists.shape[1],
            longest=max(1, int(each.max(initial=0))),
            max_delay=synapses.max_delay,
        )

    @property
    def shape(self):
        return self.start.shape[0] - 1, self.n_post

    def total(self, x):
        return jax.ops.segment_sum(x, self.receiver, self.n_post)

    def listed(self, weight: Array) -> Listed:
        """These synapses, with what spikes of them add."""
        return Listed(self.start, self.receiver, weight, self.delay, self.n_post, self.longest, self.max_delay)

    def prepare(self, pre, post, ring, first):
        weight, exponent = self.carried(core_of(post))
        return carried(self.listed(weight), exponent, ring, first)

    def matrix(self) -> Synapses:
        """The same as a matrix, with weights of 0 where there is no synapse. Works on traced numbers too."""
        sender, shape = self.listed(self.weight).sender, self.shape
        spread = lambda x: jnp.zeros(shape, jnp.int32).at[sender, self.receiver].set(x)
        return Synapses(
            self.pre,
            self.post,
            spread(self.weight),
            self.exponent,
            self.bits,
            self.sign,
            spread(self.delay) if self.delay.ndim else self.delay,
            max_delay=self.max_delay,
        )

    def describe(self):
        n_pre, count = self.start.size - 1, self.weight.size
        kind = format_text(self.sign, self.weight, self.exponent)
        share = 100 * count / max(n_pre * self.n_post, 1)
        return [
            f"a list of {count} synapses ({share:.3g} % of {n_pre} x {self.n_post}), {kind}, {self.bits} "
            f"bits, delay {span(self.delay)}"
        ]
