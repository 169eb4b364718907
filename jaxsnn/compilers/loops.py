"""One C loop for as many operations on the elements of arrays as possible: intermediate results stay in registers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from .memory import Memory, Root
from .program import Value

BITS = 32  # of a word


def rest(done: list[tuple[int, int]], size: int) -> list[tuple[int, int]]:
    """The parts of `size` elements, from and to, that are not done."""
    left, end = [], 0
    for first, last in [*sorted(done), (size, size)]:
        if first > end:
            left.append((end, first))
        end = max(end, last)
    return left


class Packed(NamedTuple):
    """Words for the bits of a result, 32 of its elements in each, from word number `start` on."""

    words: Memory
    start: int
    done: list[tuple[int, int]]  # words that have been written, from and to

    def by_block(self, value: Value, at: Memory) -> str:
        """The word of a block of 32 rounds, in which elements of `value` have just been written to `at`."""
        self.done.append((self.start, self.start + value.size // BITS))
        bits = "bits_f32" if value.dtype.itemsize == 4 else "bits_f64"
        return f"{self.words.pointer}[{self.start} + block / {BITS}] = {bits}({at.pointer} + block);"


@dataclass(eq=False, slots=True)
class Loop:
    """A loop over `size` elements, not written yet.

    `reads`: what it reads, and where: pointers whose element `i` it reads in round `i`, or None for other places.
    `chosen`: results that are one number where a condition does not hold: the condition, and the number.
    """

    size: int
    lines: list[str] = field(default_factory=list)
    locals: dict[Value, str] = field(default_factory=dict)
    reads: dict[Root, set[str | None]] = field(default_factory=dict)
    loaded: dict[str, str] = field(default_factory=dict)
    chosen: dict[str, tuple[str, int]] = field(default_factory=dict)

    def reading(self, root: Root, where: str | None) -> None:
        self.reads.setdefault(root, set()).add(where)

    def in_step_with(self, root: Root, pointer: str) -> bool:
        """Whether `pointer[i]` may be written in round `i`."""
        return self.reads.get(root, set()) <= {pointer}

    def outside(self, result: str, size: int) -> str:
        """The condition without which a result, an index, is not one of `size` elements; or ""."""
        condition, other = self.chosen.get(result, ("", 0))
        return "" if 0 <= other < size else condition

    def only_where(self, condition: str) -> list[str]:
        """Its lines, with the end of a round where the condition does not hold as soon as that is known."""
        known = (i for i, text in enumerate(self.lines, 1) if text.startswith(f"const int32_t {condition} ="))
        at = next(known, 0)
        return [*self.lines[:at], f"if (!{condition}) continue;", *self.lines[at:]]
