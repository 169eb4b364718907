"""Operations on a batch with a program of their own for GPUs, which is traced only where it is compiled for one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Primitive
from jax.interpreters import batching, mlir
from jaxtyping import Array

Batched = Callable[..., list[Array]]  # (*arrays, size=, **static): arrays have a leading axis of 1 (shared) or `size`


def kernel(
    name: str, plain: Batched, gpu: Batched, widths: Callable[..., tuple[int, ...]], *, open_ended: bool = False
) -> Batched:
    """`plain`, an operation on a batch, as `gpu` on an NVIDIA card.

    Both are functions of the same arrays, each with a leading axis of 1 (shared by the batch) or `size`, and of static
    keyword arguments. Results have the shapes `(size, width)` of `widths(**static)` and the type of the first array.
    There is no derivative. What is not compiled for a card does not import the language of its kernels. Nothing, and
    more than 2^31 numbers, are left to `plain`; so is, from JAX 0.11 on, what is compiled for a card of no known kind;
    and with `open_ended`, of operations that hold a user's functions, what the language of kernels cannot say. A line
    of the log says so.
    """
    made = Primitive(name)
    made.multiple_results = True
    made.def_impl(plain)

    @made.def_abstract_eval
    def _(first: Any, *_: Any, size: int, **static: Any) -> list[Any]:
        return [first.update(shape=(size, width), weak_type=False) for width in widths(**static)]

    def on_card(*args: Array, **static: Any) -> list[Array]:
        fits = all(0 < x.size < 2**31 for x in args) and all(widths(**{k: v for k, v in static.items() if k != "size"}))
        return (gpu if fits else plain)(*args, **static)

    lowered, kernels = (mlir.lower_fun(f, multiple_results=True) for f in (plain, on_card))

    def for_card(*args: Any, **static: Any) -> Any:
        try:
            return kernels(*args, **static)
        except Exception as error:
            unknown = isinstance(error, RuntimeError) and "GPU" in str(error)
            if not (unknown or open_ended):
                raise
            logging.getLogger("jaxsnn").info("%s is left to XLA: %s", name, error)
            return lowered(*args, **static)

    mlir.register_lowering(made, lowered)
    mlir.register_lowering(made, for_card, platform="cuda")

    def batch(args: Sequence[Array], axes: Sequence[int | None], *, size: int, **static: Any) -> Any:
        """A batch of batches is one larger batch."""
        (more,) = {x.shape[axis] for x, axis in zip(args, axes, strict=True) if axis is not None}

        def together(x: Array, axis: int | None) -> Array:
            if axis is None and x.shape[0] == 1:
                return x
            x = jnp.broadcast_to(x, (more, *x.shape)) if axis is None else jnp.moveaxis(x, axis, 0)
            x = jnp.broadcast_to(x, (more, size, *x.shape[2:]))
            return x.reshape(more * size, *x.shape[2:])

        out = made.bind(*map(together, args, axes), size=more * size, **static)
        return [x.reshape(more, size, *x.shape[1:]) for x in out], [0] * len(out)

    batching.primitive_batchers[made] = batch
    return lambda *args, **static: made.bind(*args, **static)


def by_device(cpu: Callable[..., Any], accelerator: Callable[..., Any], *args: Any) -> Any:
    """`cpu(*args)`, or `accelerator(*args)`; its derivative is that of the former."""

    @jax.custom_jvp
    def operation(*args: Any) -> Any:
        return lax.platform_dependent(*args, cpu=lambda *x: cpu(*x), default=lambda *x: accelerator(*x))

    operation.defjvp(lambda primals, tangents: jax.jvp(cpu, primals, tangents))
    return operation(*args)


@jax.custom_jvp
def written(tree: Any) -> Any:
    """The same values. On accelerators they are written to memory, where whatever is computed from them reads them.

    XLA computes spikes again for all that is made of them; it then needs the state before the step, which it copies.
    """
    leaves, structure = jax.tree.flatten(tree)
    barred = lambda *x: lax.optimization_barrier(x)
    return jax.tree.unflatten(structure, lax.platform_dependent(*leaves, cpu=lambda *x: x, default=barred))


written.defjvp(lambda primals, tangents: (written(*primals), tangents[0]))
