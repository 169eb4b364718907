"""A traced program as a flat list of operations: calls inlined, the branches of a CPU taken, equal operations once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal

from .._xla import called, cpu_branch
from .elementwise import RULES as ELEMENTWISE
from .program import EXCHANGES, Atom, Block, Op, Unsupported, Value


def flat(closed: ClosedJaxpr, positive: int) -> tuple[Block, list[Any]]:
    """The program as a block, and further arrays that are its last inputs.

    `positive`: the input that is never negative, a step; what compares it with 0 is known.
    """
    flattening = _Flattening()
    inputs = [_value(v.aval) for v in closed.jaxpr.invars]
    flattening.never_negative = inputs[positive]
    outputs = flattening.inlined(closed.jaxpr, closed.consts, inputs)
    block = Block([*inputs, *(value for value, _ in flattening.consts.values())], flattening.ops, outputs)
    _without_dead(block)
    return block, [x for _, x in flattening.consts.values()]


def key_kind(x: Any) -> str | None:
    """The implementation of keys, by name; None for numbers."""
    return x.dtype._impl.name if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else None


def _value(aval: Any) -> Value:
    if (kind := key_kind(aval)) is not None:
        words = jax.eval_shape(lambda: jax.random.key_data(jax.random.key(0, impl=kind))).shape
        return Value((*aval.shape, *words), np.dtype(np.uint32))
    return Value(tuple(aval.shape), np.dtype(aval.dtype))


_SAME = frozenset({"optimization_barrier", "stop_gradient", "copy", "copy_p", "random_wrap", "random_unwrap", "name"})
_RESHAPES = frozenset({"reshape", "squeeze", "expand_dims"})
_KEPT = frozenset({"jaxsnn.pack", "jaxsnn.zero_after"})  # programs that are one operation in C


class _Flattening:
    """The operations so far, and what is known of them."""

    def __init__(self):
        self.ops: list[Op] = []
        self.consts: dict[int, tuple[Value, Any]] = {}
        self.seen: dict[Any, tuple[Value, ...]] = {}
        self.devices: dict[Any, Any] = {}
        self.never_negative: Value | None = None

    def constant(self, x: Any) -> Atom:
        """An array of the program itself: a number, or a further input."""
        if isinstance(x, np.ndarray | np.generic | int | float | bool) and np.size(x) == 1:
            return np.asarray(x)
        if id(x) not in self.consts:
            self.consts[id(x)] = _value(jax.typeof(x)), x
        return self.consts[id(x)][0]

    def device(self, axis: Any) -> Atom:
        """The number of this device along an axis of a mesh: the same in all steps, and so a further input."""
        if axis not in self.devices:
            self.devices[axis] = jax.lax.axis_index(axis)
        return self.constant(self.devices[axis])

    def inlined(self, jaxpr: Jaxpr, consts: Sequence[Any], given: Sequence[Atom]) -> list[Atom]:
        """Appends the operations of `jaxpr`; returns its results."""
        env: dict[Any, Atom] = dict(zip(jaxpr.constvars, map(self.constant, consts), strict=True))
        env |= dict(zip(jaxpr.invars, given, strict=True))
        read = lambda v: np.asarray(v.val, _value(v.aval).dtype) if isinstance(v, Literal) else env[v]
        for eqn in jaxpr.eqns:
            env |= zip(eqn.outvars, self.results(eqn, [read(v) for v in eqn.invars]), strict=True)
        return [read(v) for v in jaxpr.outvars]

    def results(self, eqn: JaxprEqn, ins: list[Atom]) -> Sequence[Atom]:
        """What an equation gives."""
        name, params = eqn.primitive.name, eqn.params
        if name in _SAME or (name == "reshard" and params["dst_sharding"].mesh.are_all_axes_manual):
            return ins
        if not (name == "jit" and params["name"] in _KEPT) and (inner := called(name, params)) is not None:
            return self.inlined(*inner, ins)
        if name == "platform_index":
            return [cpu_branch(params["platforms"])]
        if name == "axis_index":
            return [self.device(params["axis_name"])]
        if name == "cond" and not isinstance(ins[0], Value):
            branch = params["branches"][min(max(int(ins[0]), 0), len(params["branches"]) - 1)]
            return self.inlined(branch.jaxpr, branch.consts, ins[1:])
        outs = tuple(_value(v.aval) for v in eqn.outvars)
        if name == "ge" and ins[0] is self.never_negative and not isinstance(ins[1], Value) and not ins[1].any():
            return [np.asarray(True)]
        if name == "convert_element_type":
            if not isinstance(ins[0], Value):
                return [ins[0].astype(outs[0].dtype)]
            if ins[0].dtype == outs[0].dtype:
                return ins
        if name == "jit" and params["name"] == "jaxsnn.zero_after":
            zero = np.zeros((), outs[0].dtype)
            return self.appended(Op("broadcast_in_dim", (zero,), outs, {"broadcast_dimensions": ()}))
        if (
            name in ("broadcast_in_dim", "pad", *_RESHAPES)
            and isinstance(ins[0], Value)
            and ins[0].shape == outs[0].shape
        ):
            return ins[:1]
        if eqn.effects and name not in EXCHANGES:  # which may turn out to be used by nobody
            raise Unsupported(f"{name} with effects")
        for kind in filter(None, (key_kind(v.aval) for v in eqn.invars)):
            partitionable = jax.config.jax_threefry_partitionable  # pyright: ignore[reportAttributeAccessIssue]
            threefry = kind == "threefry2x32" and partitionable
            whole = name in ("while", "cond", "scan", "slice", *_RESHAPES)
            if not (whole or (name.startswith("random_") and threefry)):
                raise Unsupported(f"{name} of {kind} keys")
            if name == "slice":  # of whole keys: their words are one more axis
                wide = lambda x, end: None if x is None else (*x, end)
                ends = {"start_indices": 0, "limit_indices": outs[0].shape[-1], "strides": 1}
                return self.appended(Op(name, tuple(ins), outs, {k: wide(params[k], end) for k, end in ends.items()}))
        return self.operation(eqn, name, tuple(ins), outs)

    def operation(self, eqn: JaxprEqn, name: str, ins: tuple[Atom, ...], outs: tuple[Value, ...]) -> Sequence[Atom]:
        """A new operation, or the results of an equal one."""
        params = eqn.params
        if name == "while":
            first, second = params["cond_nconsts"], params["cond_nconsts"] + params["body_nconsts"]
            test = self.block(params["cond_jaxpr"], ins[:first], ins[second:])
            body = self.block(params["body_jaxpr"], ins[first:second], ins[second:])
            return self.appended(Op(name, ins[second:], outs, {}, (test, body)))
        if name == "cond":
            blocks = tuple(self.block(branch, ins[1:], ()) for branch in params["branches"])
            return self.appended(Op(name, ins[:1], outs, {}, blocks))
        if name == "scan":
            consts, carry = params["num_consts"], params["num_carry"]
            body = self.block(params["jaxpr"], ins[:consts], ins[consts : consts + carry], ins[consts + carry :])
            kept = {key: params[key] for key in ("length", "reverse")} | {"carry": carry}
            return self.appended(Op(name, ins[consts:], outs, kept, (body,)))
        if name == "jit":
            name, params = params["name"], {}
        if name == "argmax" and (words := self.words_that_are_not_0(ins[0])) is not None:
            return self.once("first_word", (words,), outs, {})
        if name in ELEMENTWISE:  # axes of size 1 are repeated
            ins = tuple(self.spread(x, outs[0].shape) for x in ins)
        return self.once(name, ins, outs, params)

    def words_that_are_not_0(self, x: Atom) -> Value | None:
        """The words of which `x` says whether they are not 0, all of them side by side."""
        made = next((op for op in reversed(self.ops) if x in op.outs), None)
        if made is None or made.name != "ne" or len(made.outs[0].shape) != 1:
            return None
        words, zero = made.ins
        if not isinstance(words, Value) or isinstance(zero, Value) or zero.any():
            return None
        return words if words.dtype == np.uint32 and words.shape == made.outs[0].shape else None

    def spread(self, x: Atom, shape: tuple[int, ...]) -> Atom:
        """`x` with its axes of size 1 repeated."""
        if x.size == 1 or x.shape == shape:
            return x
        assert isinstance(x, Value)
        wide = (Value(shape, x.dtype),)
        return self.once("broadcast_in_dim", (x,), wide, {"broadcast_dimensions": tuple(range(len(shape)))})[0]

    def once(self, name: str, ins: tuple[Atom, ...], outs: tuple[Value, ...], params: Any) -> tuple[Value, ...]:
        """The results of a new operation, or of an equal one in this block or one around it."""
        same = name, *(id(x) if isinstance(x, Value) else (x.dtype.str, x.tobytes()) for x in ins)
        same = *same, *((x.shape, x.dtype.str) for x in outs), str(sorted(params.items(), key=lambda item: item[0]))
        if same not in self.seen:
            self.seen[same] = self.appended(Op(name, ins, outs, params))
        return self.seen[same]

    def appended(self, op: Op) -> tuple[Value, ...]:
        self.ops.append(op)
        return op.outs

    def block(
        self, inner: ClosedJaxpr, shared: Sequence[Atom], carried: Sequence[Atom], rows: Sequence[Atom] = ()
    ) -> Block:
        """The program within a loop or a branch: `shared` are values from outside, `carried` become its inputs."""
        inputs = [Value(x.shape, x.dtype) for x in carried] + [Value(x.shape[1:], x.dtype) for x in rows]
        outside, seen, self.ops = self.ops, self.seen, []
        self.seen = dict(seen)
        outputs = self.inlined(inner.jaxpr, inner.consts, [*shared, *inputs])
        block, self.ops, self.seen = Block(inputs, self.ops, outputs), outside, seen
        return block


def _without_dead(block: Block) -> None:
    """Removes operations whose results nobody uses."""
    live, kept = {x for x in block.outputs if isinstance(x, Value)}, []
    for op in reversed(block.ops):
        if live & set(op.outs):
            for inner in op.blocks:
                _without_dead(inner)
            live |= op.reads()
            kept.append(op)
    block.ops = late_writes(kept[::-1])


def late_writes(ops: list[Op]) -> list[Op]:
    """Writes into a part of an array right before their first use, so that what reads the old array has been there."""
    out: list[Op] = []
    for op in reversed(ops):
        if op.name in ("write_slot", "dynamic_update_slice"):
            made = set(op.outs)
            users = [i for i, other in enumerate(out) if other.reads() & made]  # `out` is in reverse
            out.insert(users[-1] + 1 if users else 0, op)
        else:
            out.append(op)
    return out[::-1]
