"""The values of the names of a model, in a state of its neuron."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .expressions import Expression, value
from .functions import number
from .model import Model
from .units import resolved


class Names:
    """The values of names in a state: variables, parameters, subexpressions, and what is given beside them."""

    def __init__(self, neuron: eqx.Module, model: Model, s: Any, **given: Any):
        self.neuron, self.model, self.s, self.seen = neuron, model, s, given

    def __call__(self, name: str) -> Any:
        if name not in self.seen:
            self.seen[name] = self._found(name)
        return self.seen[name]

    def _found(self, name: str) -> Any:
        if name in self.s._fields:
            return getattr(self.s, name)
        if name in self.model.subexpressions:
            return self.of(self.model.subexpressions[name])
        if name in self.model.parameters:
            return getattr(self.neuron, name)
        known = resolved(name)
        assert known is not None, name
        return known[0]

    def of(self, expression: Expression) -> Any:
        """The value of an expression."""
        return value(expression.node, self)

    def shaped(self, expression: Expression) -> Float[Array, "..."]:
        """The value of an expression as numbers, one a neuron."""
        return self.full(self.of(expression))

    def full(self, x: Any) -> Float[Array, "..."]:
        """A value as numbers, one a neuron."""
        like = self.s[0]  # any variable
        return jnp.broadcast_to(jnp.asarray(number(x), like.dtype), like.shape)
