"""Operations on single numbers, as C expressions."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .program import Op, Unsupported

TYPES = {
    "bool": "uint8_t", "float32": "float", "float64": "double", "complex64": "float _Complex",
    "complex128": "double _Complex",
    **{f"{sign}int{bits}": f"{sign}int{bits}_t" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}  # fmt: skip


def c_type(dtype: np.dtype) -> str:
    """The type of a number in memory."""
    if dtype.name not in TYPES:
        raise Unsupported(f"numbers of type {dtype.name}")
    return TYPES[dtype.name]


def local_type(dtype: np.dtype) -> str:
    """The type of a number in a register: truth values as wide as what is chosen by them."""
    return "int32_t" if dtype.kind == "b" else c_type(dtype)


def literal(x: np.ndarray) -> str:
    """A number as C text, exactly."""
    kind, value = x.dtype.kind, x.item()
    if kind == "b":
        return str(int(value))
    if kind in "iu":
        bits = x.dtype.itemsize * 8
        if kind == "i":
            return f"(-{2 ** (bits - 1) - 1}{'LL' if bits > 32 else ''} - 1)" if value == -(2 ** (bits - 1)) else (
                f"(({c_type(x.dtype)}){int(value)}{'LL' if bits > 32 else ''})"
            )  # fmt: skip
        return f"(({c_type(x.dtype)}){int(value)}{'ULL' if bits > 32 else 'U'})"
    if kind == "f":
        suffix = "f" if x.dtype.itemsize == 4 else ""
        if math.isnan(value):
            return "NAN"
        if math.isinf(value):
            return "INFINITY" if value > 0 else "(-INFINITY)"
        return f"({float(value).hex()}{suffix})"
    if kind == "c":
        make = "CMPLXF" if x.dtype.itemsize == 8 else "CMPLX"
        return f"{make}({literal(np.real(x))}, {literal(np.imag(x))})"
    raise Unsupported(f"numbers of type {x.dtype.name}")


def _f(name: str) -> Callable[..., str]:
    """A function that C has, in single and double precision."""
    return lambda op, *args: f"{name}{'f' if _kind(op) == 'float32' else ''}({', '.join(args)})"


def _own(name: str) -> Callable[..., str]:
    """A function of `numbers.h`, by type."""
    return lambda op, *args: f"{name}_{_SHORT[_kind(op)]}({', '.join(args)})"


_SHORT = {
    "float32": "f32", "float64": "f64", "bool": "u8",
    **{f"{sign}int{bits}": f"{sign[:1] or 'i'}{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}  # fmt: skip


def _kind(op: Op) -> str:
    return op.ins[-1].dtype.name


def _infix(sign: str) -> Callable[..., str]:
    def text(op: Op, a: str, b: str) -> str:
        plain = f"{a} {sign} {b}"
        narrow = op.outs[0].dtype.kind in "iu" and op.outs[0].dtype.itemsize < 4  # C computes in 32 bits
        return f"({c_type(op.outs[0].dtype)})({plain})" if narrow else f"({plain})"

    return text


def _select(op: Op, which: str, *cases: str) -> str:
    out = cases[-1]
    if op.ins[0].dtype.kind == "b":
        return f"({which} ? {cases[1]} : {cases[0]})"
    for i in range(len(cases) - 2, -1, -1):
        out = f"({which} == {i} ? {cases[i]} : {out})"
    return out


def _convert(op: Op, x: str) -> str:
    old, new = op.ins[0].dtype, op.outs[0].dtype
    if new.kind == "b":
        return f"({x} != 0)"
    if old.kind == "f" and new.kind in "iu":
        return f"{_SHORT[new.name]}_of_{_SHORT[old.name]}({x})"
    return f"(({c_type(new)}){x})"


def _integer_pow(op: Op, x: str) -> str:
    y = op.params["y"]
    kind = _SHORT[op.outs[0].dtype.name]
    return f"power_{kind}({x}, {y})"


def _rounded(op: Op, x: str) -> str:
    even = int(op.params["rounding_method"]) == 1
    return (_f("rint") if even else _f("round"))(op, x)


def _divided(op: Op, a: str, b: str) -> str:
    if op.outs[0].dtype.kind in "fc":
        return f"({a} / {b})"
    if isinstance(op.ins[1], np.ndarray) and int(op.ins[1]) > 0:
        return f"({a} / {b})"
    return _own("quotient")(op, a, b)


def _remainder(op: Op, a: str, b: str) -> str:
    if op.outs[0].dtype.kind == "f":
        return _f("fmod")(op, a, b)
    if isinstance(op.ins[1], np.ndarray) and int(op.ins[1]) > 0:
        return f"({a} % {b})"
    return _own("remainder")(op, a, b)


def _not(op: Op, x: str) -> str:
    return f"(!{x})" if op.outs[0].dtype.kind == "b" else f"(({c_type(op.outs[0].dtype)})~{x})"


def _complex(part: str) -> Callable[..., str]:
    return lambda op, z: f"c{part}{'f' if op.ins[0].dtype.itemsize == 8 else ''}({z})"


def _ordered(sign: str) -> Callable[..., str]:
    """Comparison in the order of all floats: -NaN, -inf, ..., -0, 0, ..., inf, NaN."""

    def text(op: Op, a: str, b: str) -> str:
        if op.ins[0].dtype.kind != "f":
            return f"({a} {sign} {b})"
        kind = _SHORT[_kind(op)]
        return f"(rank_{kind}({a}) {sign} rank_{kind}({b}))"

    return text


def _absolute(op: Op, x: str) -> str:
    kind = op.outs[0].dtype.kind
    return x if kind == "u" else _f("fabs")(op, x) if kind == "f" else f"({x} < 0 ? -{x} : {x})"


def _bitcast(op: Op, x: str) -> str:
    old, new = op.ins[0].dtype, op.outs[0].dtype
    if old.itemsize != new.itemsize:
        raise Unsupported("bitcast_convert_type between numbers of different size")
    return (
        f"{_SHORT[new.name]}_from_{_SHORT[old.name]}({x})" if "f" in (old.kind, new.kind) else f"(({c_type(new)}){x})"
    )


RULES: dict[str, Callable[..., str]] = {
    **{name: _infix(sign) for name, sign in {
        "add": "+", "add_any": "+", "sub": "-", "mul": "*", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">",
        "ge": ">=", "and": "&", "or": "|", "xor": "^",
    }.items()},
    **{name: _f(name) for name in (
        "sqrt", "cbrt", "floor", "ceil", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "asinh",
        "acosh", "atanh", "pow", "erf", "erfc", "exp2", "lgamma", "nextafter", "tanh", "log1p",
    )},
    **{name: _own(c) for name, c in {
        "exp": "exponential", "expm1": "exponential_m1", "log": "logarithm", "logistic": "logistic", "rsqrt": "rsqrt",
        "max": "maximum", "min": "minimum", "sign": "sign", "population_count": "ones", "clz": "leading_zeros",
        "shift_left": "left", "shift_right_logical": "right", "shift_right_arithmetic": "right_signed",
    }.items()},
    "lt_to": _ordered("<"),
    "le_to": _ordered("<="),
    "div": _divided,
    "rem": _remainder,
    "not": _not,
    "abs": _absolute,
    "neg": lambda op, x: f"(-{x})",
    "square": lambda op, x: f"({x} * {x})",
    "integer_pow": _integer_pow,
    "round": _rounded,
    "select_n": _select,
    "convert_element_type": _convert,
    "bitcast_convert_type": _bitcast,
    "is_finite": lambda op, x: f"(({x} - {x}) == 0)",
    "clamp": lambda op, low, x, high: _own("minimum")(op, _own("maximum")(op, low, x), high),
    "real": _complex("real"),
    "imag": _complex("imag"),
    "conj": _complex("onj"),
    "complex": lambda op, a, b: f"CMPLX{'F' if op.outs[0].dtype.itemsize == 8 else ''}({a}, {b})",
}  # fmt: skip


def expression(op: Op, args: list[str]) -> str:
    """The operation on one element of each operand."""
    return RULES[op.name](op, *args)
