"""How a whole simulation is batched: on a CPU one instance after the other, on accelerators all at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_batching import custom_vmap
from jaxtyping import Array


def batched_by_device(
    function: Callable[..., Any], differentiated: Callable[..., Any] | None = None
) -> Callable[..., Any]:
    """`function` of pytrees, with a batching rule of its own and the derivatives of `differentiated` (by default its
    own), which is the same function, arranged for them.

    Under `vmap` a CPU maps over the arguments that are batched, inside the compiled program: caches stay warm, loops
    over spikes stay loops, and what the batch shares (a graph that depends only on a seed) is not repeated.
    Accelerators batch every operation. The result is the same bit for bit on a CPU.
    """

    def operation(*args: Any) -> Any:
        arrays, rest = eqx.partition(args, eqx.is_array)
        flat, structure = jax.tree.flatten(arrays)
        # keys go in as their words: to be handed to an operation of our own would count as being used up
        kinds = [jax.random.key_impl(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else None for x in flat]
        flat = [x if kind is None else jax.random.key_data(x) for x, kind in zip(flat, kinds, strict=True)]
        static_out: list[Any] = []

        def of_arrays(function: Callable[..., Any], *flat: Array) -> Any:
            back = [x if k is None else jax.random.wrap_key_data(x, impl=k) for x, k in zip(flat, kinds, strict=True)]
            out = function(*eqx.combine(jax.tree.unflatten(structure, back), rest))
            out, static = eqx.partition(out, eqx.is_array)
            static_out[:] = [static]  # the same every time it is traced
            return out

        plain, arranged = (partial(of_arrays, f) for f in (function, differentiated or function))
        return eqx.combine(_by_device(plain, arranged)(*flat), static_out[0])

    return operation


def _by_device(function: Callable[..., Any], differentiated: Callable[..., Any]) -> Callable[..., Any]:
    primal = custom_vmap(function)

    @primal.def_vmap
    def _batched(size: int, batched: list[bool], *args: Array) -> tuple[Any, Any]:
        if not any(batched):
            out = function(*args)
            return out, jax.tree.map(lambda _: False, out)

        def one_by_one(*args: Array) -> Any:
            def one(own: list[Array]) -> Any:
                rest = iter(own)
                # `primal`, not `function`: a second `vmap` around the first finds the same rule
                return primal(*(next(rest) if b else a for a, b in zip(args, batched, strict=True)))

            return lax.map(one, [a for a, b in zip(args, batched, strict=True) if b])

        together = jax.vmap(function, in_axes=[0 if b else None for b in batched], axis_size=size)
        out = lax.platform_dependent(*args, cpu=one_by_one, default=together)
        return out, jax.tree.map(lambda _: True, out)

    @jax.custom_jvp
    def operation(*args: Array) -> Any:
        return primal(*args)

    @operation.defjvp
    def _(primals: tuple[Array, ...], tangents: tuple[Array, ...]) -> tuple[Any, Any]:
        return jax.jvp(differentiated, primals, tangents)

    return operation
