"""JAX's own random bits, of Threefry keys: as functions of the key and the number of the element, the same as XLA's.

The library's numbers (`_random`) are operations on whole numbers and need no rule.
"""

from __future__ import annotations

from collections.abc import Callable

from .elementwise import c_type
from .program import Op
from .writer import Writer


def fold_in(w: Writer, op: Op) -> None:
    """`jax.random.fold_in`."""
    (out,), (key, data) = op.outs, op.ins
    text, (place, source) = w.scalar(data), (w.aside(out.dtype, 2), w.memory(key))
    w.line(f"threefry({source.pointer}, 0, (uint32_t){text}, {place.pointer});")
    w.bind(out, place)


def split(w: Writer, op: Op) -> None:
    """`jax.random.split`."""
    (out,), (key,) = op.outs, op.ins
    place, source = w.aside(out.dtype, out.size), w.memory(key)
    with w.braces(f"for (int64_t i = 0; i < {out.size // 2}; i++)"):
        w.line(f"threefry({source.pointer}, (uint32_t)(i >> 32), (uint32_t)i, {place.pointer} + 2 * i);")
    w.bind(out, place)


def bits(w: Writer, op: Op) -> None:
    """`jax.random.bits`: 8 to 64 of them a number."""
    (out,), (key,), kind = op.outs, op.ins, c_type(op.outs[0].dtype)
    place, source = w.aside(out.dtype, out.size), w.memory(key)
    with w.braces(f"for (int64_t i = 0; i < {out.size}; i++)"):
        w.line(f"uint32_t two[2]; threefry({source.pointer}, (uint32_t)(i >> 32), (uint32_t)i, two);")
        whole = "(uint64_t)two[0] << 32 | two[1]" if op.params["bit_width"] == 64 else "two[0] ^ two[1]"
        w.line(f"{place.pointer}[i] = ({kind})({whole});")
    w.bind(out, place)


RULES: dict[str, Callable[[Writer, Op], None]] = {
    "random_fold_in": fold_in,
    "random_split": split,
    "random_bits": bits,
}
