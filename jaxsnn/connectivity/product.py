"""Delivery of many steps across a matrix, as a single matrix product also under `vmap`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array, Float

from .._cores import cores
from .dense import many_rows
from .events import for_groups_of_spikes

# By spikes, on one core, or as a product, on all. Processor time of 4 000 steps, forwards and for the derivative:
#
#                     spikes, 1 %    spikes, 5 %    spikes, 10 %    product
#     256 x 256         8 and 6 ms     8 and 9         9 and 13       6 and 7 ms
#     512 x 512        10    10       14    17        19    29       21    26
#   1 024 x 1 024      24    25       35    46        48    65       90    94
#   2 048 x 2 048      84    93      169   263       247   408      370   340
_WIDE = 512  # presynaptic and postsynaptic neurons from which on the loop over spikes is cheaper
_FEW, _MOST_CORES = (
    0.08,
    4,
)  # largest density of spikes for the loop, on one or two cores; above 4 cores the product is always faster


def product(x: Float[Array, "*steps pre"], matrix: Float[Array, "pre post"]) -> Float[Array, "*steps post"]:
    """`x @ matrix`; on a CPU its cost is that of the spikes, and its derivative contracts steps and examples at once.

    Under `vmap` over examples, the derivative of `x @ matrix` with respect to the matrix contracts two axes, steps and
    examples, for which XLA transposes both operands in memory. As an operation of its own it is batched by appending
    to the axis of steps, so that there is one axis to contract. (1 024 x 1 024, 16 examples of 500 steps: 31 of
    290 ms.)
    """
    return _product.bind(x, matrix)


def outer(x: Float[Array, "*steps pre"], given: Float[Array, "*steps post"]) -> Float[Array, "pre post"]:
    """The sum over steps of `x[i] given[j]`: the derivative of `product` with respect to its matrix."""
    return _outer.bind(x, given)


def _flat(x: Array) -> Array:
    return x.reshape(-1, x.shape[-1])


def _unflat(y: Array, x: Array) -> Array:
    return y.reshape(*x.shape[:-1], y.shape[-1])


# --- what they are ----------------------------------------------------------------------------------------------------


def _product_of(x: Array, matrix: Array) -> Array:
    return _unflat(_flat(x) @ matrix, x)


def _outer_of(x: Array, given: Array) -> Array:
    return _flat(x).T @ _flat(given)


def _product_on_cpu(x: Array, matrix: Array) -> Array:
    by_spikes = lambda x, matrix: lax.map(lambda row: many_rows(row, matrix), x)
    return _unflat(_by_density(by_spikes, jnp.matmul, _flat(x), matrix), x)


def _outer_on_cpu(x: Array, given: Array) -> Array:
    def by_spikes(x: Array, given: Array) -> Array:
        def step(total: Array, both: tuple[Array, Array]) -> tuple[Array, None]:
            sent, row = both

            def add(neurons: list[Array], total: Array) -> Array:
                for i in neurons:  # padding indices add 0 to the last neuron
                    amplitude = sent.at[i].get(mode="fill", fill_value=0)
                    old = lax.dynamic_slice(total, (i, 0), (1, row.shape[0]))
                    total = lax.dynamic_update_slice(total, old + amplitude * row[None], (i, 0))
                return total

            return for_groups_of_spikes(sent, add, total), None

        return lax.scan(step, jnp.zeros((x.shape[1], given.shape[1]), given.dtype), (x, given))[0]

    return _by_density(by_spikes, _outer_of, _flat(x), _flat(given))


def _by_density(by_spikes: Callable[..., Array], dense: Callable[..., Array], x: Array, other: Array) -> Array:
    """A loop over spikes if they are few, else a product; decided at run time."""
    own = cores()
    if min(x.shape[1], other.shape[1]) < _WIDE or own > _MOST_CORES:
        return dense(x, other)
    few = int(min(1.0, 2.0 / own) * _FEW * x.size)
    return lax.cond(jnp.count_nonzero(x) < few, by_spikes, dense, x, other)


# --- what jax asks of an operation ------------------------------------------------------------------------------------


def _batched_product(args: tuple[Array, Array], axes: tuple[Any, Any]) -> tuple[Array, int]:
    (x, matrix), (own, other) = args, axes
    if other is None:
        inner = own == x.ndim - 1  # other platforms never take this branch
        return (product(jnp.moveaxis(x, own, 0), matrix), 0) if inner else (product(x, matrix), own)
    matrix = jnp.moveaxis(matrix, other, 0)
    if own is None:
        return jnp.einsum("...i,bij->b...j", x, matrix), 0
    return jnp.einsum("b...i,bij->b...j", jnp.moveaxis(x, own, 0), matrix), 0


def _batched_outer(args: tuple[Array, Array], axes: tuple[Any, Any]) -> tuple[Array, int]:
    return jax.vmap(_outer_of, in_axes=axes)(*args), 0


def _operation(name: str, plain: Any, on_cpu: Any, shape: Any, transposes: Any, batched: Any) -> Primitive:
    """A bilinear primitive; `transposes` are its derivatives with respect to either argument."""
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
