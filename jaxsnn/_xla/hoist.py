"""Values that are the same in every step of a loop, computed once before it.

XLA leaves a value in the loop where a constant is part of it: with a time constant for each neuron, `exp(-dt / tau)` is
computed for every neuron in every step.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, jaxpr_as_fun

DEAR = frozenset(  # primitives whose results are worth a place in memory
    "acos acosh asin asinh atan atan2 atanh cbrt cos cosh digamma div erf erf_inv erfc exp exp2 expm1 lgamma log log1p "
    "logistic pow rsqrt sin sinh sqrt tan tanh".split()
)


def hoisted(body: Callable[..., Any], *examples: Any, words: bool = False) -> tuple[Callable[..., Any], Any]:
    """`body`, with what does not depend on its arguments computed here and now; and the shapes of its results.

    To be called before the loop, with arguments of the same shapes as inside. A value is computed early if a
    transcendental function or a division is part of it, if it is an array, and if it is no larger than what it is made
    of: an array that is filled from a number stays inside, where it costs no memory. Values and derivatives do not
    change. `words`: also single words of random streams, which in a batch are arrays.
    """
    closed, shapes = jax.make_jaxpr(body, return_shape=True)(*examples)
    structure = jax.tree.structure(shapes)
    kept, _ = _early(closed, [None] * len(closed.jaxpr.invars), words)

    def rest(*args: Any) -> Any:
        return jax.tree.unflatten(structure, _late(closed, jax.tree.leaves(args), kept))

    return rest, shapes


class Known(NamedTuple):
    """A value that does not depend on the arguments of the loop's body."""

    value: Callable[[], Any]  # computed when it is asked for, since most of them are not kept
    size: int
    stored: bool  # in memory, not filled from a smaller one
    dear: bool  # something dear is part of it
    word: bool = False  # it is a word of a random stream that counts as dear

    @property
    def early(self) -> bool:
        return self.stored and (self.word or (self.dear and self.size > 1))


Early = dict[str, Any]  # by the number of an equation: its results, or what is early in the programs within it


def _early(closed: ClosedJaxpr, args: list[Known | None], words: bool) -> tuple[Early, list[Known | None]]:
    """The early values of a program that are used later, and its results as far as they are known."""
    jaxpr = closed.jaxpr
    env: dict[Any, Known | None] = dict(zip(jaxpr.invars, args, strict=True))
    env |= {
        v: Known(lambda x=x: x, v.aval.size, True, False) for v, x in zip(jaxpr.constvars, closed.consts, strict=True)
    }
    read = lambda v: Known(lambda: v.val, 1, False, False) if isinstance(v, Literal) else env[v]
    within: Early = {}
    early: dict[Any, str] = {}
    used = {v for v in jaxpr.outvars if not isinstance(v, Literal)}
    results: dict[str, list[Known]] = {}
    for number, eqn in enumerate(jaxpr.eqns):
        given, name = [read(v) for v in eqn.invars], str(number)
        outs: list[Known | None] = [None] * len(eqn.outvars)
        if (inner := _inlined(eqn)) is not None:
            within[name], outs = _early(inner, given, words)
        elif eqn.primitive.name == "cond":
            branches = [_early(branch, given[1:], words)[0] for branch in eqn.params["branches"]]
            within |= {name: branches} if any(branches) else {}
        elif eqn.primitive.name == "custom_jvp_call" and any(x is None for x in given):
            within[name] = _early(eqn.params["call_jaxpr"], given, words)[0]
        elif not eqn.effects and all(x is not None for x in given):
            outs = _known(eqn, jaxpr.debug_info, [x for x in given if x is not None], words)
        env.update(zip(eqn.outvars, outs, strict=True))
        if inner is None and outs and all(out is not None and out.early for out in outs):
            results[name] = [out for out in outs if out is not None]
            early |= dict.fromkeys(eqn.outvars, name)
        else:
            used |= {v for v in eqn.invars if not isinstance(v, Literal)}
    later = {early[v] for v in used if v in early}
    within = {name: inner for name, inner in within.items() if inner}
    within |= {name: [x.value() for x in results[name]] for name in results if name in later}
    return within, [read(v) for v in jaxpr.outvars]


def _known(eqn: JaxprEqn, debug: Any, given: list[Known], words: bool) -> list[Known | None]:
    """The results of an equation whose arguments are known."""
    largest = max((x.size for x in given if x.stored), default=-1)
    dear = eqn.primitive.name in DEAR or any(x.dear for x in given)
    values = functools.cache(lambda: _bind(eqn, debug, [x.value() for x in given]))
    stored = words and eqn.primitive.name == "random_unwrap"  # a key counts as one number, and its words are two
    mixed = words and eqn.primitive.name in ("xor", "add") and getattr(eqn.outvars[0].aval, "dtype", None) == np.uint32
    of = lambda i, v: Known(lambda: values()[i], v.aval.size, stored or v.aval.size <= largest, dear, mixed)
    return [of(i, v) for i, v in enumerate(eqn.outvars)]


def _late(closed: ClosedJaxpr, args: list[Any], early: Early) -> list[Any]:
    """The results of a program, given its early values."""
    jaxpr = closed.jaxpr
    env: dict[Any, Any] = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*closed.consts, *args), strict=True))
    read = lambda v: v.val if isinstance(v, Literal) else env[v]
    for number, eqn in enumerate(jaxpr.eqns):
        own = early.get(str(number))
        given = lambda eqn=eqn: [read(v) for v in eqn.invars]
        if own and (inner := _inlined(eqn)) is not None:
            outs = _late(inner, given(), own)
        elif own is None:
            if not all(isinstance(v, Literal) or v in env for v in eqn.invars):
                continue  # led only to early values
            outs = _bind(eqn, jaxpr.debug_info, given())
        elif eqn.primitive.name == "cond":
            outs = _branching(eqn, given(), own)
        elif isinstance(own, dict):
            outs = _with_derivative(eqn, jaxpr.debug_info, given(), own)
        else:
            outs = own
        env.update(zip(eqn.outvars, outs, strict=True))
    return [read(v) for v in jaxpr.outvars]


def _branching(eqn: JaxprEqn, given: list[Any], early: list[Early]) -> list[Any]:
    """A `cond` whose branches get their early values as further arguments."""
    leaves, structure = jax.tree.flatten(early)

    def branch(i: int) -> ClosedJaxpr:
        def run(*args: Any) -> list[Any]:
            own = jax.tree.unflatten(structure, args[len(args) - len(leaves) :])[i]
            return _late(eqn.params["branches"][i], list(args[: len(args) - len(leaves)]), own)

        return jax.make_jaxpr(run)(*given[1:], *leaves)

    branches = tuple(branch(i) for i in range(len(early)))
    return eqn.primitive.bind(*given, *leaves, **{**eqn.params, "branches": branches})


def _with_derivative(eqn: JaxprEqn, debug: Any, given: list[Any], early: Early) -> list[Any]:
    """A function with a derivative of its own, which stays that of the whole function."""

    @jax.custom_jvp
    def function(given: list[Any], early: Early) -> list[Any]:
        return _late(eqn.params["call_jaxpr"], given, early)

    @function.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        return jax.jvp(lambda *args: _bind(eqn, debug, list(args)), primals[0], tangents[0])

    return function(given, early)


def _inlined(eqn: JaxprEqn) -> ClosedJaxpr | None:
    """The program within a `jit`, which is no border here."""
    return eqn.params["jaxpr"] if eqn.primitive.name in ("jit", "pjit", "closed_call") else None


def _bind(eqn: JaxprEqn, debug: Any, args: list[Any]) -> list[Any]:
    """The results of one equation."""
    values = {v: x for v, x in zip(eqn.invars, args, strict=True) if not isinstance(v, Literal)}
    alone = Jaxpr((), list(values), eqn.outvars, [eqn], eqn.effects, debug)
    return jaxpr_as_fun(ClosedJaxpr(alone, ()))(*values.values())
