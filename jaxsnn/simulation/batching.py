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
from jax.sharding import AbstractMesh, AxisType
from jax.sharding import PartitionSpec as P
from jaxtyping import Array

from .._types import is_concrete


def batched_by_device(
    function: Callable[..., Any], differentiated: Callable[..., Any] | None = None
) -> Callable[..., Any]:
    """`function` of pytrees, with a batching rule of its own and the derivatives of `differentiated` (by default its
    own), which is the same function, arranged for them.

    Under `vmap` a CPU maps over the arguments that are batched, inside the compiled program: caches stay warm, loops
    over spikes stay loops, and what the batch shares (a graph that depends only on a seed) is not repeated.
    Accelerators batch every operation. The result is the same bit for bit on a CPU. Where the arrays are spread over
    several CPU devices by `jit`, each device maps over its own part.
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


def misplaced(error: Exception, *trees: Any) -> ValueError | None:
    """What to do instead, if an error comes from how the arrays of `trees` are spread over devices."""
    meshes = [jax.typeof(x).sharding.mesh for x in jax.tree.leaves(trees) if not is_concrete(x)]
    kinds = {kind for mesh in meshes for kind in mesh.axis_types if mesh.size > 1}
    if not kinds & {AxisType.Explicit, AxisType.Manual}:
        return None
    return ValueError(
        "simulate cannot be traced with arrays whose types name the devices that they are on: inside jax.shard_map, "
        "give it check_vma=False; without it, wrap the batch in jax.shard_map(..., check_vma=False), or make the mesh "
        f"with axis_types=AxisType.Auto. ({type(error).__name__}: {str(error).partition(chr(10))[0][:200]})"
    )


def _mesh(args: tuple[Array, ...]) -> AbstractMesh | None:
    """The devices among which the compiler is free to divide a batch, if there are several."""
    for mesh in (jax.typeof(x).sharding.mesh for x in args):
        if mesh.size > 1 and {*mesh.axis_types} == {AxisType.Auto}:
            return mesh
    return None


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

        if (mesh := _mesh(args)) is not None and size % mesh.size == 0:
            every = P(mesh.axis_names)  # each device maps over its own part
            specs = tuple(every if b else P() for b in batched)
            one_by_one = jax.shard_map(one_by_one, mesh=mesh, in_specs=specs, out_specs=every, check_vma=False)
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
