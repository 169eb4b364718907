"""The loop over steps in C: a traced step, written as C, compiled, and called by XLA once for many steps."""

from __future__ import annotations

import logging
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from .base import XLA, AbstractCompiler, Step
from .program import Unsupported

_log = logging.getLogger("jaxsnn")


class C(AbstractCompiler):
    """The C compiler of this machine (`$CC`, cc, gcc or clang), on CPUs; elsewhere XLA.

    The equations are those of the classes: the traced step is written as C, with all operations on the elements of
    arrays of one size in as few loops as possible, state and ring updated in place, and one call for many steps.
    Compiled programs are kept in `$JAXSNN_CACHE` (`~/.cache/jaxsnn`). Whole numbers and random numbers are those of
    XLA; floats differ in the last place, as sums and products are rounded in another order.

    Where there is no C compiler, or the step contains an operation that cannot be written, XLA compiles it, and one
    line of the log says why.

    **Arguments:** `required`: raise ValueError instead of leaving it to XLA. `flags`: further options of the compiler.
    Both static.
    """

    required: bool = eqx.field(default=False, static=True)
    flags: tuple[str, ...] = eqx.field(default=(), static=True)

    def steps(self, one, carried, t, length, count=None):
        try:
            native = _native(one, carried, t, length, self.flags)
        except Unsupported as why:
            if self.required:
                raise ValueError(f"compilers.C(required=True) cannot compile this run: {why}.") from None
            _log.info("XLA compiles this run, since C has %s", f"a limit here: {why}")
            return XLA().steps(one, carried, t, length, count)
        of = jnp.int32(length) if count is None else count
        xla = lambda carried, t, of: XLA().steps(one, carried, t, length, of)
        return lax.platform_dependent(carried, t, of, cpu=native, default=xla)


def _native(one: Step, carried: Any, t: Array, length: int, flags: tuple[str, ...]) -> Any:
    """A function of (carried, t, count) that calls the compiled program."""
    from . import build  # the rules of all operations take a tenth of the time in which jaxsnn is imported
    from .flat import flat
    from .source import source

    closed, (_, rows) = jax.make_jaxpr(one, return_shape=True)(carried, t)
    leaves, structure = jax.tree.flatten(carried)
    program, more = flat(closed, positive=len(leaves))
    name = build.target(source(program, len(leaves), length), flags)
    row_leaves, row_structure = jax.tree.flatten(rows)

    def call(carried: Any, t: Array, count: Array) -> tuple[Any, Any]:
        given = [_words(x) for x in (*jax.tree.leaves(carried), t, count, *more)]
        kinds = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in given[: len(leaves)]]
        kinds += [jax.ShapeDtypeStruct((length, *x.shape), x.dtype) for x in row_leaves]
        aliases = {i: i for i in range(len(leaves))}
        out = jax.ffi.ffi_call(name, kinds, vmap_method="sequential", input_output_aliases=aliases)(*given)
        back = [_key(x, old) for x, old in zip(out, leaves, strict=False)]
        return jax.tree.unflatten(structure, back), jax.tree.unflatten(row_structure, out[len(leaves) :])

    return call


def _words(x: Any) -> Any:
    return jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x


def _key(x: Array, old: Any) -> Any:
    """Words as the kind of key that they were."""
    if not jnp.issubdtype(old.dtype, jax.dtypes.prng_key):
        return x
    return jax.random.wrap_key_data(x, impl=jax.random.key_impl(old))
