"""One function for CPUs and another for accelerators, of which only the one that is compiled is traced.

`lax.platform_dependent` traces both wherever it is used. A batch of runs on accelerators is the larger half of what
there is to trace of a sweep, and a CPU never compiles it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax import lax
from jax.extend.core import ClosedJaxpr, Jaxpr, Primitive, jaxpr_as_fun
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array

Function = Callable[..., Any]  # of arrays; returns a pytree of arrays

# Operations that are a call of another program, by name, and the parameter which is what a CPU calls.
CALLS = {
    **dict.fromkeys(("jit", "pjit", "closed_call", "core_call", "remat2", "checkpoint"), "jaxpr"),
    **dict.fromkeys(("custom_jvp_call", "custom_vjp_call"), "call_jaxpr"),
    "custom_vmap_call": "call",
    "by_platform": "cpu",
}


def called(name: str, params: Any) -> tuple[Jaxpr, Sequence[Any]] | None:
    """The program that an operation calls on a CPU, and its constants; None if it calls none."""
    if name not in CALLS:
        return None
    inner = params[CALLS[name]]
    return (inner.jaxpr, inner.consts) if isinstance(inner, ClosedJaxpr) else (inner, ())


def cpu_branch(platforms: Sequence[Sequence[str] | None]) -> np.ndarray:
    """What `platform_index` is on a CPU."""
    return np.asarray(next(i for i, some in enumerate(platforms) if some is None or "cpu" in some), np.int32)


def by_platform(*args: Array, cpu: Function, default: Function) -> Any:
    """`cpu(*args)` on CPUs and `default(*args)` elsewhere, which give results of the same structure and shapes.

    `default` is called when a program is compiled for its device. It may hold no values of the program around it.
    """
    closed, shapes = jax.make_jaxpr(cpu, return_shape=True)(*args)
    held, count, inner = closed.consts, len(closed.consts), closed.jaxpr
    inner = Jaxpr((), [*inner.constvars, *inner.invars], inner.outvars, inner.eqns, inner.effects, inner.debug_info)
    flat = lambda *args: jax.tree.leaves(default(*args[count:]))  # which holds none of these values
    return jax.tree.unflatten(
        jax.tree.structure(shapes), by_platform_p.bind(*held, *args, cpu=ClosedJaxpr(inner, ()), default=flat)
    )


def _on_cpus(*args: Array, cpu: ClosedJaxpr, default: Function) -> list[Array]:
    return jaxpr_as_fun(cpu)(*args)


def _elsewhere(*args: Array, cpu: ClosedJaxpr, default: Function) -> list[Array]:
    return default(*args)


def _batched(args: Any, axes: Any, *, cpu: ClosedJaxpr, default: Function) -> tuple[list[Array], list[int]]:
    out = by_platform(*args, cpu=jax.vmap(jaxpr_as_fun(cpu), axes), default=jax.vmap(default, axes))
    return out, [0] * len(out)


def _jvp(primals: Any, tangents: Any, *, cpu: ClosedJaxpr, default: Function) -> Any:
    both = lambda *args: lax.platform_dependent(*args, cpu=jaxpr_as_fun(cpu), default=default)
    shape_of: Any = lambda t: t.aval
    written_out = lambda t: np.zeros(shape_of(t).shape, shape_of(t).dtype) if type(t) is ad.Zero else t
    return jax.jvp(both, tuple(primals), tuple(map(written_out, tangents)))


by_platform_p = Primitive("by_platform")
by_platform_p.multiple_results = True
by_platform_p.def_impl(lambda *args, **which: jax.jit(lambda *args: by_platform_p.bind(*args, **which))(*args))
by_platform_p.def_abstract_eval(lambda *args, cpu, default: list(cpu.out_avals))
mlir.register_lowering(by_platform_p, mlir.lower_fun(_elsewhere))
mlir.register_lowering(by_platform_p, mlir.lower_fun(_on_cpus), platform="cpu")
batching.primitive_batchers[by_platform_p] = _batched
ad.primitive_jvps[by_platform_p] = _jvp
