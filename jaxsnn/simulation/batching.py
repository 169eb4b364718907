"""How a whole simulation is batched: on a CPU one instance after the other, on accelerators all at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.sharding import AbstractMesh, AxisType
from jax.sharding import PartitionSpec as P
from jaxtyping import Array

from .._types import is_concrete
from .._xla import dispatch


def batched_by_device(
    function: Callable[..., Any],
    differentiated: Callable[..., Any] | None = None,
    batch: Callable[..., Any] | None = None,
) -> Callable[..., Any]:
    """`function` of pytrees, with a batching rule of its own and the derivatives of `differentiated` (by default its
    own), which is the same function, arranged for them; so is `batch`, for a batch on an accelerator.

    Under `vmap` a CPU maps over the arguments that are batched, inside the compiled program: caches stay warm, loops
    over spikes stay loops, and what the batch shares (a graph that depends only on a seed) is not repeated.
    Accelerators batch every operation. The result is the same bit for bit on a CPU. Where the arrays are spread over
    several devices by `jit`, each device runs its own part.
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

        once = lambda f: jax.jit(partial(of_arrays, f or function), inline=True)  # traced once, for each of its uses
        return eqx.combine(_by_device(*map(once, (function, differentiated, batch)))(*flat), static_out[0])

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


def _spread(
    of_size: Callable[[int], Callable[..., Any]], args: tuple[Array, ...], size: int, batched: list[bool]
) -> Callable[..., Any]:
    """A batch divided among the devices that the compiler may use: each runs its own part, and waits for none."""
    mesh = _mesh(args)
    if mesh is None or size % mesh.size != 0:
        return of_size(size)
    every = P(mesh.axis_names)
    specs = tuple(every if b else P() for b in batched)
    return jax.shard_map(of_size(size // mesh.size), mesh=mesh, in_specs=specs, out_specs=every, check_vma=False)


def _by_device(
    function: Callable[..., Any], differentiated: Callable[..., Any], batch: Callable[..., Any]
) -> Callable[..., Any]:
    def together(size: int, batched: list[bool]) -> Callable[..., Any]:
        return jax.vmap(batch, in_axes=[0 if b else None for b in batched], axis_size=size)

    return dispatch(function, together=together, derivative=differentiated, spread=_spread)
