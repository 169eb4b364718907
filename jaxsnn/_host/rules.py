"""What NumPy does of each primitive, and where its bits would not be those of a compiled program.

A rule is made for one equation and is then a function of NumPy arrays. Single operations of IEEE 754 round alike
everywhere. Programs differ where XLA makes one operation of several (a product and a sum), where it divides by
multiplying with an inverse, where it takes a denormal number as zero, and in its transcendental functions: `Inexact`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Literal

from . import indexed, moves
from .inexact import Inexact as Inexact
from .inexact import normal

Rule = Callable[[Any], Callable[..., Any]]


def kind(aval: Any) -> str:
    """b, i, u, f or c as NumPy's; a key's is k. Other numbers are left to XLA."""
    if jnp.issubdtype(aval.dtype, jax.dtypes.prng_key):
        return "k"
    found = np.dtype(aval.dtype)
    if found.kind not in "biufc" or found.name == "float16":
        raise Inexact
    return found.kind


def _always(function: Callable[..., Any]) -> Rule:
    return lambda _: function


def _compared(function: Callable[..., Any]) -> Rule:
    def rule(eqn: Any) -> Callable[..., Any]:
        if kind(eqn.invars[0].aval) != "f":
            return function
        return lambda *args: function(*map(normal, args))

    return rule


def _arithmetic(function: Callable[..., Any]) -> Rule:
    """Whole numbers wrap around, in both."""

    def rule(eqn: Any) -> Callable[..., Any]:
        if kind(eqn.invars[0].aval) != "f":
            return function
        return lambda *args: normal(function(*map(normal, args)))

    return rule


def _whole(function: Callable[..., Any]) -> Rule:
    """Of whole numbers and truth values only."""

    def rule(eqn: Any) -> Callable[..., Any]:
        if kind(eqn.invars[0].aval) == "f":
            raise Inexact
        return function

    return rule


def _divided(eqn: Any) -> Callable[..., Any]:
    if kind(eqn.invars[0].aval) == "f":
        return _arithmetic(np.divide)(eqn)

    def quotient(a: Any, b: Any) -> Any:
        if not np.all(b):
            raise Inexact
        return np.subtract(a, np.fmod(a, b)) // b  # towards zero

    return quotient


def _remainder(eqn: Any) -> Callable[..., Any]:
    def remainder(a: Any, b: Any) -> Any:
        if not np.all(b):
            raise Inexact
        return np.fmod(a, b)

    return _whole(remainder)(eqn)


def _converted(eqn: Any) -> Callable[..., Any]:
    before, after = kind(eqn.invars[0].aval), kind(eqn.outvars[0].aval)
    dtype = np.dtype(eqn.params["new_dtype"])
    if before == "f" and after in "iu":
        ends = np.iinfo(dtype)

        def whole(x: Any) -> Any:
            if not np.all((x > float(ends.min) - 1) & (x < float(ends.max))):  # also of NaN
                raise Inexact
            return np.asarray(x).astype(dtype)

        return whole
    if before == "f" and after in "fb":
        return lambda x: normal(np.asarray(normal(x)).astype(dtype))
    return lambda x: np.asarray(x).astype(dtype)


def _same_bits(eqn: Any) -> Callable[..., Any]:
    dtype = np.dtype(eqn.params["new_dtype"])
    if dtype.itemsize != np.dtype(eqn.invars[0].aval.dtype).itemsize:
        raise Inexact
    return lambda x: np.asarray(x).view(dtype)


def _chosen(eqn: Any) -> Callable[..., Any]:
    if len(eqn.invars) != 3:
        raise Inexact
    return lambda which, first, second: np.where(which, second, first)


def _power(eqn: Any) -> Callable[..., Any]:
    if eqn.params["y"] < 0 or (kind(eqn.invars[0].aval) == "f" and eqn.params["y"] > 2):
        raise Inexact
    return _arithmetic(lambda x: x ** np.asarray(eqn.params["y"], x.dtype))(eqn)


def _shifted(function: Callable[..., Any], logical: bool) -> Rule:
    def rule(eqn: Any) -> Callable[..., Any]:
        dtype = np.dtype(eqn.outvars[0].aval.dtype)
        bits, unsigned = dtype.itemsize * 8, np.dtype(f"u{dtype.itemsize}")

        def shifted(x: Any, by: Any) -> Any:
            if logical:
                return function(np.asarray(x).view(unsigned), np.asarray(by).astype(unsigned)).view(dtype)
            return function(x, by)

        def checked(x: Any, by: Any) -> Any:
            if not np.all((by >= 0) & (by < bits)):  # where processors differ
                raise Inexact
            return shifted(x, by)

        by = eqn.invars[1]
        if not isinstance(by, Literal):
            return checked
        if not 0 <= int(by.val) < bits:
            raise Inexact
        return function if dtype == unsigned else shifted

    return rule


def _reduced(function: Any, floats: bool) -> Rule:
    def rule(eqn: Any) -> Callable[..., Any]:
        if kind(eqn.invars[0].aval) == "f" and not floats:
            raise Inexact
        axes, dtype = tuple(eqn.params["axes"]), eqn.outvars[0].aval.dtype
        if floats and kind(eqn.invars[0].aval) == "f":
            if any(eqn.invars[0].aval.shape[axis] == 0 for axis in axes):
                raise Inexact
            return lambda x: function.reduce(normal(x), axis=axes)
        if function in (np.minimum, np.maximum):
            if any(eqn.invars[0].aval.shape[axis] == 0 for axis in axes):
                raise Inexact
            return lambda x: function.reduce(x, axis=axes)
        return lambda x: function.reduce(x, axis=axes, dtype=dtype)

    return rule


def _cumulated(function: Any) -> Rule:
    def rule(eqn: Any) -> Callable[..., Any]:
        if kind(eqn.invars[0].aval) == "f":
            raise Inexact
        axis, dtype = eqn.params["axis"], eqn.outvars[0].aval.dtype
        if eqn.params["reverse"]:
            return lambda x: np.flip(function.accumulate(np.flip(x, axis), axis=axis, dtype=dtype), axis)
        return lambda x: function.accumulate(x, axis=axis, dtype=dtype)

    return rule


def _first_of(function: Callable[..., Any]) -> Rule:
    def rule(eqn: Any) -> Callable[..., Any]:
        if kind(eqn.invars[0].aval) == "f" or len(eqn.params["axes"]) != 1:
            raise Inexact
        (axis,), dtype = eqn.params["axes"], eqn.params["index_dtype"]
        return lambda x: function(x, axis=axis).astype(dtype)

    return rule


ARITHMETIC = frozenset(
    {"add", "sub", "mul", "div", "square", "integer_pow", "scatter-add", "scatter_add"}
)  # of floats: rounded results


def _joined(eqn: Any) -> Callable[..., Any]:
    dtype = eqn.outvars[0].aval.dtype

    def joined(real: Any, imag: Any) -> Any:
        out = np.empty(np.shape(real), dtype)
        out.real, out.imag = real, imag
        return out

    return joined


# What may be done to numbers of any kind, also to complex ones.
MOVES: dict[str, Rule] = {
    **dict.fromkeys(("copy", "copy_p", "stop_gradient"), _always(lambda x: x)),
    **dict.fromkeys(("optimization_barrier", "status_report"), _always(lambda *xs: list(xs))),
    "select_n": _chosen,
    "complex": _joined,
    "real": _always(np.real),
    "imag": _always(np.imag),
    **moves.RULES,
}

RULES: dict[str, Rule] = {
    **MOVES,
    "add": _arithmetic(np.add),
    "sub": _arithmetic(np.subtract),
    "mul": _arithmetic(np.multiply),
    "square": _arithmetic(np.square),
    "div": _divided,
    "rem": _remainder,
    "neg": _always(np.negative),
    "abs": _always(np.abs),
    "sign": _whole(np.sign),
    "floor": _compared(np.floor),
    "ceil": _compared(np.ceil),
    "is_finite": _always(np.isfinite),
    "max": _compared(np.maximum),
    "min": _compared(np.minimum),
    "eq": _compared(np.equal),
    "ne": _compared(np.not_equal),
    "lt": _compared(np.less),
    "le": _compared(np.less_equal),
    "gt": _compared(np.greater),
    "ge": _compared(np.greater_equal),
    "and": _always(np.bitwise_and),
    "or": _always(np.bitwise_or),
    "xor": _always(np.bitwise_xor),
    "not": _always(np.invert),
    "shift_left": _shifted(np.left_shift, True),
    "shift_right_logical": _shifted(np.right_shift, True),
    "shift_right_arithmetic": _shifted(np.right_shift, False),
    "population_count": lambda eqn: lambda x: np.bitwise_count(x).astype(eqn.outvars[0].aval.dtype),
    "clamp": _compared(lambda low, x, high: np.minimum(np.maximum(x, low), high)),
    "integer_pow": _power,
    "convert_element_type": _converted,
    "bitcast_convert_type": _same_bits,
    "reduce_and": _reduced(np.logical_and, False),
    "reduce_or": _reduced(np.logical_or, False),
    "reduce_sum": _reduced(np.add, False),
    "reduce_max": _reduced(np.maximum, True),
    "reduce_min": _reduced(np.minimum, True),
    "cumsum": _cumulated(np.add),
    "cummax": _cumulated(np.maximum),
    "cummin": _cumulated(np.minimum),
    "argmax": _first_of(np.argmax),
    "argmin": _first_of(np.argmin),
    **indexed.RULES,
}
