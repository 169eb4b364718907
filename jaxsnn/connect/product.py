"""What many steps send across a matrix, as one product of two matrices, whatever `vmap` puts around it."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array, Float


def product(x: Float[Array, "*steps pre"], matrix: Float[Array, "pre post"]) -> Float[Array, "*steps post"]:
    """`x @ matrix`, with a derivative that sums over steps and examples at once.

    Of `x @ matrix` under `vmap` over examples, the derivative by the matrix contracts two axes, steps and examples, and
    for that XLA turns the whole of what it contracts around in memory. As an operation of its own it is batched by
    one more axis of steps, and all of them are one axis before anything is contracted. (1 024 x 1 024, 16 examples of
    500 steps: 31 of 290 ms.)
    """
    return _product.bind(x, matrix)


def _flat(x: Array) -> Array:
    return x.reshape(-1, x.shape[-1])


def _plain(x: Array, matrix: Array) -> Array:
    return (_flat(x) @ matrix).reshape(*x.shape[:-1], matrix.shape[1])


def _by_x(given: Array, x: Any, matrix: Array) -> Array:
    return product(given, matrix.T)


def _by_matrix(given: Array, x: Array, matrix: Any) -> Array:
    return _flat(x).T @ _flat(given)


def _batched(args: tuple[Array, Array], axes: tuple[Any, Any]) -> tuple[Array, int]:
    (x, matrix), (own, other) = args, axes
    if other is batching.not_mapped:
        inner = own == x.ndim - 1  # anywhere else it is in nobody's way
        return (product(jnp.moveaxis(x, own, 0), matrix), 0) if inner else (product(x, matrix), own)
    matrix = jnp.moveaxis(matrix, other, 0)
    if own is batching.not_mapped:
        return jnp.einsum("...i,bij->b...j", x, matrix), 0
    return jnp.einsum("b...i,bij->b...j", jnp.moveaxis(x, own, 0), matrix), 0


_product = Primitive("product_over_steps")
_product.def_impl(_plain)
_product.def_abstract_eval(lambda x, matrix: x.update(shape=(*x.shape[:-1], matrix.shape[1])))
mlir.register_lowering(_product, mlir.lower_fun(_plain, multiple_results=False))
ad.defbilinear(_product, _by_x, _by_matrix)
batching.primitive_batchers[_product] = _batched
