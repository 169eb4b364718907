"""A step that begins where spikes have been delivered: what follows and what the next step does are in one loop.

A step is in two parts, what leads to its last delivery and what is left: arrivals, resets, counts. Run one after the
other, each reads and writes the state of every neuron. Between two deliveries lies the second part of a step and the
first of the next, and their operations on elements share their loops: each state is read and written once a step, of
which speed depends where the state is larger than the first cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .elementwise import RULES as ELEMENTWISE
from .flat import late_writes
from .program import Atom, Block, Op, Value

_LEAST = 64  # elements of a state: with fewer there is nothing to gain
_MOST = 2000  # operations: with more it is compiled for too long, as most are written twice


class Turned(NamedTuple):
    """`first` of the first step, then `between` for each further step, and `second` of the last.

    `between`: (crossing..., the step before, this step) -> (crossing..., the row of the step before).
    """

    first: list[Op]
    second: list[Op]
    outputs: Sequence[Atom]  # of the second part
    crossing: list[Value]
    between: Block


def turned(ops: Sequence[Op], carried: Sequence[Value], time: Value, outputs: Sequence[Atom]) -> Turned | None:
    """The step `(carried, time) -> outputs`, the first of them carried and then a row, where turning it pays."""
    first, second = _parts(ops)
    if len(ops) > _MOST or not _saves(first, second, carried, outputs):
        return None
    second, outputs = _parts_of_joined(first, second, outputs)
    read = {x for op in second for x in op.reads()} | {x for x in outputs if isinstance(x, Value)}
    crossing = [x for x in (*carried, *(x for op in first for x in op.outs)) if x in read]
    into = [Value(x.shape, x.dtype) for x in crossing]
    before, now = (Value(time.shape, time.dtype) for _ in range(2))
    rest, done = renamed(second, {time: before, **dict(zip(crossing, into, strict=True))})
    ends = [done.get(x, x) if isinstance(x, Value) else x for x in outputs]
    more, made = renamed(first, {time: now, **dict(zip(carried, ends, strict=False))})
    between = Block([*into, before, now], late_writes([*rest, *more]), [made[x] for x in crossing])
    between.outputs += ends[len(carried) :]
    return Turned(first, second, outputs, crossing, between)


def _parts(ops: Sequence[Op]) -> tuple[list[Op], list[Op]]:
    """What the last loop over spikes needs, with that loop; and the rest."""
    loops = [op for op in ops if op.blocks and any(x.size > 1 for x in op.outs)]
    ends: set[Value] = set(loops[-1].outs) if loops else set()
    # A slot that the first part empties is read there, too: else the ring would be kept as it was, by a copy a step.
    before = [op.ins[0] for op in _leading_to(ends, ops) if op.name == "write_slot"]
    emptied = {x for x in before if isinstance(x, Value)}
    ends |= {x for op in ops if op.name == "read_slot" and op.ins[0] in emptied for x in op.outs}
    first = _leading_to(ends, ops)
    kept = {op for op in first if not _free(op)}
    return first, [op for op in ops if op not in kept]


def _leading_to(values: set[Value], ops: Sequence[Op]) -> list[Op]:
    """The operations that some values need."""
    needed, found = set(values), []
    for op in reversed(ops):
        if needed & set(op.outs):
            needed |= op.reads()
            found.append(op)
    return found[::-1]


def _parts_of_joined(first: Sequence[Op], second: Sequence[Op], outputs: Sequence[Atom]) -> tuple[list[Op], list[Atom]]:
    """The second part, which finds arrays that the first part puts side by side where it puts them."""
    cuts: list[Op] = []
    env: dict[Value, Value] = {}
    for op in first:
        if op.name == "concatenate" and len(op.outs[0].shape) == 1 and len({*map(id, op.ins)}) == len(op.ins):
            at = 0
            for part in op.ins:
                end = at + part.size
                if isinstance(part, Value) and part.size > 1 and part not in env:
                    where = {"start_indices": (at,), "limit_indices": (end,), "strides": None}
                    cuts.append(Op("slice", op.outs, (own := Value(part.shape, part.dtype),), where))
                    env[part] = own
                at = end
    read = {x for op in second for x in op.reads()} | {x for x in outputs if isinstance(x, Value)}
    back = {own: part for part, own in env.items()}
    cuts = [cut for cut in cuts if back[cut.outs[0]] in read]
    rest, known = renamed(second, dict(env))
    return [*cuts, *rest], [known.get(x, x) if isinstance(x, Value) else x for x in outputs]


def _free(op: Op) -> bool:
    """Whether it is never computed: counters, and numbers repeated. Both parts may have it."""
    return op.name in ("broadcast_in_dim", "iota") and not any(x.size > 1 for x in op.reads())


def _saves(first: Sequence[Op], second: Sequence[Op], carried: Sequence[Value], outputs: Sequence[Atom]) -> bool:
    """Whether an array is computed element by element in the second part and read so in the first."""
    elements = lambda ops: [op for op in ops if op.name in ELEMENTWISE]
    made = {x for op in elements(second) for x in op.outs}
    used = {x for op in elements(first) for x in op.ins if isinstance(x, Value)}
    pairs = zip(carried, outputs, strict=False)
    return any(x.size >= _LEAST and x in used and isinstance(out, Value) and out in made for x, out in pairs)


def renamed(ops: Iterable[Op], env: dict[Value, Atom]) -> tuple[list[Op], dict[Value, Atom]]:
    """The same operations with other values, and by what each value was replaced."""
    env, out = dict(env), []
    of = lambda x: env.get(x, x) if isinstance(x, Value) else x
    for op in ops:
        blocks = []
        for block in op.blocks:
            inputs = [Value(x.shape, x.dtype) for x in block.inputs]
            inner, known = renamed(block.ops, {**env, **dict(zip(block.inputs, inputs, strict=True))})
            ends = [known.get(x, x) if isinstance(x, Value) else x for x in block.outputs]
            blocks.append(Block(inputs, inner, ends))
        outs = tuple(Value(x.shape, x.dtype) for x in op.outs)
        out.append(Op(op.name, tuple(map(of, op.ins)), outs, op.params, tuple(blocks)))
        env |= zip(op.outs, outs, strict=True)
    return out, env
