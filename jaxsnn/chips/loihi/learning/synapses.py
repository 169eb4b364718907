"""Synapses that learn on the chip: a matrix whose weights are state, changed by the engine after they were read."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Int

from ...._types import Register, Requirement, check, register
from ....connectivity.dense import many_rows_of
from ....connectivity.ring import Ring
from ....lowering.integers import shift
from ....lowering.registers import span
from ....lowering.storage import stored
from ....lowering.synapses import AbstractCarrier
from ..cells import core_of
from ..cores import AbstractSign, Core, ShiftAfterSum, SignedWeights
from ..synapses import EXPONENT, LoihiSynapses, format_text, graded_bounds, one_number
from .engine import DELAYS, TAGS, LearningState, LoihiRule


def _mask(value: Any) -> Array | None:
    return None if value is None else jnp.asarray(value, bool)


@stored
class LearningSynapses(LoihiSynapses):
    """A matrix of synapses under a `LoihiRule`; a spike adds `w 2^(6 + exponent)`, `w` as it was before the step.

    **Arguments:** as `Synapses`, and `rule`; `tag`, `learned`: where tags and learned delays start, `()` or as
    `weight`, which starts even where both signs are stored (`SignedWeights()`); learning may make it odd, as in Lava.
    `delay`: of every spike, steps, `()`. `exists`: which pairs have a synapse, None for all. While it runs, `"name.w"`,
    `"name.t"`, `"name.d"`, `"name.x1"` ... can be recorded.
    """

    pre: str = eqx.field(static=True)
    post: str = eqx.field(static=True)
    weight: Register = register()
    rule: LoihiRule = eqx.field(kw_only=True)
    exponent: Register = register(0, within=EXPONENT)
    sign: AbstractSign = eqx.field(default_factory=SignedWeights)
    tag: Register = register(0, within=TAGS)
    learned: Register = register(0, within=DELAYS)
    delay: Register = register(0)
    max_delay: int = eqx.field(default=0, static=True, kw_only=True)
    learned_variable = "w"
    exists: Array | None = eqx.field(default=None, converter=_mask, kw_only=True)

    def __check_init__(self):
        if not isinstance(self.rule, LoihiRule):
            raise ValueError(f"LearningSynapses.rule is {self.rule!r}; expected a LoihiRule(...).")
        if self.weight.ndim != 2:
            raise ValueError(f"LearningSynapses.weight has shape {self.weight.shape}; expected (n_pre, n_post).")
        one_number(self, "exponent")
        if self.delay.ndim:
            raise ValueError(f"LearningSynapses.delay has shape {self.delay.shape}; expected one for all synapses.")
        for name in ("tag", "learned"):
            shape = getattr(self, name).shape
            if shape not in ((), self.weight.shape):
                raise ValueError(f"LearningSynapses.{name} has shape {shape}; expected () or {self.weight.shape}.")
        if self.exists is not None:
            exists = self.exists
            if exists.shape != self.weight.shape:
                raise ValueError(f"LearningSynapses.exists has shape {exists.shape}; expected {self.weight.shape}.")
            check(lambda: exists | (self.weight == 0), "LearningSynapses.weight is not 0 where there is no synapse.")

    def requirements(self):
        low, high = self.sign.widest
        even = Requirement(
            lambda: self.weight % (1 + self.sign.sign_bits) == 0,  # a weight starts even where a bit has the sign
            lambda: (
                f"LearningSynapses.weight has mantissas that {type(self.sign).__name__}() does not store; expected "
                f"even whole numbers from {low} to {high}."
            ),
        )
        return (*super().requirements(), even)

    def register_ranges(self):
        return {**super().register_ranges(), "weight": self.sign.widest, "delay": (0, self.max_delay)}

    def mantissas(self, core):
        return self.weight, self.sign.range(core)

    @property
    def shape(self):
        return self.weight.shape

    def init(self) -> LearningState:
        return self.rule.init(self.weight, self.tag, self.learned)

    def learned_weights(self, s):
        return s.w.reshape(-1) if self.exists is None else s.w[np.asarray(self.exists)]

    def input_bounds(self, pre, post):
        """Of all weights that can be learned."""
        n_pre, n_post = self.weight.shape
        count = jnp.full(n_post, n_pre) if self.exists is None else jnp.sum(self.exists, axis=0)
        ends = _most(count, self.sign, self.exponent, core_of(post))
        return graded_bounds(*ends, self.exponent, pre.message_bits)

    def prepare(self, pre, post, ring, first):
        return LearningMatrix(self, core_of(post), ring, first)

    def describe(self):
        size = " x ".join(map(str, self.weight.shape))
        some = "" if self.exists is None else f", of which {int(np.sum(np.asarray(self.exists)))} exist"
        form = format_text(self.sign, self.weight, self.exponent)
        kind = f"synapses that learn, {size}{some}, {form} at the start, 8 bits, delay {span(self.delay)}"
        return [kind, *self.rule.describe()]


def _most(count: Array, sign: AbstractSign, exponent: Array, core: Core) -> tuple[Array, Array]:
    """The least and the most that `count` synapses of a receiver add, whatever they learn, in units of 2^6."""
    (low, high), count = sign.range(core), count.astype(jnp.int32)  # the exponent rounds down, each weight or the sum
    return count * shift(jnp.int32(low), exponent), shift(count * high, exponent)


class LearningMatrix(AbstractCarrier):
    """Ready to run."""

    group: LearningSynapses
    core: Core
    ring: Ring = eqx.field(static=True)
    first: int = eqx.field(static=True)

    def send(self, s: LearningState, buffer: Int[Array, " ring"], spikes: Int[Array, " pre"], t: Array):
        exponent = self.group.exponent
        of_sum = lambda w: shift(many_rows_of(spikes, w), exponent)
        each = lambda w: many_rows_of(spikes, shift(w, exponent))  # loses bits of every weight where it is negative
        a = of_sum(s.w) if isinstance(self.core.scaling, ShiftAfterSum) else lax.cond(exponent >= 0, of_sum, each, s.w)
        return self.ring.add(buffer, t + 1 + self.group.delay, self.first, a)

    def learn(self, s, pre, post, modulators, t, *, stream):
        bounds, exists = self.group.sign.range(self.core), self.group.exists
        s = self.group.rule.step(s, pre != 0, post != 0, modulators, t, range=bounds, stream=stream)
        return s if exists is None else s._replace(w=jnp.where(exists, s.w, 0))
