"""What makes edges of the graph learn: the rule in its own units, until the scale of the receivers is known."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ...._types import as_integer, is_concrete
from ....lowering.graph import Value
from ....lowering.pairs import pairs_of
from ....lowering.rules import AbstractScaledRuleNode
from ....networks.projection import Projection
from ....plasticity.base import Chain
from ....plasticity.bounds import Bound
from ..cores import Excitatory, Inhibitory
from ..formats import UNIT, StoredWeights
from .mapped import Mapped
from .stdp import ENGINE, learning_rule_for, sign_within

_APART = 0.05  # how far apart, relatively, what a unit of weight is worth to receivers may lie


_LEARNED = 255.0  # the largest mantissa that can be learned


class RuleNode(AbstractScaledRuleNode):
    """A rule, and what passes have made of it.

    `unit`: what a unit of the rule's weight adds to `v`, `()` or one a receiver: the gains that passes fold into the
    weights of other edges. `time_shift`: as of `learning_rule_for`, steps; before `MapDelays` the axonal less the
    dendritic delay.
    """

    rule: Chain
    unit: Float[Array, "..."]
    time_shift: Int[Array, ""]

    @classmethod
    def of(cls, name: str, p: Projection) -> RuleNode:
        """Of a plastic projection. **Raises:** ValueError for what the engine cannot have."""
        assert p.plastic is not None
        try:
            bound = pairs_of(p.plastic.rule, ENGINE).bound
        except ValueError as error:
            raise ValueError(f"Projection {name!r}: {error}") from None
        if bound is None:
            raise ValueError(
                f"Projection {name!r} learns without a Bound, and on the chip a weight has 8 bits; use "
                "chain(rule, Bound(lo, hi))."
            )
        axonal = _one(name, p.plastic.axonal)
        whole = np.int32(0) if p.delay is None else _one(name, p.delay)
        return cls(p.plastic.rule, jnp.ones(()), 2 * axonal - whole)

    @property
    def bound(self) -> Bound:
        """Of the weights, in the rule's unit."""
        bound = pairs_of(self.rule, ENGINE, traced=True).bound
        assert bound is not None
        return bound

    @property
    def sign(self) -> int:
        mode = sign_within(self.bound)
        return 1 if isinstance(mode, Excitatory) else -1 if isinstance(mode, Inhibitory) else 0

    def times(self, gain):
        return RuleNode(self.rule, self.unit * gain, self.time_shift)

    def shifted(self, time_shift):
        return RuleNode(self.rule, self.unit, time_shift)

    @property
    def gain(self) -> Float[Array, ""]:
        """What a unit of weight adds to every receiver: one rule serves them all."""
        return jnp.mean(self.unit)

    @property
    def spread(self) -> Float[Array, ""]:
        """How far receivers are from that, relatively."""
        return jnp.max(jnp.abs(self.unit / self.gain - 1.0))

    def largest(self):
        return jnp.maximum(self.bound.hi, -self.bound.lo) * self.gain

    def input_bounds(self):
        ends = jnp.minimum(self.bound.lo, 0.0), jnp.maximum(self.bound.hi, 0.0)
        low, high = (end * self.gain for end in ends)
        return low, high

    def best_scales(self, largest):
        full = self.largest() / (_LEARNED * UNIT)
        exponent = jnp.clip(jnp.floor(jnp.log2(largest * full)), -8.0, 7.0)
        return jnp.minimum(jnp.exp2(exponent) / full, largest)

    def rounding_error(self, scale):
        most = self.largest()
        end = _LEARNED * jnp.exp2(_exponent(most * scale)) * UNIT / scale
        return end / jnp.maximum(most, 1e-30) - 1.0

    def quantised(self, weight, scale, sign):
        wanted = weight * self.gain * scale
        exponent = _exponent(self.largest() * scale)
        step = 1 + int(sign == 0)  # where both signs are stored, mantissas start even
        rounded = step * jnp.round(wanted / (UNIT * jnp.exp2(exponent) * step))
        most = _LEARNED - int(sign == 0)
        whole = jnp.clip(rounded, -most, most).astype(jnp.int32)
        form = StoredWeights(as_integer(8), exponent.astype(jnp.int32), jnp.int32(0), jnp.float32(most), sign)
        return {"weight": Value(whole, form)}, wanted, form.value(whole), jnp.abs(rounded) > most

    def counts(self):
        return {"receivers' gains, largest relative error": self.spread} if self.unit.ndim else {}

    def per_unit(self, scale, edge):
        return self.mantissas_a_unit(scale, edge.values["weight"].format.exponent)

    def mantissas_a_unit(self, scale: Array, exponent: Array) -> Float[Array, ""]:
        """How many mantissas a unit of weight is, of cells of this scale."""
        return self.gain * scale * jnp.exp2(-(6.0 + exponent.astype(scale.dtype)))

    def data(self, name, edge, scale, dt):
        exponent = edge.values["weight"].format.exponent
        data = self.mapped(name, edge.post, scale, exponent, dt).data
        if int(exponent) < 0:
            data["notes"].append(
                f"a spike adds a multiple of {2 ** -int(exponent)} mantissas, rounded down: inputs are multiples of 2^6"
            )
        return data

    def __str__(self) -> str:
        return ", ".join(type(part).__name__ for part in self.rule.parts)

    def mapped(self, name: str, post: str, scale: Array, exponent: Array, dt: float) -> Mapped:
        """The rule on the engine, for cells of this scale. **Raises:** ValueError where one rule does not serve all."""
        if self.unit.ndim and not is_concrete(self.unit):
            raise ValueError(
                f"Projection {name!r} learns, and while tracing it is not known whether one rule serves all of "
                f"{post!r}, whose decays or gains may differ; give them one number, or lower outside jit."
            )
        if is_concrete(self.spread) and float(self.spread) > _APART:
            raise ValueError(
                f"Projection {name!r} learns, and what its weights are worth to {post!r} differs by "
                f"{100 * float(self.spread):.0f} %, but one rule serves all its synapses; give {post!r} one decay and "
                "gain, or make a population of each kind."
            )
        try:
            scale = self.mantissas_a_unit(scale, exponent)
            return learning_rule_for(self.rule, dt, scale=scale, time_shift=self.time_shift)
        except ValueError as error:
            raise ValueError(f"Projection {name!r}: {error}") from None


def _exponent(largest: Array) -> Array:
    """The exponent with which the largest scaled weight that can be learned fills its mantissa, below 0 too."""
    units = jnp.maximum(largest / UNIT, 1e-30)
    return jnp.clip(jnp.ceil(jnp.log2(units / (_LEARNED + 0.499))), -8.0, 7.0)


def _one(name: str, delay: Array) -> Any:
    """The delay that all synapses share; in NumPy where it is known, so that it is while tracing, too."""
    if delay.size == 0:
        return np.int32(0)
    if delay.ndim == 0:
        return np.asarray(delay) if is_concrete(delay) else delay
    if not is_concrete(delay) or np.ptp(np.asarray(delay)) > 0:
        given = f"{np.min(delay)} to {np.max(delay)} steps" if is_concrete(delay) else "traced delays"
        raise ValueError(
            f"Projection {name!r} learns with delays of {given}, and synapses that learn share one; use one delay, or "
            "a projection for each."
        )
    return np.asarray(delay).reshape(-1)[0]
