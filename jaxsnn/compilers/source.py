"""The C source of a run: a handler that XLA calls with the arrays, and in it the loop over steps."""

from __future__ import annotations

from importlib.resources import files

from .elementwise import RULES as ELEMENTWISE
from .elementwise import c_type
from .memory import Memory, Root
from .program import Atom, Block, Op, Value
from .rules import RULES
from .turned import renamed, turned
from .writer import Writer

_DEAR = frozenset(
    "acos acosh asin asinh atan atan2 atanh cbrt cos cosh div erf erfc exp exp2 expm1 lgamma log log1p logistic pow "
    "rem rsqrt sin sinh sqrt tan tanh".split()
)

_HEAD = """#include "xla/ffi/api/c_api.h"
{numbers}
static void run(const void *const *given, void **results, int64_t first, int64_t count, char *room) {{
"""

_TAIL = """}}

XLA_FFI_Error *jaxsnn_run(XLA_FFI_CallFrame *call) {{
  for (XLA_FFI_Extension_Base *more = call->extension_start; more; more = more->next)
    if (more->type == XLA_FFI_Extension_Metadata) {{
      XLA_FFI_Metadata *about = ((XLA_FFI_Metadata_Extension *)more)->metadata;
      about->api_version.major_version = XLA_FFI_API_MAJOR;
      about->api_version.minor_version = XLA_FFI_API_MINOR;
      return NULL;
    }}
  const void *given[{args} + 1];
  void *results[{rets} + 1];
  for (int i = 0; i < {args}; i++) given[i] = ((XLA_FFI_Buffer *)call->args.args[i])->data;
  for (int i = 0; i < {rets}; i++) results[i] = ((XLA_FFI_Buffer *)call->rets.rets[i])->data;
  static const size_t bytes[{carry} + 1] = {{{sizes}}};
  for (int i = 0; i < {carry}; i++) if (results[i] != given[i]) memcpy(results[i], given[i], bytes[i]);
  const int64_t first = *(const int32_t *)given[{carry}], count = *(const int32_t *)given[{carry} + 1];
{clear}
  char *room = aligned_alloc(64, {room} + 64);
  if (!room) {{
    XLA_FFI_Error_Create_Args why = {{XLA_FFI_Error_Create_Args_STRUCT_SIZE, NULL, "no memory for a step",
                                     XLA_FFI_Error_Code_RESOURCE_EXHAUSTED}};
    return call->api->XLA_FFI_Error_Create(&why);
  }}
  run(given, results, first, count, room);
  free(room);
  return NULL;
}}
"""


def source(program: Block, carry: int, length: int) -> str:
    """C for a program of `(carried..., step, constants...) -> (carried..., row...)`, for up to `length` steps."""
    carried, (time, *constants) = program.inputs[:carry], program.inputs[carry:]
    early, late = _divided(program, {*carried, time})
    writer = Writer(RULES)
    for i, value in enumerate(constants, carry + 2):
        kind, name = c_type(value.dtype), f"given{i}"
        writer.line(f"const {kind} *const {name} = given[{i}];")
        writer.env[value], writer.born[value] = Memory(name, Root(value.nbytes, name, value.dtype, writable=False)), 1
    writer.block(Block([], [*early, *_run(late, carried, time, program.outputs)]))
    rows = program.outputs[carry:]
    clear = [
        f"  memset((char *)results[{k}] + count * {x.nbytes}, 0, ({length} - count) * (size_t){x.nbytes});"
        for k, x in enumerate(rows, carry)
    ]
    return (
        _HEAD.format(numbers=(files("jaxsnn.compilers") / "numbers.h").read_text())
        + "\n".join(writer.lines)
        + "\n"
        + _TAIL.format(
            args=carry + 2 + len(constants),
            rets=len(program.outputs),
            carry=carry,
            sizes=", ".join(str(x.nbytes) for x in carried) or "0",
            clear="\n".join(clear),
            room=writer.room.size,
        )
    )


def _run(ops: list[Op], carried: list[Value], time: Value, outputs: list[Atom]) -> list[Op]:
    """The loop over steps `(carried, time) -> (carried, row)`."""
    if (parts := turned(ops, carried, time, outputs)) is None:
        return [Op("steps", tuple(carried), (), {}, (Block([*carried, time], ops, outputs),))]
    last, after = Value(time.shape, time.dtype), tuple(Value(x.shape, x.dtype) for x in parts.crossing)
    places = {"places": []}  # of what is carried, which are handed back
    rest, done = renamed(parts.second, {time: last, **dict(zip(parts.crossing, after, strict=True))})
    ends = tuple(done.get(x, x) if isinstance(x, Value) else x for x in parts.outputs)
    return [
        Op("start", (), (*carried, time), places),
        *parts.first,
        Op("turns", tuple(parts.crossing), (*after, last), places, (parts.between,)),
        *rest,
        Op("finish", ends, (), places),
    ]


def _divided(program: Block, varying: set[Value]) -> tuple[list[Op], list[Op]]:
    """What is computed once, and what is computed in every step.

    What does not depend on the state is computed once if it is a number, or dear, or no operation on elements; the rest
    costs less where it is used than a place in memory.
    """
    varying, dear, fixed = set(varying), set(), []
    for op in program.ops:
        if op.reads() & varying:
            varying |= set(op.outs)
        else:
            fixed.append(op)
            if op.name in _DEAR or (op.name not in ELEMENTWISE and op.name not in ("broadcast_in_dim", "iota")):
                dear |= set(op.outs)
            elif op.reads() & dear:
                dear |= set(op.outs)
    needed: set[Value] = set()
    early: list[Op] = []
    for op in reversed(fixed):
        if needed & set(op.outs) or any(x.size == 1 or x in dear for x in op.outs):
            needed |= op.reads()
            early.append(op)
    chosen = set(early)
    return early[::-1], [op for op in program.ops if op not in chosen]
