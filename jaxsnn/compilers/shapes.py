"""Operations that only say where elements are: broadcasts, slices, transposes, joins. Most of them move nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from .elementwise import local_type
from .loops import BITS, Loop, Packed, rest
from .memory import Memory, Scalar
from .program import Atom, Op, Unsupported, Value
from .writer import Writer


def strides_of(shape: Sequence[int]) -> list[int]:
    """Elements from one index to the next, of arrays whose last axis is the densest."""
    return [math.prod(shape[i + 1 :]) for i in range(len(shape))]


def mapped(i: str, out: Sequence[int], steps: Sequence[int], start: int | str = 0) -> str:
    """The place of element `i` of an array of shape `out`, `steps` apart along each axis, from `start` on."""
    terms = [] if start in (0, "0") else [f"{start}"]
    dense = strides_of(out)
    axes = [axis for axis, n in enumerate(out) if n > 1 and steps[axis]]
    while axes:  # axes that lie one behind the other in both arrays are one
        last = first = axes.pop()
        while axes and axes[-1] == first - 1 and steps[axes[-1]] == steps[first] * out[first]:
            first = axes.pop()
        index = i if dense[last] == 1 else f"({i}) / {dense[last]}"
        span = math.prod(out[first : last + 1])
        if math.prod(out[:first]) > 1:
            index = f"({index}) % {span}"
        terms.append(index if steps[last] == 1 else f"({index}) * {steps[last]}")
    return " + ".join(terms) or "0"


def _moved(w: Writer, op: Op, steps: Sequence[int], start: int = 0) -> None:
    """Element `i` of the result is an element of the operand, at a place that depends on `i` alone."""
    (out,) = op.outs
    at, roots = w.reader(op.ins[0])
    place = lambda i: mapped(i, out.shape, steps, start)
    if (found := w.settled(op.ins[0])) and isinstance(found, Memory) and place("i") in ("i", f"{start} + i"):
        return w.bind(out, found.piece(start))
    w.virtual(out, lambda i: at(place(i)), roots)


def broadcast(w: Writer, op: Op) -> None:
    """Axes that are new or of size 1, repeated; nothing is moved."""
    (out,), given = op.outs, op.ins[0]
    if math.prod(given.shape) == 1:
        text = w.scalar(given)
        return w.bind(out, Scalar(text)) if out.size == 1 else w.virtual(out, lambda i: text)
    dense, steps = strides_of(given.shape), [0] * len(out.shape)
    for axis, to in enumerate(op.params["broadcast_dimensions"]):
        steps[to] = dense[axis] if given.shape[axis] > 1 else 0
    if isinstance(given, Value) and out.size == given.size:
        return reshape(w, op)
    _moved(w, op, steps)


def reshape(w: Writer, op: Op) -> None:
    """The same elements in the same order; what waits in a loop goes on waiting."""
    (out,), given = op.outs, op.ins[0]
    if op.name == "reshape" and op.params["dimensions"] is not None:
        raise Unsupported("reshape with dimensions")
    if isinstance(given, Value) and isinstance(loop := w.env[given], Loop):
        w.local(loop, out, loop.locals[given])
        return
    at = w.settled(given)
    w.virtual(out, at.at, at.roots) if not isinstance(at, Scalar | Memory) else w.bind(out, at)


def cut(w: Writer, op: Op) -> None:
    """A slice between fixed indices."""
    given, strides = op.ins[0], op.params["strides"] or (1,) * len(op.outs[0].shape)
    dense = strides_of(given.shape)
    start = sum(a * b for a, b in zip(op.params["start_indices"], dense, strict=True))
    _moved(w, op, [a * b for a, b in zip(dense, strides, strict=True)], start)


def transpose(w: Writer, op: Op) -> None:
    """Axes in another order."""
    dense = strides_of(op.ins[0].shape)
    _moved(w, op, [dense[axis] for axis in op.params["permutation"]])


def reverse(w: Writer, op: Op) -> None:
    """Axes from their end."""
    shape, dense, axes = op.ins[0].shape, strides_of(op.ins[0].shape), op.params["dimensions"]
    start = sum((shape[axis] - 1) * dense[axis] for axis in axes)
    _moved(w, op, [-step if axis in axes else step for axis, step in enumerate(dense)], start)


def iota(w: Writer, op: Op) -> None:
    """The index along an axis."""
    (out,), axis = op.outs, op.params["dimension"]
    kind, steps = local_type(out.dtype), [0] * len(out.shape)
    steps[axis] = 1
    w.virtual(out, lambda i: f"(({kind})({mapped(i, out.shape, steps)}))")


def _copied(w: Writer, atom: Atom, to: str, out: Sequence[int], start: int) -> None:
    """Copies an array into a part of a larger one of shape `out`, whose corner is at `start`."""
    shape, dense = atom.shape, strides_of(out)
    size = math.prod(shape)
    if size == 0:
        return
    at = w.settled(atom)
    place = mapped("i", shape, dense, start)
    if isinstance(at, Memory) and place in ("i", f"{start} + i"):
        return w.line(f"copy({to} + {start}, {at.pointer}, {size * atom.dtype.itemsize});")
    text = at.text if isinstance(at, Scalar) else f"{at.pointer}[i]" if isinstance(at, Memory) else at.at("i")
    w.line(f"for (int64_t i = 0; i < {size}; i++) {to}[{place}] = {text};")


def concatenate(w: Writer, op: Op) -> None:
    """Parts side by side. One that waits in a loop is written to its place there, and need not be copied."""
    (out,), axis = op.outs, op.params["dimension"]
    row, step = math.prod(out.shape[:axis]) == 1, strides_of(out.shape)[axis]
    parts = [(x, step * sum(y.shape[axis] for y in op.ins[:k])) for k, x in enumerate(op.ins)]
    waits = lambda part: row and isinstance(part, Value) and isinstance(w.env[part], Loop)
    waiting = [(part, start) for part, start in parts if isinstance(part, Value) and waits(part)]
    rest = [(part, start) for part, start in parts if not waits(part)]
    place = None if rest else w.goal_of(out, waiting)
    place = w.aside(out.dtype, out.size) if place is None else place
    for part, start in waiting:
        w.also.setdefault(part, []).append(place.piece(start))
    expect_words(w, out, waiting)
    for part, _ in waiting:
        w.settled(part)
    for part, start in rest:
        _copied(w, part, place.pointer, out.shape, start)
    w.bind(out, place)


def stack(w: Writer, op: Op) -> None:
    """Arrays side by side along a new axis."""
    (out,), axis = op.outs, op.params["axis"]
    place, steps = w.aside(out.dtype, out.size), strides_of(out.shape)
    others = [step for i, step in enumerate(steps) if i != axis]
    for k, part in enumerate(op.ins):
        text, _ = w.reader(part)
        to = mapped("i", part.shape, others, k * steps[axis])
        w.line(f"for (int64_t i = 0; i < {math.prod(part.shape)}; i++) {place.pointer}[{to}] = {text('i')};")
    w.bind(out, place)


def pad(w: Writer, op: Op) -> None:
    """A larger array, filled around the old one."""
    (out,), (given, filler), config = op.outs, op.ins, op.params["padding_config"]
    if any(between or low < 0 or high < 0 for low, high, between in config):
        raise Unsupported("pad between elements, or by less than nothing")
    if all(low == high == 0 for low, high, _ in config):
        return reshape(w, op)
    fill, start = w.scalar(filler), sum(low * step for (low, *_), step in zip(config, strides_of(out.shape)))
    w.settled(given)
    place = w.aside(out.dtype, out.size)
    w.line(f"for (int64_t i = 0; i < {out.size}; i++) {place.pointer}[i] = {fill};")
    _copied(w, given, place.pointer, out.shape, start)
    w.bind(out, place)


def expect_words(w: Writer, out: Value, parts: Sequence[tuple[Value, int]]) -> None:
    """Before the loops of its parts are written: that they pack `out`, too, if a later operation of the block does."""
    frame = w.frames[-1]
    later = any(op.name == "jaxsnn.pack" and op.ins[0] is out for op in frame.block.ops[int(frame.at[0]) :])
    whole = [(part, start) for part, start in parts if part.size % BITS == 0 and start % BITS == 0]
    if later and whole and len(out.shape) == 1 and out.dtype.name in ("float32", "float64"):
        words, done = w.aside(np.dtype(np.uint32), -(-out.size // BITS)), []
        words.root.kept += 1  # it holds nothing that is read before `pack`
        w.words[out] = Packed(words, 0, done)
        for part, start in whole:
            w.words[part] = Packed(words, start // BITS, done)


def pack(w: Writer, op: Op) -> None:
    """Bits of what is not 0, 32 in a word."""
    (out,), (given,) = op.outs, op.ins
    if len(given.shape) != 1:
        return pack_rows(w, op)
    if isinstance(given, Value) and isinstance(w.env[given], Loop):
        expect_words(w, given, [(given, 0)])
    found, whole, kind = w.settled(given), given.size // BITS, given.dtype.name
    direct = isinstance(found, Memory) and kind in ("float32", "float64")
    text, _ = w.reader(given)
    packed = w.words.pop(given, None) if isinstance(given, Value) else None
    if packed is not None:
        packed.words.root.kept -= 1
    place, done = (packed.words, packed.done) if packed is not None else (w.aside(out.dtype, out.size), [])
    left = [(first, last, str(BITS)) for first, last in rest(done, whole)]
    for first, last, bits in (*left, (whole, out.size, str(given.size % BITS))):
        if first == last:
            continue
        with w.braces(f"for (int64_t i = {first}; i < {last}; i++)"):
            if direct and bits == str(BITS):
                assert isinstance(found, Memory)
                w.line(f"{place.pointer}[i] = bits_{'f32' if kind == 'float32' else 'f64'}({found.pointer} + 32 * i);")
            else:
                w.line("uint32_t word = 0;")
                w.line(f"for (int j = 0; j < {bits}; j++) word |= (uint32_t)({text('32 * i + j')} != 0) << j;")
                w.line(f"{place.pointer}[i] = word;")
    w.bind(out, place)


def pack_rows(w: Writer, op: Op) -> None:
    """The same of each row: words along the last axis."""
    (out,), (given,) = op.outs, op.ins
    w.settled(given)
    n, words, (text, _) = given.shape[-1], out.shape[-1], w.reader(given)
    place = w.aside(out.dtype, out.size)
    with w.braces(f"for (int64_t r = 0; r < {out.size // words}; r++) for (int64_t i = 0; i < {words}; i++)"):
        w.line("uint32_t word = 0;")
        w.line(f"for (int j = 0; j < 32 && 32 * i + j < {n}; j++)")
        w.line(f"  word |= (uint32_t)({text(f'({n} * r + 32 * i + j)')} != 0) << j;")
        w.line(f"{place.pointer}[{words} * r + i] = word;")
    w.bind(out, place)


RULES: dict[str, Callable[[Writer, Op], None]] = {
    "broadcast_in_dim": broadcast, "reshape": reshape, "squeeze": reshape, "expand_dims": reshape, "slice": cut,
    "transpose": transpose, "rev": reverse, "iota": iota, "concatenate": concatenate, "stack": stack, "pad": pad,
    "jaxsnn.pack": pack,
}  # fmt: skip
