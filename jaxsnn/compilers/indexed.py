"""Reads and writes at places that are computed: slices, gathers, scatters, and the slots of a ring."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from jax.lax import GatherScatterMode

from .elementwise import RULES as ELEMENTWISE
from .elementwise import literal, local_type
from .indices import Indices
from .loops import Loop, rest
from .memory import Memory
from .program import Atom, Op, Unsupported, Value
from .shapes import mapped, strides_of
from .writer import Put, Writer


def _start(w: Writer, starts: list[Atom], shape: tuple[int, ...], sizes: tuple[int, ...]) -> str:
    """The place of a corner, moved to where the slice lies within the array."""
    terms = []
    for start, n, size, step in zip(starts, shape, sizes, strides_of(shape), strict=True):
        if n == size:
            continue
        text = w.scalar(start)
        inside = f"({text} < 0 ? 0 : {text} > {n - size} ? {n - size} : {text})"
        terms.append(f"(int64_t){inside} * {step}" if step > 1 else f"(int64_t){inside}")
    if not terms:
        return "0"
    name = w.name("p")
    w.line(f"const int64_t {name} = {' + '.join(terms)};")
    return name


def _part(w: Writer, out: Value, given: Atom, start: str) -> None:
    """A slice from a computed corner on: a view of memory where it lies in one piece."""
    if out.size == 1:
        at, _ = w.reader(given)
        return w.bind(out, w.number(out.dtype, at(start)))
    found = w.settled(given)
    place = mapped("i", out.shape, strides_of(given.shape), start)
    if isinstance(found, Memory) and place in ("i", f"{start} + i"):
        return w.bind(out, found.piece(start))
    at, roots = w.reader(given)
    w.virtual(out, lambda i: at(mapped(i, out.shape, strides_of(given.shape), start)), roots)


def dynamic_slice(w: Writer, op: Op) -> None:
    """A slice from computed indices on."""
    given, *starts = op.ins
    _part(w, op.outs[0], given, _start(w, starts, given.shape, op.params["slice_sizes"]))


def read_slot(w: Writer, op: Op) -> None:
    """A slot of a ring."""
    given, at = op.ins
    if len(given.shape) != 1:
        raise Unsupported("slots of several rings")
    _part(w, op.outs[0], given, _start(w, [at], given.shape, op.outs[0].shape))
    if isinstance(found := w.env[op.outs[0]], Memory):
        w.slots.read(w, op, found)


def _put(w: Writer, op: Op, given: Atom, values: Atom, starts: list[Atom]) -> None:
    """Values into a part of an array, in place if nothing reads the old one later."""
    start, (out,) = _start(w, starts, given.shape, values.shape), op.outs
    dense, size = strides_of(given.shape), math.prod(values.shape)
    source = w.settled(values)
    if isinstance(source, Memory) and isinstance(given, Value):
        under = w.env[given]
        if isinstance(under, Memory) and source.root is under.root and isinstance(values, Value):
            w.rescue(values)
    place = w.own(given)
    source = w.settled(values)
    to = mapped("i", values.shape, dense, start)
    if isinstance(source, Memory) and to in ("i", f"{start} + i"):
        w.line(f"copy({place.pointer} + {start}, {source.pointer}, {size * out.dtype.itemsize});")
    else:
        text, _ = w.reader(values)
        w.rounds(size, [f"{place.pointer}[{to}] = {text('i')};"], free=True)
    w.bind(out, place)


def dynamic_update_slice(w: Writer, op: Op) -> None:
    """A slice that is replaced."""
    given, values, *starts = op.ins
    _put(w, op, given, values, starts)


def write_slot(w: Writer, op: Op) -> None:
    """A slot of a ring that is replaced."""
    given, values, at = op.ins
    if len(given.shape) != 1:
        raise Unsupported("slots of several rings")
    found = w.settled(given)
    slot = w.slots.expected(given, found.root, w.frames[-1].at[0]) if isinstance(found, Memory) else None
    if slot is None:
        return _put(w, op, given, values, [at])
    start, place = _start(w, [at], given.shape, values.shape), w.own(given)  # which writes the loops that read the slot
    for first, last in rest(slot.done, slot.size):
        w.rounds(last - first, [f"{place.pointer}[{start} + {first} + i] = {slot.number};"], free=True)
    del w.slots.by_root[slot.memory.root]
    w.bind(op.outs[0], place)


# --- gathers and scatters ---------------------------------------------------------------------------------------------


def gather(w: Writer, op: Op) -> None:
    """Elements or rows at given indices, in the loop of their size."""
    (out,), (operand, indices), numbers = op.outs, op.ins, op.params["dimension_numbers"]
    if numbers.operand_batching_dims:
        raise Unsupported("a gather with batch dimensions")
    mode = op.params["mode"]
    sizes, axes = op.params["slice_sizes"], numbers.start_index_map
    places = Indices(op, operand, numbers.offset_dims, sizes, axes, mode)
    given = op.params["fill_value"]
    fill = "0" if given is None else literal(np.asarray(given, out.dtype))
    if mode == GatherScatterMode.FILL_OR_DROP and given is None:
        fill = {"f": "NAN", "i": f"((int64_t)1 << {8 * out.dtype.itemsize - 1})", "u": "-1"}.get(out.dtype.kind, "1")
    read, roots = w.reader(operand)
    if out.size == 1:
        index, _ = w.reader(indices)
        lines, place, inside = places.lines("0", index, w.name)
        for text in lines:
            w.line(text)
        return w.bind(out, w.number(out.dtype, f"{inside} ? {read(place)} : {fill}" if inside else read(place)))
    # part of the loop of its size: the index is computed in the same round where it has one part
    alone = len(axes) == 1 and math.prod(indices.shape) == out.size
    if not alone:
        w.settled(indices)
    loop = w.loop_of(out.size)
    if alone:
        text = w.element(loop, indices)
        if loop is not w.waiting.get(out.size):
            loop = w.loop_of(out.size)
            text = w.element(loop, indices)
        index = lambda place: text
    else:
        index, more = w.reader(indices)
        for root in more:
            loop.reading(root, None)
    lines, place, inside = places.lines("i", index, w.name)
    loop.lines += lines
    for root in roots:
        loop.reading(root, None)
    value = read(place)
    w.local(loop, out, f"{inside} ? {value} : ({local_type(out.dtype)}){fill}" if inside else value)


_MANY = 32  # elements from which on they are scattered in blocks
_COMBINE = {"scatter": "=", "scatter-add": "+=", "scatter_add": "+="}


def scatter(w: Writer, op: Op) -> None:
    """Elements or rows set or combined at given indices, one after the other, as indices may repeat."""
    (out,), (operand, indices, updates), numbers = op.outs, op.ins, op.params["dimension_numbers"]
    if numbers.operand_batching_dims:
        raise Unsupported("a scatter with batch dimensions")
    mode, axes, count = op.params["mode"], numbers.scatter_dims_to_operand_dims, math.prod(updates.shape)
    inserted = numbers.inserted_window_dims
    inside = [axis for axis in range(len(operand.shape)) if axis not in inserted]
    sizes = [1] * len(operand.shape)
    for own, axis in zip(numbers.update_window_dims, inside, strict=True):
        sizes[axis] = updates.shape[own]
    places = Indices(op, operand, numbers.update_window_dims, sizes, axes, mode)
    if op.name in _COMBINE:
        change = lambda at, x: f"{at} {_COMBINE[op.name]} {x};"
    else:
        bare = {"scatter-max": "max", "scatter_max": "max", "scatter-min": "min", "scatter_min": "min",
                "scatter-mul": "mul", "scatter_mul": "mul"}[op.name]  # fmt: skip
        like = Op(bare, (out, out), (out,), {})
        change = lambda at, x: f"{at} = {ELEMENTWISE[bare](like, at, x)};"
    alone = len(axes) == 1 and math.prod(indices.shape) == count  # one index for each element
    for atom in (indices, updates):
        waits = isinstance(atom, Value) and isinstance(loop := w.env[atom], Loop) and loop.size == count
        if not waits or (atom is indices and not alone):
            w.settled(atom)
    under = w.env[operand] if isinstance(operand, Value) else None
    if isinstance(under, Memory):  # what is about to change is read before
        if (loop := w.waiting.get(count)) is not None and under.root in loop.reads:
            w.write(loop)
        for atom in (indices, updates):
            if isinstance(atom, Value) and isinstance(found := w.env[atom], Memory) and found.root is under.root:
                w.rescue(atom)
    place = w.own(operand)
    if count == 1:
        index, _ = w.reader(indices)
        lines, to, inside_ = places.lines("0", index, w.name)
        for text in lines:
            w.line(text)
        value = w.scalar(updates)
        w.line(f"if ({inside_ or 1}) {change(f'{place.pointer}[{to}]', value)}")
        return w.bind(out, place)
    loop = w.loop_of(count)
    text = w.element(loop, indices) if alone else ""
    index, _ = ((lambda _: text), ()) if alone else w.reader(indices)
    value = w.element(loop, updates)
    lines, to, inside_ = places.lines("i", index, w.name)
    if alone and count >= _MANY and math.prod(operand.shape) < 2**31:
        at = lambda place_, x: change(f"{place.pointer}[{place_}]", x)
        w.write(loop, lines, put=Put(to, inside_, value, local_type(updates.dtype), at))
        return w.bind(out, place)
    put = change(f"{place.pointer}[{to}]", value)
    where = loop.outside(text, operand.shape[axes[0]]) if alone and inside_ else ""
    w.write(loop, [*lines, f"if ({inside_}) {put}" if inside_ else put], where)
    w.bind(out, place)


RULES: dict[str, Callable[[Writer, Op], None]] = {
    "dynamic_slice": dynamic_slice, "dynamic_update_slice": dynamic_update_slice, "read_slot": read_slot,
    "write_slot": write_slot, "gather": gather,
    **dict.fromkeys(("scatter", "scatter-add", "scatter_add", "scatter-max", "scatter_max", "scatter-min",
                     "scatter_min", "scatter-mul", "scatter_mul"), scatter),
}  # fmt: skip
