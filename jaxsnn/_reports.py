"""Status bits on their way out of a compiled program, whatever the transformations around the run that set them."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array

# The identity of a run's status and of its results, an operation of its own so that a program can be searched for it.
# It is as alive as the results are: a run whose results nobody uses is not reported. Compiled, nothing of it is left.
report_p = Primitive("status_report")
report_p.multiple_results = True
report_p.def_impl(lambda *numbers: list(numbers))
report_p.def_abstract_eval(lambda *numbers: list(numbers))
ad.primitive_jvps[report_p] = lambda primals, tangents: (report_p.bind(*primals), list(tangents))
batching.primitive_batchers[report_p] = lambda numbers, axes: (report_p.bind(*numbers), list(axes))
mlir.register_lowering(report_p, lambda _, *numbers: numbers)


def reported(status: Array, results: Any) -> Any:
    """`results` (a pytree), bound to the `status` of the run they come from: `sweep` finds it there by itself."""
    marked = lambda x: eqx.is_array(x) and not jnp.issubdtype(x.dtype, jax.dtypes.prng_key)  # a key would be used up
    numbers, rest = eqx.partition(results, marked)
    leaves, structure = jax.tree.flatten(numbers)
    _, *leaves = report_p.bind(status, *leaves)
    return eqx.combine(jax.tree.unflatten(structure, leaves), rest)
