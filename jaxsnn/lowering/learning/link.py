"""What makes a link of the graph learn: the rule in its own units, until the scale of the receivers is known."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..._types import is_concrete
from ...networks.projection import Projection
from ...plasticity.base import Chain
from ...plasticity.bounds import Bound
from .stdp import Mapped, learns, parts_of

_APART = 0.05  # how far apart, relatively, what a unit of weight is worth to receivers may lie


class LearningLink(eqx.Module):
    """A rule, and what passes have made of it.

    `unit`: what a unit of the rule's weight adds to `v`, `()` or one a receiver: the gains that passes fold into the
    weights of other links. `displaced`: as of `learns`, steps; before `MapDelays` the axonal less the dendritic delay.
    """

    rule: Chain
    unit: Float[Array, "..."]
    displaced: Int[Array, ""]

    @classmethod
    def of(cls, name: str, p: Projection) -> LearningLink:
        """Of a plastic projection. **Raises:** ValueError for what the engine cannot have."""
        assert p.plastic is not None
        try:
            _, bound = parts_of(p.plastic.rule)
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
        bound = parts_of(self.rule)[1]
        assert bound is not None
        return bound

    def times(self, gain: Array) -> LearningLink:
        """A unit of weight is worth so much more."""
        return LearningLink(self.rule, self.unit * gain, self.displaced)

    def seen(self, displaced: Array) -> LearningLink:
        """The engine sees receivers' spikes by so many steps later than they meet the senders'."""
        return LearningLink(self.rule, self.unit, displaced)

    @property
    def worth(self) -> Float[Array, ""]:
        """What a unit of weight is worth to every receiver: one rule serves them all."""
        return jnp.mean(self.unit)

    @property
    def spread(self) -> Float[Array, ""]:
        """How far receivers are from that, relatively."""
        return jnp.max(jnp.abs(self.unit / self.worth - 1.0))

    def largest(self) -> Float[Array, ""]:
        """The largest weight that can be learned, of either sign, in the unit of `v`."""
        return jnp.maximum(self.bound.hi, -self.bound.lo) * self.worth

    def per_unit(self, scale: Array, exponent: Array) -> Float[Array, ""]:
        """How many mantissas a unit of weight is, of cells of this scale."""
        return self.worth * scale * jnp.exp2(-(6.0 + exponent.astype(scale.dtype)))

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
            return learns(self.rule, dt, scale=self.per_unit(scale, exponent), displaced=self.displaced)
        except ValueError as error:
            raise ValueError(f"Projection {name!r}: {error}") from None


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
