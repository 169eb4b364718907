"""Sums, products and the like over axes, running sums, the first largest, and products of matrices."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from .elementwise import RULES as ELEMENTWISE
from .elementwise import c_type, local_type
from .memory import Scalar
from .program import Op, Unsupported
from .shapes import cut, mapped, strides_of
from .writer import Writer

_STARTS = {"reduce_sum": "0", "reduce_or": "0", "reduce_prod": "1", "reduce_and": "1", "reduce_xor": "0"}
_SIGNS = {"reduce_sum": "+", "reduce_or": "|", "reduce_prod": "*", "reduce_and": "&", "reduce_xor": "^"}


def _first(op: Op) -> str:
    """What a reduction starts with."""
    dtype = op.outs[0].dtype
    if op.name in _STARTS:
        return "-1" if op.name == "reduce_and" and dtype.kind != "b" else _STARTS[op.name]
    low = op.name == "reduce_max"
    if dtype.kind == "b":
        return "0" if low else "1"
    if dtype.kind == "f":
        return "-INFINITY" if low else "INFINITY"
    limits = np.iinfo(dtype)
    return f"({c_type(dtype)}){limits.min if low else limits.max}{'ULL' if dtype.kind == 'u' else 'LL'}" if not (
        low and dtype.name == "int64"
    ) else "INT64_MIN"  # fmt: skip


def _step(op: Op, total: str, x: str) -> str:
    if op.name in _SIGNS:
        return f"{total} = {total} {_SIGNS[op.name]} {x};"
    name = "max" if op.name == "reduce_max" else "min"
    out = op.outs[0]
    if out.dtype.kind == "b":
        return f"{total} = {total} {'|' if name == 'max' else '&'} {x};"
    return f"{total} = {ELEMENTWISE[name](Op(name, (out, out), (out,), {}), total, x)};"


def reduce(w: Writer, op: Op) -> None:
    """One result for each element of the axes that stay; partial sums side by side where the order is free."""
    (out,), given, axes = op.outs, op.ins[0], op.params["axes"]
    at, _ = w.reader(given)
    dense = strides_of(given.shape)
    stay = [axis for axis in range(len(given.shape)) if axis not in axes]
    gone = [given.shape[axis] for axis in axes]
    inner = mapped("j", gone, [dense[axis] for axis in axes])
    kind, count = local_type(out.dtype), math.prod(gone)
    simd = "#pragma omp simd reduction({}:{})"

    def total(place: str) -> str:
        name = w.name("s")
        w.line(f"{kind} {name} = {_first(op)};")
        if op.name in _SIGNS and out.dtype.kind != "c":
            w.line(simd.format(_SIGNS[op.name], name))
        w.line(f"for (int64_t j = 0; j < {count}; j++) {_step(op, name, at(place))}")
        return name

    if out.size == 1:
        return w.bind(out, Scalar(total(inner)))
    place = w.aside(out.dtype, out.size)
    outer = mapped("i", [given.shape[axis] for axis in stay], [dense[axis] for axis in stay])
    with w.braces(f"for (int64_t i = 0; i < {out.size}; i++)"):
        w.line(f"{place.pointer}[i] = {total(f'({outer}) + ({inner})')};")
    w.bind(out, place)


def argument(w: Writer, op: Op) -> None:
    """The first index of the largest or smallest element; NaN is both. Of truth values, the first that is true."""
    (out,), given, (axis,) = op.outs, op.ins[0], op.params["axes"]
    at, _ = w.reader(given)
    dense, n = strides_of(given.shape), given.shape[axis]
    stay = [a for a in range(len(given.shape)) if a != axis]
    kind, sign = local_type(given.dtype), ">" if op.name == "argmax" else "<"

    def found(start: str) -> str:
        name, best = w.name("s"), w.name("s")
        place = f"({start}) + j * {dense[axis]}"
        w.line(f"{local_type(out.dtype)} {name} = 0;")
        if given.dtype.kind == "b":
            wanted = "" if op.name == "argmax" else "!"
            w.line(f"for (int64_t j = 0; j < {n}; j++) if ({wanted}{at(place)}) {{ {name} = j; break; }}")
            return name
        w.line(f"{kind} {best} = {at(start)};")
        with w.braces(f"for (int64_t j = 1; j < {n}; j++)"):
            x = w.name("x")
            nan = f" || ({x} != {x} && {best} == {best})" if given.dtype.kind == "f" else ""
            w.line(f"const {kind} {x} = {at(place)};")
            w.line(f"if ({x} {sign} {best}{nan}) {name} = j, {best} = {x};")
        return name

    if out.size == 1:
        return w.bind(out, Scalar(found("0")))
    target = w.aside(out.dtype, out.size)
    outer = mapped("i", [given.shape[a] for a in stay], [dense[a] for a in stay])
    with w.braces(f"for (int64_t i = 0; i < {out.size}; i++)"):
        w.line(f"{target.pointer}[i] = {found(outer)};")
    w.bind(out, target)


def first_word(w: Writer, op: Op) -> None:
    """The first word that is not 0, or 0: where the next spike is looked for."""
    (out,), (words,) = op.outs, op.ins
    w.bind(out, w.number(out.dtype, f"first_word({w.memory(words).pointer}, {math.prod(words.shape)})"))


_RUNNING = {"cumsum": "add", "cumprod": "mul", "cummax": "max", "cummin": "min"}


def running(w: Writer, op: Op) -> None:
    """Along one axis, each element combined with all before it (or behind it)."""
    (out,), given, axis, back = op.outs, op.ins[0], op.params["axis"], op.params["reverse"]
    at, _ = w.reader(given)
    place, dense, n = w.aside(out.dtype, out.size), strides_of(given.shape), given.shape[axis]
    stay = [a for a in range(len(given.shape)) if a != axis]
    outer = mapped("i", [given.shape[a] for a in stay], [dense[a] for a in stay])
    like, step = Op(_RUNNING[op.name], (out, out), (out,), {}), dense[axis]
    with w.braces(f"for (int64_t i = 0; i < {out.size // n}; i++)"):
        w.line(f"const int64_t begin = {outer} + {(n - 1) * step if back else 0};")
        w.line(f"{local_type(out.dtype)} total = {at('begin')};")
        w.line(f"{place.pointer}[begin] = total;")
        with w.braces(f"for (int64_t j = 1; j < {n}; j++)"):
            here = f"begin {'-' if back else '+'} j * {step}"
            w.line(f"total = {ELEMENTWISE[like.name](like, 'total', at(here))};")
            w.line(f"{place.pointer}[{here}] = total;")
    w.bind(out, place)


def matrix_product(w: Writer, op: Op) -> None:
    """`sum_k a[b, i, k] c[b, k, j]`, the innermost loop along the densest axis of `c` that stays."""
    (out,), (a, c) = op.outs, op.ins
    (over_a, over_c), (batch_a, batch_c) = op.params["dimension_numbers"]
    rest = lambda x, *used: [axis for axis in range(len(x.shape)) if all(axis not in some for some in used)]
    left, right = rest(a, over_a, batch_a), rest(c, over_c, batch_c)
    first, second = w.memory(a), w.memory(c)
    part = lambda x, axes, i: mapped(i, [x.shape[axis] for axis in axes], [strides_of(x.shape)[axis] for axis in axes])
    count = lambda x, axes: math.prod(x.shape[axis] for axis in axes)
    batch, m, n, k = count(a, batch_a), count(a, left), count(c, right), count(a, over_a)
    place, kind = w.aside(out.dtype, out.size), c_type(out.dtype)
    w.line(f"memset({place.pointer}, 0, {out.nbytes});")
    with w.braces(f"for (int64_t b = 0; b < {batch}; b++)"), w.braces(f"for (int64_t i = 0; i < {m}; i++)"):
        w.line(f"{kind} *const to = {place.pointer} + (b * {m} + i) * {n};")
        with w.braces(f"for (int64_t k = 0; k < {k}; k++)"):
            place_a = f"{part(a, batch_a, 'b')} + {part(a, left, 'i')} + {part(a, over_a, 'k')}"
            w.line(f"const {kind} x = {first.pointer}[{place_a}];")
            w.line("#pragma GCC ivdep")
            place_c = f"{part(c, batch_c, 'b')} + {part(c, over_c, 'k')} + {part(c, right, 'j')}"
            w.line(f"for (int64_t j = 0; j < {n}; j++) to[j] += x * {second.pointer}[{place_c}];")
    w.bind(out, place)


def split(w: Writer, op: Op) -> None:
    """`jnp.split`: slices one behind the other."""
    given, axis, at = op.ins[0], op.params["axis"], 0
    for out, size in zip(op.outs, op.params["sizes"], strict=True):
        start = [0] * len(given.shape)
        start[axis] = at
        cut(w, Op("slice", op.ins, (out,), {"start_indices": start, "strides": None}))
        at += size


def _of_numbers(rule: Callable[[Writer, Op], None]) -> Callable[[Writer, Op], None]:
    def checked(w: Writer, op: Op) -> None:
        if any(x.dtype.kind == "c" for x in op.ins):
            raise Unsupported(f"{op.name} of complex numbers")
        if any(math.prod(x.shape) == 0 for x in op.ins):
            raise Unsupported(f"{op.name} of arrays without elements")
        rule(w, op)

    return checked


_REDUCTIONS: Sequence[str] = (*_SIGNS, "reduce_max", "reduce_min")
RULES: dict[str, Callable[[Writer, Op], None]] = {
    **dict.fromkeys(_REDUCTIONS, _of_numbers(reduce)), **dict.fromkeys(("argmax", "argmin"), _of_numbers(argument)),
    **dict.fromkeys(_RUNNING, _of_numbers(running)), "dot_general": _of_numbers(matrix_product), "split": split,
    "first_word": first_word,
}  # fmt: skip
