"""One C loop for as many operations on the elements of arrays as possible: intermediate results stay in registers."""

from __future__ import annotations

from dataclasses import dataclass, field

from .memory import Root
from .program import Value


@dataclass(eq=False, slots=True)
class Loop:
    """A loop over `size` elements, not written yet.

    `reads`: what it reads, and where: pointers whose element `i` it reads in round `i`, or None for other places.
    """

    size: int
    lines: list[str] = field(default_factory=list)
    locals: dict[Value, str] = field(default_factory=dict)
    reads: dict[Root, set[str | None]] = field(default_factory=dict)
    loaded: dict[str, str] = field(default_factory=dict)

    def reading(self, root: Root, where: str | None) -> None:
        self.reads.setdefault(root, set()).add(where)

    def in_step_with(self, root: Root, pointer: str) -> bool:
        """Whether `pointer[i]` may be written in round `i`."""
        return self.reads.get(root, set()) <= {pointer}
