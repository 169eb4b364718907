"""What many steps send across a matrix, as one product of two matrices, whatever `vmap` puts around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array, Float

from .dense import many_rows
from .events import for_groups_of_spikes

# Fewer of the numbers than this are spikes: rows of the matrix are added up instead. Measured on 2 cores, 8 000 times
# 1 024 x 1 024, forwards and for the derivative: 88 and 90 ms as products, of which 176 and 180 are processor time;
# by spikes, on one core, 58 and 65 ms at 5 %, 38 and 30 ms at 1 %.
_FEW = 0.08
_WIDE = 256  # numbers of a row, from which on a spike's row costs more than finding the spike


def product(x: Float[Array, "*steps pre"], matrix: Float[Array, "pre post"]) -> Float[Array, "*steps post"]:
    """`x @ matrix`, with a derivative that sums over steps and examples at once, and on a CPU at the cost of spikes.

    Of `x @ matrix` under `vmap` over examples, the derivative by the matrix contracts two axes, steps and examples, and
    for that XLA turns the whole of what it contracts around in memory. As an operation of its own it is batched by
    one more axis of steps, and all of them are one axis before anything is contracted. (1 024 x 1 024, 16 examples of
    500 steps: 31 of 290 ms.)
    """
    return _product.bind(x, matrix)


def outer(x: Float[Array, "*steps pre"], given: Float[Array, "*steps post"]) -> Float[Array, "pre post"]:
    """The sum over steps of `x[i] given[j]`: the derivative of `product` by its matrix."""
    return _outer.bind(x, given)


def _flat(x: Array) -> Array:
    return x.reshape(-1, x.shape[-1])


# --- what they are ----------------------------------------------------------------------------------------------------


def _product_of(x: Array, matrix: Array, flat: Callable[[Array, Array], Array] = jnp.matmul) -> Array:
    return flat(_flat(x), matrix).reshape(*x.shape[:-1], matrix.shape[1])


def _outer_of(x: Array, given: Array) -> Array:
    return _flat(x).T @ _flat(given)


def _product_on_cpu(x: Array, matrix: Array) -> Array:
    by_spikes = lambda x, matrix: lax.map(lambda row: many_rows(row, matrix), x)
    return _product_of(x, matrix, lambda x, matrix: _by_density(by_spikes, jnp.matmul, x, matrix))


def _outer_on_cpu(x: Array, given: Array) -> Array:
    def by_spikes(x: Array, given: Array) -> Array:
        def step(total: Array, both: tuple[Array, Array]) -> tuple[Array, None]:
            sent, row = both

            def add(neurons: list[Array], total: Array) -> Array:
                for i in neurons:  # a neuron that there is not adds nothing to the last
                    amplitude = sent.at[i].get(mode="fill", fill_value=0)
                    old = lax.dynamic_slice(total, (i, 0), (1, row.shape[0]))
                    total = lax.dynamic_update_slice(total, old + amplitude * row[None], (i, 0))
                return total

            return for_groups_of_spikes(sent, add, total), None

        return lax.scan(step, jnp.zeros((x.shape[1], given.shape[1]), given.dtype), (x, given))[0]

    return _by_density(by_spikes, _outer_of, _flat(x), _flat(given))


def _by_density(by_spikes: Callable[..., Array], dense: Callable[..., Array], x: Array, other: Array) -> Array:
    """By spikes if they are few: which, is known when it runs."""
    if other.shape[-1] < _WIDE or x.shape[1] < _WIDE:
        return dense(x, other)
    return lax.cond(jnp.count_nonzero(x) < int(_FEW * x.size), by_spikes, dense, x, other)


# --- what jax asks of an operation ------------------------------------------------------------------------------------


def _batched_product(args: tuple[Array, Array], axes: tuple[Any, Any]) -> tuple[Array, int]:
    (x, matrix), (own, other) = args, axes
    if other is batching.not_mapped:
        inner = own == x.ndim - 1  # anywhere else it is in nobody's way
        return (product(jnp.moveaxis(x, own, 0), matrix), 0) if inner else (product(x, matrix), own)
    matrix = jnp.moveaxis(matrix, other, 0)
    if own is batching.not_mapped:
        return jnp.einsum("...i,bij->b...j", x, matrix), 0
    return jnp.einsum("b...i,bij->b...j", jnp.moveaxis(x, own, 0), matrix), 0


def _batched_outer(args: tuple[Array, Array], axes: tuple[Any, Any]) -> tuple[Array, int]:
    return jax.vmap(_outer_of, in_axes=axes)(*args), 0


def _operation(name: str, plain: Any, on_cpu: Any, shape: Any, transposes: Any, batched: Any) -> Primitive:
    """A bilinear operation: `transposes` give the derivative by the one argument and by the other."""
    new = Primitive(name)
    new.def_impl(jax.jit(plain))
    new.def_abstract_eval(shape)
    mlir.register_lowering(new, mlir.lower_fun(plain, multiple_results=False))
    mlir.register_lowering(new, mlir.lower_fun(on_cpu, multiple_results=False), platform="cpu")
    ad.defbilinear(new, *transposes)
    batching.primitive_batchers[new] = batched
    return new


_product = _operation(
    "product_over_steps",
    _product_of,
    _product_on_cpu,
    lambda x, matrix: x.update(shape=(*x.shape[:-1], matrix.shape[1])),
    (lambda given, x, matrix: given @ matrix.T, lambda given, x, matrix: outer(x, given)),
    _batched_product,
)
_outer = _operation(
    "outer_over_steps",
    _outer_of,
    _outer_on_cpu,
    lambda x, given: x.update(shape=(x.shape[-1], given.shape[-1])),
    (lambda change, x, given: given @ change.T, lambda change, x, given: product(x, change)),
    _batched_outer,
)
