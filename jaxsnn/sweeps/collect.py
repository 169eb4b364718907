"""The status of every run inside a function, collected from its traced program."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, jaxpr_as_fun
from jaxtyping import Array, UInt32

from .._reports import report_p

Outputs = list[Any]
Collected = tuple[Outputs, UInt32[Array, ""]]
Rule = Callable[[JaxprEqn, list[Any]], Collected]


def with_status(program: ClosedJaxpr) -> Callable[..., Collected]:
    """The function that `program` was traced from, and the bits of all its runs: `*arguments -> (outputs, status)`.

    Runs are found inside `jit`, `vmap`, `grad`, `scan`, `map`, `while_loop`, `cond` and custom derivatives; the
    operations stay as they are, so that results are the same to the bit.

    **Raises:** ValueError for a run inside an operation out of which nothing can be carried.
    """
    return lambda *arguments: _evaluate(program.jaxpr, program.consts, arguments)


def _evaluate(jaxpr: Jaxpr, consts: Sequence[Any], arguments: Sequence[Any]) -> Collected:
    known = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *arguments], strict=True))
    read = lambda atom: atom.val if isinstance(atom, Literal) else known[atom]
    status, nameless = jnp.uint32(0), jaxpr.debug_info._replace(arg_names=None, result_paths=None)
    for some, wanted in _stretches(jaxpr):
        if _reports(some[0]):
            (equation,) = some
            out, found = _inside(equation, [read(x) for x in equation.invars])
            status |= found
            known |= zip(equation.outvars, out, strict=True)
        else:
            given = [x for x in dict.fromkeys(_read(some)) if x in known]
            part = Jaxpr((), given, wanted, some, jaxpr.effects, nameless)
            known |= zip(wanted, jaxpr_as_fun(ClosedJaxpr(part, ()))(*map(read, given)), strict=True)
    return [read(x) for x in jaxpr.outvars], status


def _stretches(jaxpr: Jaxpr) -> Iterator[tuple[list[JaxprEqn], list[Any]]]:
    """Equations as far as nothing in them reports, and each that does alone; with what is read of them later."""
    stretches: list[list[JaxprEqn]] = []
    alone = True
    for equation in jaxpr.eqns:
        reports = _reports(equation)
        if reports or alone:
            stretches.append([])
        stretches[-1].append(equation)
        alone = reports
    later = {x for x in jaxpr.outvars if not isinstance(x, Literal)}
    found = []
    for some in reversed(stretches):
        found.append((some, [x for equation in some for x in equation.outvars if x in later]))
        later.update(_read(some))
    yield from reversed(found)


def _read(equations: list[JaxprEqn]) -> list[Any]:
    return [x for equation in equations for x in equation.invars if not isinstance(x, Literal)]


def _reports(equation: JaxprEqn) -> bool:
    return equation.primitive is report_p or any(any(map(_reports, jaxpr.eqns)) for jaxpr in _programs(equation))


def _programs(equation: JaxprEqn) -> Iterator[Jaxpr]:
    """The programs inside an operation: the body of a loop, the branches of a condition."""
    for x in jax.tree.leaves(list(equation.params.values())):
        if isinstance(x, ClosedJaxpr | Jaxpr):
            yield _closed(x).jaxpr


def _inside(equation: JaxprEqn, arguments: list[Any]) -> Collected:
    """One operation that reports, or has something inside that does."""
    if equation.primitive is report_p:
        return arguments, jnp.bitwise_or.reduce(arguments[0], axis=None)  # of all examples of a batch
    name = equation.primitive.name
    if name in _RULES:
        return _RULES[name](equation, arguments)
    raise ValueError(
        f"The experiment simulates inside {name!r}, out of which sweep cannot carry a status; call simulate(..., "
        'throw=False) there and return what run.status comes to as "status".'
    )


def _same_way(name: str) -> Rule:
    """An operation that only runs a program: so do we, with what it returns besides."""
    return lambda equation, arguments: with_status(_closed(equation.params[name]))(*arguments)


def _jit(equation: JaxprEqn, arguments: list[Any]) -> Collected:
    return jax.jit(with_status(_closed(equation.params["jaxpr"])))(*arguments)


def _checkpoint(equation: JaxprEqn, arguments: list[Any]) -> Collected:
    program, p = _closed(equation.params["jaxpr"]), equation.params
    if p["differentiated"]:  # what is computed again has reported the first time
        return jax.checkpoint(jaxpr_as_fun(program), prevent_cse=p["prevent_cse"])(*arguments), jnp.uint32(0)
    return with_status(program)(*arguments)


def _scan(equation: JaxprEqn, arguments: list[Any]) -> Collected:
    p, program = equation.params, _closed(equation.params["jaxpr"])
    rank = lambda atom: len(atom.aval.shape)
    carried = sum(rank(a) == rank(b) for a, b in zip(equation.outvars, program.jaxpr.outvars, strict=True))
    scanned = sum(rank(a) > rank(b) for a, b in zip(equation.invars, program.jaxpr.invars, strict=True))
    last = len(arguments) - scanned
    body, consts = with_status(program), arguments[: last - carried]

    def step(carry: tuple[Outputs, Array], x: Outputs) -> tuple[tuple[Outputs, Array], Outputs]:
        out, status = body(*consts, *carry[0], *x)
        return (out[:carried], carry[1] | status), out[carried:]

    start = (arguments[last - carried : last], jnp.uint32(0))
    how = {name: p[name] for name in ("length", "reverse", "unroll")}
    (end, status), ys = lax.scan(step, start, arguments[last:], **how)
    return [*end, *ys], status


def _while(equation: JaxprEqn, arguments: list[Any]) -> Collected:
    p = equation.params
    first, last = p["cond_nconsts"], p["cond_nconsts"] + p["body_nconsts"]
    of_cond, of_body = arguments[:first], arguments[first:last]
    cond, body = with_status(_closed(p["cond_jaxpr"])), with_status(_closed(p["body_jaxpr"]))

    def step(carry: tuple[Outputs, Array]) -> tuple[Outputs, Array]:
        (_, tested), (out, status) = cond(*of_cond, *carry[0]), body(*of_body, *carry[0])
        return out, carry[1] | status | tested

    going = lambda carry: cond(*of_cond, *carry[0])[0][0]
    end, status = lax.while_loop(going, step, (arguments[last:], jnp.uint32(0)))
    return end, status | cond(*of_cond, *end)[1]


def _cond(equation: JaxprEqn, arguments: list[Any]) -> Collected:
    branches = [with_status(_closed(branch)) for branch in equation.params["branches"]]
    return lax.switch(arguments[0], branches, *arguments[1:])


def _closed(program: ClosedJaxpr | Jaxpr) -> ClosedJaxpr:
    return program if isinstance(program, ClosedJaxpr) else ClosedJaxpr(program, ())


_RULES: dict[str, Rule] = {
    "jit": _jit,
    "scan": _scan,
    "while": _while,
    "cond": _cond,
    "checkpoint": _checkpoint,
    "remat2": _checkpoint,
    "custom_jvp_call": _same_way("call_jaxpr"),
    "custom_vjp_call": _same_way("call_jaxpr"),
    "closed_call": _same_way("call_jaxpr"),
    "core_call": _same_way("call_jaxpr"),
}
