"""A point's program in two parts: what depends on its seed alone, as a graph does, and the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, jaxpr_as_fun

Opened = tuple[list[Any], list[int]]  # results, and what each depends on
FREE, SEED, POINT = range(3)  # what a number depends on: constants of the text; the seed (or an array); the point


def split(program: ClosedJaxpr, kinds: Sequence[int]) -> tuple[ClosedJaxpr, ClosedJaxpr]:
    """`program` as `seed`: arguments of the kind SEED -> what the rest needs of them, and `point`: that, and then all
    arguments -> results. `kinds`: SEED or POINT, for each argument.

    Numbers that depend on nothing, such as zeros to start from, are computed where they are needed: that costs less
    than to keep them. Functions under `jit` are opened where they mix both kinds.
    """
    flat = _opened(program, kinds)
    jaxpr, kind = flat.jaxpr, _kinds(flat.jaxpr, kinds)
    of = [max([kind[x] for x in equation.outvars], default=POINT) for equation in jaxpr.eqns]
    needed = {x for x in jaxpr.outvars if not isinstance(x, Literal)}
    own: list[JaxprEqn] = []
    for equation, depends in zip(reversed(jaxpr.eqns), reversed(of), strict=True):
        if depends == POINT or (depends == FREE and needed.intersection(equation.outvars)):
            own.append(equation)
            needed.update(_read(equation))
    early = [equation for equation, depends in zip(jaxpr.eqns, of, strict=True) if depends < POINT]
    kept = [x for equation, depends in zip(jaxpr.eqns, of, strict=True) if depends == SEED for x in equation.outvars]
    kept = [x for x in kept if x in needed]
    of_seed = [x for x, own_kind in zip(jaxpr.invars, kinds, strict=True) if own_kind == SEED]
    seed = Jaxpr(jaxpr.constvars, of_seed, kept, early, jaxpr.effects, _nameless(jaxpr))
    point = Jaxpr(jaxpr.constvars, [*kept, *jaxpr.invars], jaxpr.outvars, own[::-1], jaxpr.effects, _nameless(jaxpr))
    return ClosedJaxpr(seed, flat.consts), ClosedJaxpr(point, flat.consts)


def _kinds(jaxpr: Jaxpr, arguments: Sequence[int]) -> dict[Any, int]:
    kind = {**dict.fromkeys(jaxpr.constvars, SEED), **dict(zip(jaxpr.invars, arguments, strict=True))}
    for equation in jaxpr.eqns:
        found = POINT if equation.effects else max([kind[x] for x in _read(equation)], default=FREE)
        kind |= dict.fromkeys(equation.outvars, found)
    return kind


def _opened(program: ClosedJaxpr, kinds: Sequence[int]) -> ClosedJaxpr:
    """The same, with the bodies of `jit` in place where some of their arguments depend on the point and some do not."""

    def run(jaxpr: Jaxpr, consts: Sequence[Any], arguments: Sequence[Any], kinds: Sequence[int]) -> Opened:
        known = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *arguments], strict=True))
        kind = {**dict.fromkeys(jaxpr.constvars, SEED), **dict(zip(jaxpr.invars, kinds, strict=True))}
        read = lambda atom: atom.val if isinstance(atom, Literal) else known[atom]
        for equation in jaxpr.eqns:
            own = [FREE if isinstance(x, Literal) else kind[x] for x in equation.invars]
            if equation.primitive.name == "jit" and len({*own}) > 1 and POINT in own:
                inner = equation.params["jaxpr"]
                out, found = run(inner.jaxpr, inner.consts, [read(x) for x in equation.invars], own)
            else:
                given = [*dict.fromkeys(_read(equation))]
                alone = Jaxpr((), given, equation.outvars, [equation], equation.effects, _nameless(jaxpr))
                out = jaxpr_as_fun(ClosedJaxpr(alone, ()))(*map(read, given))
                found = [POINT if equation.effects else max(own, default=FREE)] * len(out)
            known |= zip(equation.outvars, out, strict=True)
            kind |= zip(equation.outvars, found, strict=True)
        ends = jaxpr.outvars
        return [read(x) for x in ends], [FREE if isinstance(x, Literal) else kind[x] for x in ends]

    forms = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in program.in_avals]
    return jax.make_jaxpr(lambda *arguments: run(program.jaxpr, program.consts, arguments, kinds)[0])(*forms)


def _read(equation: JaxprEqn) -> list[Any]:
    return [x for x in equation.invars if not isinstance(x, Literal)]


def _nameless(jaxpr: Jaxpr) -> Any:
    return jaxpr.debug_info._replace(arg_names=None, result_paths=None)
