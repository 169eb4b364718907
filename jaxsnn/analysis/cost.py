"""The cost of an inference by the definitions of NeuroBench: operations that are not multiplied by zero.

**Reference:** Yik et al., NeuroBench, Nature Communications 16:1545 (2025); its harness counts as is done here.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import _sums
from .._types import is_concrete
from .rasters import count


def synaptic_operations(active: Float[Array, "... pre"], weight: Float[Array, "pre post"]) -> Float[Array, "..."]:
    """Operations of a projection: for every active sender its weights that are not zero; biases do not count.

    Accumulates (ACs) if what is sent is a spike, multiply-accumulates (MACs) if it is another number.

    **Arguments:** `active`: in how many steps each sender sent something that is not zero. `weight`: shape (pre, post).
    """
    if jnp.ndim(weight) != 2 or jnp.shape(active)[-1:] != jnp.shape(weight)[:1]:
        raise ValueError(
            f"synaptic_operations: active of shape {jnp.shape(active)} and weight of {jnp.shape(weight)}: expected "
            "(..., pre) and (pre, post)."
        )
    return active @ jnp.sum(weight != 0, axis=1).astype(active.dtype)


def activation_sparsity(active: Float[Array, "... n"], steps: int) -> Float[Array, ""]:
    """The part of all neurons, steps and examples without a spike: `1 - active / all`, one number for all of them.

    **Arguments:** `active`: in how many of the `steps` steps each neuron fired.
    """
    count(steps, "activation_sparsity", "steps")
    if is_concrete(active) and not bool(jnp.all((active >= 0) & (active <= steps))):
        raise ValueError(f"activation_sparsity: active steps lie outside 0 .. {steps}: expected their number a neuron.")
    return 1.0 - _sums.over(active.reshape(-1)) / (active.size * steps)


def parameter_count(learnt: Any) -> int:
    """How many numbers are learnt. `learnt`: e.g. `estimator.parameters(net)`."""
    return sum(x.size for x in jax.tree.leaves(eqx.filter(learnt, eqx.is_inexact_array)))


def footprint(learnt: Any) -> int:
    """Bytes of the numbers that are learnt. `learnt`: e.g. `estimator.parameters(net)`."""
    return sum(x.nbytes for x in jax.tree.leaves(eqx.filter(learnt, eqx.is_inexact_array)))
