"""Part of a buffer at a place that a whole batch shares.

`vmap` makes a gather of `lax.dynamic_slice` and a scatter of its update, even where every member of the batch reads the
same place: a batch of networks is at one step. XLA then tests every place, in several kernels, and writes the buffer
anew on an accelerator. The two operations here stay a slice and an update of a slice.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array, Int


def read_slot(buffer: Array, at: Int[Array, ""], n: int) -> Any:
    """`buffer[..., at : at + n]`, moved to where it lies within the buffer."""
    return _read.bind(buffer, at, n=n)


def write_slot(buffer: Array, values: Array, at: Int[Array, ""]) -> Any:
    """The buffer with `values` in place of `buffer[..., at : at + n]`, moved as in `read_slot`."""
    return _write.bind(buffer, values, at)


def _sliced(buffer: Array, at: Array, *, n: int) -> Array:
    return lax.dynamic_slice_in_dim(buffer, at, n, axis=-1)


def _updated(buffer: Array, values: Array, at: Array) -> Array:
    return lax.dynamic_update_slice_in_dim(buffer, values, at, axis=-1)


def _primitive(name: str, function: Any) -> Primitive:
    made = Primitive(name)
    made.def_impl(function)
    made.def_abstract_eval(lambda *args, **static: _abstract(function, args, static))
    mlir.register_lowering(made, mlir.lower_fun(function, multiple_results=False))
    return made


def _abstract(function: Any, args: Any, static: Any) -> Any:
    shape = (*args[0].shape[:-1], static["n"]) if static else args[0].shape
    return args[0].update(shape=shape)


_read, _write = _primitive("read_slot", _sliced), _primitive("write_slot", _updated)


# --- a batch ----------------------------------------------------------------------------------------------------------


def _front(x: Array, axis: Any, size: int) -> Array:
    return jnp.broadcast_to(x, (size, *x.shape)) if axis is None else jnp.moveaxis(x, axis, 0)


def _read_batch(args: Any, axes: Any, *, n: int) -> tuple[Array, int]:
    (buffer, at), (over, places) = args, axes
    if places is None:
        return read_slot(jnp.moveaxis(buffer, over, 0), at, n), 0
    return jax.vmap(lambda buffer, at: _sliced(buffer, at, n=n), (over, places))(buffer, at), 0


def _write_batch(args: Any, axes: Any) -> tuple[Array, int]:
    if axes[2] is not None:
        return jax.vmap(_updated, axes)(*args), 0
    buffer, values, at = args
    size = buffer.shape[axes[0]] if axes[0] is not None else values.shape[axes[1]]
    return write_slot(_front(buffer, axes[0], size), _front(values, axes[1], size), at), 0


batching.primitive_batchers[_read] = _read_batch
batching.primitive_batchers[_write] = _write_batch


# --- derivatives: both are linear in what they move -------------------------------------------------------------------


def _zero(out: Array) -> Any:
    return ad.Zero(jax.typeof(out).to_tangent_aval())


def _read_jvp(primals: Any, tangents: Any, *, n: int) -> tuple[Array, Any]:
    (buffer, at), moved = primals, tangents[0]
    out = read_slot(buffer, at, n)
    return out, _zero(out) if type(moved) is ad.Zero else read_slot(moved, at, n)


def _write_jvp(primals: Any, tangents: Any) -> tuple[Array, Any]:
    (buffer, values, at), moved = primals, tangents[:2]
    out = write_slot(buffer, values, at)
    if all(type(x) is ad.Zero for x in moved):
        return out, _zero(out)
    left, put = (jnp.zeros_like(x) if type(t) is ad.Zero else t for x, t in zip((buffer, values), moved, strict=True))
    return out, write_slot(left, put, at)


def _read_transpose(ct: Any, buffer: Any, at: Array, *, n: int) -> tuple[Any, None]:
    if type(ct) is ad.Zero:
        return ad.Zero(buffer.aval), None
    return write_slot(jnp.zeros(buffer.aval.shape, buffer.aval.dtype), ct, at), None


def _write_transpose(ct: Any, buffer: Any, values: Any, at: Array) -> tuple[Any, Any, None]:
    """The buffer's part of `ct` is zero where the values were put; the values' part is what lies there."""
    wanted, shape = [ad.is_undefined_primal(x) for x in (buffer, values)], _shape(values)
    if type(ct) is ad.Zero:
        left, put = (ad.Zero(x.aval) if want else None for x, want in zip((buffer, values), wanted, strict=True))
    else:
        left = write_slot(ct, jnp.zeros(shape, ct.dtype), at) if wanted[0] else None
        put = read_slot(ct, at, shape[-1]) if wanted[1] else None
    return left, put, None


def _shape(x: Any) -> tuple[int, ...]:
    return x.aval.shape if ad.is_undefined_primal(x) else x.shape


ad.primitive_jvps[_read], ad.primitive_transposes[_read] = _read_jvp, _read_transpose
ad.primitive_jvps[_write], ad.primitive_transposes[_write] = _write_jvp, _write_transpose
