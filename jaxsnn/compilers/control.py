"""Loops and branches. What a loop carries has one place, where it is updated as far as that is possible."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .elementwise import c_type, local_type
from .memory import Memory, Root, Scalar
from .program import Atom, Block, Op, Value
from .writer import Writer

Home = Memory | Scalar  # the place of what is carried: memory, or a variable


def homes(w: Writer, op: Op, given: Sequence[Atom], outs: Sequence[Value]) -> list[Home]:
    """A place for everything that a loop carries, with what it starts from: the old place if nobody reads it later,
    which a turn of the loop may do.
    """
    found: list[Home] = []
    within = {x for block in op.blocks for x in block.reads()}
    for atom, out in zip(given, outs, strict=True):
        if out.size == 1:
            text, name = w.scalar(atom), w.name("v")
            w.line(f"{local_type(out.dtype)} {name} = {text};")
            found.append(Scalar(name))
            continue
        at = w.env[atom] if isinstance(atom, Value) else None
        mine = isinstance(at, Memory) and isinstance(atom, Value) and at.root.writable and (
            at.pointer == at.root.name and [*at.root.members] == [atom]
            and w.last_use(atom, at.root.members[atom]) and sum(x is atom for x in op.ins) == 1 and atom not in within
        )  # fmt: skip
        place = at if mine else w.copied(w.memory(atom), atom)
        assert isinstance(place, Memory)
        if mine:
            del place.root.members[atom]  # type: ignore[arg-type]
        place.root.kept += 1
        found.append(place)
    return found


def enter(w: Writer, inputs: Sequence[Value], places: Sequence[Home]) -> None:
    """Binds what is carried to its places, within the block that begins."""
    for value, place in zip(inputs, places, strict=True):
        w.env[value], w.born[value] = place, len(w.frames) + 1


def move(w: Writer, outputs: Sequence[Atom], places: Sequence[Home | None]) -> None:
    """Puts the results of a block into their places, all at once."""
    changes: list[str] = []
    variables: list[str] = []  # last, since elements of arrays may be computed from them
    targets = {place.root for place in places if isinstance(place, Memory)}
    for atom, place in zip(outputs, places, strict=True):
        if isinstance(place, Scalar):
            text = w.scalar(atom)
            if text != place.text:
                variables.append(f"{place.text} = {w.number(atom.dtype, text).text};")
        elif isinstance(place, Memory):
            at = w.settled(atom)
            if isinstance(at, Memory) and at.pointer == place.pointer:
                continue
            roots = (at.root,) if isinstance(at, Memory) else getattr(at, "roots", ())
            if targets & set(roots):  # it might be overwritten before it is read
                at = _aside(w, atom)
            size = int(np.prod(atom.shape))
            if isinstance(at, Memory):
                changes.append(f"copy({place.pointer}, {at.pointer}, {size * atom.dtype.itemsize});")
            else:
                text = at.text if isinstance(at, Scalar) else at.at("i")
                changes.append(f"for (int64_t i = 0; i < {size}; i++) {place.pointer}[i] = {text};")
    for text in (*changes, *variables):
        w.line(text)


def _aside(w: Writer, atom: Atom) -> Memory:
    """A copy of a value for as long as the block's results are moved."""
    text, _ = w.reader(atom)
    size = int(np.prod(atom.shape))
    new = w.aside(atom.dtype, size)
    w.line(f"for (int64_t i = 0; i < {size}; i++) {new.pointer}[i] = {text('i')};")
    return new


def leave(w: Writer, outs: Sequence[Value], places: Sequence[Home]) -> None:
    """What was carried is now the result of the loop."""
    for out, place in zip(outs, places, strict=True):
        if isinstance(place, Memory):
            place.root.kept -= 1
        w.bind(out, place)


def body(w: Writer, block: Block, places: Sequence[Home | None]) -> None:
    """The operations of a block, and its results in their places."""
    w.block(block, [place if isinstance(place, Memory) else None for place in places])
    move(w, block.outputs, places)
    w.leave()


def while_loop(w: Writer, op: Op) -> None:
    """A loop that ends where its test fails."""
    w.flush()
    test, step = op.blocks
    places = homes(w, op, op.ins, op.outs)
    with w.braces("for (;;)"):
        enter(w, test.inputs, places)
        with w.reading(place.root for place in places if isinstance(place, Memory)):
            w.block(test)
        w.line(f"if (!({w.scalar(test.outputs[0])})) break;")
        w.leave()
        enter(w, step.inputs, places)
        body(w, step, places)
    leave(w, op.outs, places)


def cond(w: Writer, op: Op) -> None:
    """A branch: its results have places of their own, or that of the operand which one of the branches returns."""
    w.flush()
    which = w.scalar(op.ins[0])
    places: list[Home] = []
    for j, out in enumerate(op.outs):
        if out.size == 1:
            name = w.name("v")
            w.line(f"{local_type(out.dtype)} {name};")
            places.append(Scalar(name))
            continue
        place = _passed(w, op, j)
        if place is None:
            place = w.aside(out.dtype, out.size)
        place.root.kept += 1
        places.append(place)
    for i, block in enumerate(op.blocks):
        test = f"{which} <= 0" if i == 0 and len(op.blocks) > 2 else f"{which} == {i}" if len(op.blocks) > 2 else None
        if op.ins[0].dtype == bool or test is None:
            test = f"!{which}" if i == 0 else ""
        last = i == len(op.blocks) - 1
        with w.braces("else" if last and i else f"if ({test})" if i == 0 else f"else if ({test})"):
            body(w, block, places)
    leave(w, op.outs, places)


def _passed(w: Writer, op: Op, j: int) -> Memory | None:
    """The memory of a value that some branch returns as it is, if nothing reads it after the branch or within it
    but the updates that replace it."""
    for block in op.blocks:
        value = block.outputs[j]
        if not isinstance(value, Value) or value in {x for o in block.ops for x in o.outs}:
            continue
        at = w.env.get(value)
        if not isinstance(at, Memory) or not at.root.writable or at.pointer != at.root.name:
            continue
        if [*at.root.members] != [value] or not w.last_use(value, at.root.members[value]):
            continue
        if any(sum(x is value for x in b.outputs) > 1 for b in op.blocks):  # two results cannot share it
            continue
        updated = [b for b in op.blocks if b.outputs[j] is not value]
        if all(value in b.reads() and all(x is not value for x in b.outputs) for b in updated):
            for b in updated:  # within these the value may be overwritten
                b.inputs.append(value)
            return at
    return None


def scan(w: Writer, op: Op) -> None:
    """A loop over rows: what is carried has one place, results are written row after row."""
    w.flush()
    (step,), carry, length = op.blocks, op.params["carry"], op.params["length"]
    given, rows = op.ins[:carry], op.ins[carry:]
    sources = [w.memory(x) for x in rows]
    places = homes(w, op, given, op.outs[:carry])
    stacked = [w.aside(out.dtype, out.size) for out in op.outs[carry:]]
    for place in stacked:
        place.root.kept += 1
    i = w.name("k")
    with w.braces(f"for (int64_t {i} = 0; {i} < {length}; {i}++)"):
        at = f"({length - 1} - {i})" if op.params["reverse"] else i
        enter(w, step.inputs[:carry], places)
        for value, source in zip(step.inputs[carry:], sources, strict=True):
            w.born[value] = len(w.frames) + 1
            if value.size == 1:
                w.env[value] = w.number(value.dtype, f"{source.pointer}[{at}]")
            else:
                w.env[value] = Memory(f"({source.pointer} + {at} * {value.size})", source.root)
        row: list[Home | None] = []
        for place, out in zip(stacked, op.outs[carry:], strict=True):
            row.append(Memory(f"({place.pointer} + {at} * {out.size // length})", place.root))
        body(w, step, [*places, *row])
    leave(w, op.outs, [*places, *stacked])


def steps(w: Writer, op: Op) -> None:
    """The steps of a run, one after the other."""
    w.flush()
    (step,), carry = op.blocks, len(op.ins)
    places = [_handed(w, k, x, kept=1) for k, x in enumerate(step.inputs[:carry])]
    _rows(w, step.outputs[carry:], carry)
    with w.braces("for (int64_t step = 0; step < count; step++)"):
        w.line("const int32_t time = (int32_t)(first + step);")
        enter(w, step.inputs, [*places, Scalar("time")])
        # what no step reads, such as the spikes of the step before, is put in its place by the last one only
        read = {x for o in step.ops for x in o.reads()} | {x for x in step.outputs if isinstance(x, Value)}
        late = [k for k, x in enumerate(step.inputs[:carry]) if x not in read and x.size > 1]
        soon = [None if k in late else place for k, place in enumerate(places)]
        soon += _row(step.outputs[carry:], carry, "step")
        w.block(step, [place if isinstance(place, Memory) else None for place in soon])
        if late:
            with w.braces("if (step + 1 == count)"):
                move(w, [step.outputs[k] for k in late], [places[k] for k in late])
        move(w, step.outputs, soon)
        w.leave()
    _hand_back(w, op.ins, places)


def start(w: Writer, op: Op) -> None:
    """What a run begins with: what is carried, and its first step."""
    *carried, time = op.outs
    w.line("if (count < 1) return;")
    for k, value in enumerate(carried):
        op.params["places"].append(place := _handed(w, k, value))
        w.bind(value, place)
    w.bind(time, w.number(time.dtype, "(int32_t)first"))


def turns(w: Writer, op: Op) -> None:
    """From the middle of a step to the middle of the next, as often as there are further steps."""
    w.flush()
    (block,), carry, (*after, last) = op.blocks, len(op.params["places"]), op.outs
    row = block.outputs[len(after) :]
    _rows(w, row, carry)
    places = homes(w, op, op.ins, after)
    with w.braces("for (int64_t step = 1; step < count; step++)"):
        w.line("const int32_t time = (int32_t)(first + step), before = time - 1;")
        enter(w, block.inputs, [*places, Scalar("before"), Scalar("time")])
        body(w, block, [*places, *_row(row, carry, "(step - 1)")])
    leave(w, after, places)
    w.bind(last, w.number(last.dtype, "(int32_t)(first + count - 1)"))


def finish(w: Writer, op: Op) -> None:
    """What is carried after the last step, and its row, handed back."""
    w.flush()
    places, carry = op.params["places"], len(op.params["places"])
    move(w, op.ins, [*places, *_row(op.ins[carry:], carry, "(count - 1)")])
    _hand_back(w, op.ins, places)


def _handed(w: Writer, k: int, value: Value, kept: int = 0) -> Home:
    """Where a carried value lies when a run begins: an array in the result that it becomes."""
    kind, at = c_type(value.dtype), f"carried{k}"
    if value.size == 1:
        w.line(f"{local_type(value.dtype)} {at} = *(const {kind} *)results[{k}];")
        return Scalar(at)
    w.line(f"{kind} *const {at} = results[{k}];")
    return Memory(at, Root(value.nbytes, at, value.dtype, kept=kept))


def _hand_back(w: Writer, carried: Sequence[Atom], places: Sequence[Home]) -> None:
    for k, (place, value) in enumerate(zip(places, carried, strict=False)):
        if isinstance(place, Scalar):
            w.line(f"*({c_type(value.dtype)} *)results[{k}] = {place.text};")


def _rows(w: Writer, rows: Sequence[Atom], carry: int) -> None:
    for k, out in enumerate(rows, carry):
        w.line(f"{c_type(out.dtype)} *const rows{k} = results[{k}];")


def _row(rows: Sequence[Atom], carry: int, step: str) -> list[Home | None]:
    """The places of the results of a step."""
    sizes = [int(np.prod(out.shape)) for out in rows]
    return [Memory(at := f"(rows{k} + {step} * {size})", Root(0, at)) for k, size in enumerate(sizes, carry)]


RULES: dict[str, Callable[[Writer, Op], None]] = {
    "while": while_loop, "cond": cond, "scan": scan, "steps": steps, "start": start, "turns": turns, "finish": finish,
}  # fmt: skip
