"""One C loop for as many operations on the elements of arrays as possible: intermediate results stay in registers."""

from __future__ import annotations

from dataclasses import dataclass, field

from .memory import Root
from .program import Value


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
