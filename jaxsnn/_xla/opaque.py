"""Values that the compiler cannot fold or fuse."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.custom_batching import custom_vmap

from .._types import canonical_float

SMALL = 2**16  # larger arrays are weights and the like; XLA folds no function of them alone


def opaque(tree: Any) -> Any:
    """Every array of `tree`, opaque to the compiler; the derivative is that of the identity.

    A parameter that happens to be a constant of the program would otherwise be folded, with other roundings than a
    traced one, and the trajectory of a sweep's point would differ from the same point run alone. On a CPU, XLA removes
    its own barrier before it compiles loops, where LLVM then folds single constants; so the numbers are slices of one
    array, which LLVM does not look into.
    """
    # keys have no roundings, and a barrier counts as a use of them (jax_debug_key_reuse)
    numbers, rest = eqx.partition(tree, eqx.is_inexact_array)
    others, rest = eqx.partition(rest, lambda x: eqx.is_array(x) and not jnp.issubdtype(x.dtype, jax.dtypes.prng_key))
    leaves, structure = jax.tree.flatten(numbers)
    numbers = jax.tree.unflatten(structure, _identity(*leaves) if leaves else [])
    return eqx.combine(numbers, lax.optimization_barrier(others), rest)


def _packed(*leaves: jax.Array) -> list[jax.Array]:
    """Small arrays as parts of one, for each set of devices its own: one of all of them would be on all devices."""
    alike: dict[Any, list[int]] = {}
    for i, x in enumerate(leaves):
        if x.dtype == canonical_float() and x.size <= SMALL:
            alike.setdefault(jax.typeof(x).sharding.mesh, []).append(i)
    parts = [[jnp.array([0, 1, 0], canonical_float()), *(leaves[i].reshape(-1) for i in at)] for at in alike.values()]
    packed, out = lax.optimization_barrier(([jnp.concatenate(each) for each in parts], list(leaves)))  # not all equal
    for at, each, whole in zip(alike.values(), parts, packed, strict=True):
        ends = np.cumsum([len(part) for part in each])
        for i, begin, end in zip(at, ends[:-1], ends[1:], strict=True):
            out[i] = whole[begin:end].reshape(out[i].shape)
    return out


_shared = custom_vmap(_packed)


@_shared.def_vmap
def _batched(size: int, batched: list[bool], *leaves: jax.Array) -> tuple[list[jax.Array], list[bool]]:
    """Packs batched and unbatched leaves separately. In one array, `vmap` would batch the shared weights too, and every
    example would carry its own copy of them and of their gradient, `(examples, pre, post)` numbers in every step."""
    own, shared = ([x for x, b in zip(leaves, batched) if b == wanted] for wanted in (True, False))
    own, shared = iter(jax.vmap(_packed)(*own)), iter(_shared(*shared))
    return [next(own if b else shared) for b in batched], batched


@jax.custom_jvp
def _identity(*leaves: jax.Array) -> list[jax.Array]:
    return _shared(*leaves)


@_identity.defjvp
def _(primals: Any, tangents: Any) -> Any:
    return _identity(*primals), list(tangents)


def apart(x: Any) -> Any:
    """XLA's own barrier: nothing is folded or fused across it. On a CPU it holds outside of loops only."""
    return lax.optimization_barrier(x)
