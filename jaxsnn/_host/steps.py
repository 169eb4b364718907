"""A traced program as a list of NumPy calls, made only of a program whose bits do not depend on who runs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal

from .. import _normals
from .._random.generator import threefry
from .._xla.platforms import called, cpu_branch
from .inexact import Inexact
from .rules import ARITHMETIC, MOVES, RULES, kind

_LARGEST = 2**24  # numbers of one result
_TURNS = 2**15  # operations in the turns of a loop

Function = Callable[..., Any]
THREEFRY = "jaxsnn.threefry."  # and the number of its rounds
STANDARD_NORMAL = "jaxsnn.standard_normal"
SINGLE_ROUNDED = "jaxsnn.single_rounded."  # names of programs whose authors keep their operations apart


class Steps:
    """A program on arrays: `Steps(closed)` or `Inexact`; called with arrays of JAX, returns such.

    `cost`: operations of a call. `size`: of the program, each once.
    """

    def __init__(self, closed: ClosedJaxpr):
        self.program, _ = _program(closed.jaxpr, closed.consts, [_PLAIN] * len(closed.jaxpr.invars), trusted=False)
        self.cost, self.size = _cost(closed.jaxpr), _cost(closed.jaxpr, turns=1)
        read = {v for eqn in _used(closed.jaxpr) for v in eqn.invars if not isinstance(v, Literal)}
        read |= {v for v in closed.jaxpr.outvars if not isinstance(v, Literal)}
        self.takes = [(_key if _is_key(v.aval) else np.asarray) if v in read else _nothing for v in closed.jaxpr.invars]

    def __call__(self, arrays: Sequence[jax.Array]) -> list[jax.Array]:
        given = [take(x) for take, x in zip(self.takes, arrays, strict=True)]
        with np.errstate(all="ignore"):
            out = self.program(given)
        # In memory of their own, as results of compiled programs are: whoever is handed them may donate them.
        own = jax.device_put([np.array(x.words if isinstance(x, _Key) else x) for x in out])
        return [
            jax.random.wrap_key_data(new, impl=x.kind) if isinstance(x, _Key) else new
            for new, x in zip(own, out, strict=True)
        ]


class _Key(NamedTuple):
    """A key: its words, and the name of what they are for."""

    words: Any
    kind: Any


def _key(x: jax.Array) -> _Key:
    return _Key(np.asarray(jax.random.key_data(x)), jax.random.key_impl(x))


def _nothing(_: Any) -> None:
    """What a program does not read."""


def _cost(jaxpr: Jaxpr, turns: int | None = None) -> int:
    """Operations of a call, of loops with so many turns: None for their own, of which unknown ones are taken as ten."""
    known = {"scan": lambda eqn: eqn.params["length"], "while": lambda _: 10}
    of = lambda eqn: turns or known.get(eqn.primitive.name, lambda _: 1)(eqn)
    within = lambda eqn: [getattr(x, "jaxpr", x) for x in jax.tree.leaves(eqn.params) if _is_program(x)]
    inner = lambda eqn: (
        0 if _is_threefry(eqn) or _is_standard_normal(eqn) else sum(_cost(x, turns) for x in within(eqn))
    )
    return sum(1 + of(eqn) * inner(eqn) for eqn in _used(jaxpr))


def _is_program(x: Any) -> bool:
    return isinstance(x, ClosedJaxpr | Jaxpr)


def _used(jaxpr: Jaxpr) -> list[JaxprEqn]:
    """The equations whose results are used."""
    wanted, used = {v for v in jaxpr.outvars if not isinstance(v, Literal)}, []
    for eqn in reversed(jaxpr.eqns):
        if eqn.effects or not wanted.isdisjoint(eqn.outvars):
            wanted.update(v for v in eqn.invars if not isinstance(v, Literal))
            used.append(eqn)
    return used[::-1]


class Origin(NamedTuple):
    """How numbers came about: what XLA compiles together with what follows may round differently."""

    rounded: bool = False  # a result of arithmetic on floats, or moved or chosen from such
    shared: bool = False  # fewer numbers, repeated


_PLAIN = Origin()


def _program(
    jaxpr: Jaxpr, consts: Sequence[Any], origins: Sequence[Origin], *, trusted: bool
) -> tuple[Function, list[Origin]]:
    """A function from a list of arrays to a list of results, and the origins of these. `trusted`: nothing is fused."""
    known: dict[Any, Origin] = dict(zip(jaxpr.invars, origins, strict=True))
    of = lambda v: Origin(shared=True) if isinstance(v, Literal) else known.get(v, _PLAIN)
    first, place = len(jaxpr.invars), {v: i for i, v in enumerate([*jaxpr.invars, *jaxpr.constvars])}
    start: list[Any] = [None] * first + [
        x if _is_key(x) else np.asarray(x) for x in consts
    ]  # values before the first call

    def read(v: Any) -> int:
        if not isinstance(v, Literal):
            return place[v]
        aval: Any = v.aval
        start.append(np.asarray(v.val, aval.dtype))
        return len(start) - 1

    def write(v: Any) -> int:
        if v.aval.size > _LARGEST:
            raise Inexact
        start.append(None)
        place[v] = len(start) - 1
        return place[v]

    calls = []
    for eqn in _used(jaxpr):
        function, found = _called(eqn, [of(v) for v in eqn.invars], trusted)
        known |= zip(eqn.outvars, found, strict=True)
        calls.append((function, [*map(read, eqn.invars)], [*map(write, eqn.outvars)], eqn.primitive.multiple_results))
    results = [*map(read, jaxpr.outvars)]

    def run(given: Sequence[Any]) -> list[Any]:
        values = [*given, *start[first:]]
        for function, ins, outs, several in calls:
            found = function(*[values[i] for i in ins])
            if several:
                for at, x in zip(outs, found, strict=True):
                    values[at] = x
            else:
                values[outs[0]] = found
        return [values[i] for i in results]

    return run, [of(v) for v in jaxpr.outvars]


def _called(eqn: Any, origins: list[Origin], trusted: bool) -> tuple[Function, list[Origin]]:
    """What an equation does, and the origins of its results."""
    name, params = eqn.primitive.name, eqn.params
    if eqn.effects:
        raise Inexact
    if _is_threefry(eqn):
        rounds = int(params["name"].removeprefix(THREEFRY))
        return lambda k, l, x, y: threefry((k, l), (x, y), rounds=rounds), [_PLAIN, _PLAIN]
    if _is_standard_normal(eqn):
        return lambda *given: [_normals.known(*given)], [_PLAIN]
    if (inner := called(name, params)) is not None:
        alone = name == "jit" and params["name"].startswith(SINGLE_ROUNDED)
        run, out = _program(*inner, origins, trusted=trusted or alone)
        return lambda *given: run(given), out
    if name == "platform_index":
        return lambda: cpu_branch(params["platforms"]), [_PLAIN]
    if name == "threefry2x32":
        return lambda k, l, x, y: threefry((k, l), (x, y), rounds=20), [_PLAIN, _PLAIN]
    if name == "random_unwrap":
        return lambda key: key.words, [_PLAIN]
    if name == "random_wrap":
        return lambda words: _Key(words, params["impl"].name), [_PLAIN]
    if name in _LOOPS:
        return _LOOPS[name](eqn, origins, trusted)
    kinds = {kind(v.aval) for v in (*eqn.invars, *eqn.outvars)}
    if name not in RULES or "k" in kinds or ("c" in kinds and name not in MOVES):
        raise Inexact
    floats = kind(eqn.outvars[0].aval) in "fc"
    rounded = floats and any(x.rounded for x in origins)
    size = eqn.outvars[0].aval.size
    shared = [x.shared or v.aval.size < size for x, v in zip(origins, eqn.invars, strict=True)]
    if name in ARITHMETIC and floats and not trusted:
        # two operations may become one; division by what many numbers share, multiplication with the inverse
        if rounded or (name == "div" and size > 1 and shared[1]):
            raise Inexact
    return RULES[name](eqn), [Origin(rounded or (floats and name in ARITHMETIC), all(shared))] * len(eqn.outvars)


def _is_threefry(eqn: Any) -> bool:
    """Mixes words as they come; in a batch they may have axes that NumPy would not pair."""
    shapes = {v.aval.shape for v in eqn.invars} - {()}
    return eqn.primitive.name == "jit" and eqn.params["name"].startswith(THREEFRY) and len(shapes) < 2


def _is_standard_normal(eqn: Any) -> bool:
    """Of one stream and step, by a program of XLA, since logarithms and roots are its own."""
    named = eqn.primitive.name == "jit" and eqn.params["name"] == STANDARD_NORMAL
    return named and [v.aval.ndim for v in eqn.invars] == [1, 0, 1]


def _is_key(x: Any) -> bool:
    return jnp.issubdtype(x.dtype, jax.dtypes.prng_key)


# --- loops and branches -----------------------------------------------------------------------------------------------


def _apart(closed: ClosedJaxpr, trusted: bool) -> Function:
    """The body of a loop: what goes in and comes out is in memory, where nothing is compiled across it."""
    return _program(closed.jaxpr, closed.consts, [_PLAIN] * len(closed.jaxpr.invars), trusted=trusted)[0]


def _scan(eqn: Any, origins: list[Origin], trusted: bool) -> tuple[Function, list[Origin]]:
    params, length = eqn.params, eqn.params["length"]
    if not 1 < length <= _TURNS // max(1, len(params["jaxpr"].jaxpr.eqns)):  # of one turn XLA makes no loop
        raise Inexact
    body, first = _apart(params["jaxpr"], trusted), params["num_consts"]
    second = first + params["num_carry"]
    order = range(length)[:: -1 if params["reverse"] else 1]

    def run(*given: Any) -> list[Any]:
        consts, carry, rows = given[:first], list(given[first:second]), given[second:]
        stacked: list[Any] = [None] * length
        for i in order:
            out = body([*consts, *carry, *(x[i] for x in rows)])
            carry, stacked[i] = out[: second - first], out[second - first :]
        return [*carry, *map(np.stack, zip(*stacked, strict=True))]

    return run, [_PLAIN] * len(eqn.outvars)


def _while(eqn: Any, origins: list[Origin], trusted: bool) -> tuple[Function, list[Origin]]:
    params = eqn.params
    first = params["cond_nconsts"]
    second = first + params["body_nconsts"]
    test, body = _apart(params["cond_jaxpr"], trusted), _apart(params["body_jaxpr"], trusted)
    most = _TURNS // max(1, len(params["body_jaxpr"].jaxpr.eqns))

    def run(*given: Any) -> list[Any]:
        carry = list(given[second:])
        for _ in range(most):
            if not test([*given[:first], *carry])[0]:
                return carry
            carry = body([*given[first:second], *carry])
        raise Inexact

    return run, [_PLAIN] * len(eqn.outvars)


def _cond(eqn: Any, origins: list[Origin], trusted: bool) -> tuple[Function, list[Origin]]:
    made = [_program(branch.jaxpr, branch.consts, origins[1:], trusted=trusted) for branch in eqn.params["branches"]]
    out = [Origin(*map(any, zip(*some, strict=True))) for some in zip(*(found for _, found in made), strict=True)]
    return lambda which, *given: made[min(max(int(which), 0), len(made) - 1)][0](given), out


_LOOPS = {"scan": _scan, "while": _while, "cond": _cond}
