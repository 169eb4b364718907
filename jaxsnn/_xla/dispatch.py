"""An operation with different programs for CPUs and accelerators, one instance and a batch, and with its derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from jax import lax
from jax.custom_batching import custom_vmap
from jaxtyping import Array

from .platforms import by_platform

Operation = Callable[..., Any]  # of arrays; returns a pytree of arrays


def dispatch(
    one: Operation,
    *,
    together: Callable[[int, list[bool]], Operation],
    derivative: Operation,
    each: Operation | None = None,
    spread: Callable[[Callable[[int], Operation], tuple[Array, ...], int, list[bool]], Operation] = (
        lambda of_size, args, size, batched: of_size(size)
    ),
) -> Operation:
    """`one`, with a batching rule and a derivative of its own.

    Under `vmap` a CPU maps over the batched arguments inside the compiled program (`lax.map`), so that loops over
    spikes stay loops and what the batch shares is not repeated; an accelerator runs one program for the whole batch.
    A `while_loop` under plain `vmap` would select over its whole carry instead.

    The order of wrapping matters: `custom_vmap` alone has no reverse mode, so a custom derivative surrounds it.

    **Arguments:** `together(size, batched)`: the program of a batch on accelerators. `derivative`: the function that is
    differentiated. `each`: one member of a batch on a CPU; by default this operation itself, so that a second `vmap`
    finds the same rule. `spread(of_size, args, size, batched)`: how a batch is divided over devices, each
    of which runs the program of a size.
    """
    primal = custom_vmap(one)

    @primal.def_vmap
    def _batched(size: int, batched: list[bool], *args: Array) -> tuple[Any, Any]:
        if not any(batched):  # reached when a transform batches something else around it
            out = one(*args)
            return out, jax.tree.map(lambda _: False, out)

        def mapped(*args: Array) -> Any:
            def member(own: list[Array]) -> Any:
                rest = iter(own)
                return (each or primal)(*(next(rest) if b else a for a, b in zip(args, batched, strict=True)))

            return lax.map(member, [a for a, b in zip(args, batched, strict=True) if b])

        ways = (lambda _: mapped), (lambda size: together(size, batched))
        cpu, other = (spread(of_size, args, size, batched) for of_size in ways)
        out = by_platform(*args, cpu=cpu, default=other)
        return out, jax.tree.map(lambda _: True, out)

    @jax.custom_jvp
    def operation(*args: Array) -> Any:
        return primal(*args)

    @operation.defjvp
    def _(primals: tuple[Array, ...], tangents: tuple[Array, ...]) -> tuple[Any, Any]:
        return jax.jvp(derivative, primals, tangents)

    return operation
