"""Refuse a derivative where there is none: JAX's would be zero, in silence."""

from __future__ import annotations

import functools
from typing import Any, TypeVar

import equinox as eqx
import jax
from jax.custom_derivatives import SymbolicZero

from ._types import is_concrete

T = TypeVar("T")


def without_derivative(tree: T, why: str) -> T:
    """`tree`, of which nothing can be differentiated: `jax.grad` with respect to any number in it says `why`.

    What is concrete stays so. **Raises:** ValueError, while a derivative is taken. What goes through
    `jax.lax.stop_gradient` before needs none.
    """
    traced, rest = eqx.partition(tree, lambda x: eqx.is_inexact_array(x) and not is_concrete(x))
    return eqx.combine(_refusing(traced, why), rest) if jax.tree.leaves(traced) else tree


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def _refusing(traced: Any, why: str) -> Any:
    return traced


@functools.partial(_refusing.defjvp, symbolic_zeros=True)
def _(why: str, primals: Any, tangents: Any) -> Any:
    if not all(isinstance(x, SymbolicZero) for x in jax.tree.leaves(tangents)):
        raise ValueError(f"No derivative: {why}. Where none is needed, give it jax.lax.stop_gradient(...).")
    return *primals, *tangents
