"""A slot of a ring that is read and then emptied: by the loops that read it, while its elements are in the first cache.

A step reads what arrives in a slot, and sets the slot to zero before spikes are delivered. A loop of its own for that
goes over the slot a second time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .loops import Loop
from .memory import Memory, Root, Scalar, Virtual
from .program import Atom, Op, Value

Places = Any  # `places.Places`, which has one `Slots`


@dataclass(eq=False, slots=True)
class Slot:
    """A slot that operation `at` of the present block fills with one number, and its parts that are filled already."""

    ring: Value
    memory: Memory
    size: int
    at: int
    number: str
    done: list[tuple[int, int]] = field(default_factory=list)

    def part(self, pointer: str | None, size: int) -> tuple[int, int] | None:
        """From where to where in the slot `size` elements from `pointer` on lie, if that can be told."""
        start = self.memory.pointer
        if pointer == start:
            return 0, size
        head, tail = f"({start} + ", ")"
        number = (
            pointer.removeprefix(head).removesuffix(tail) if pointer is not None and pointer.startswith(head) else ""
        )
        return (int(number), int(number) + size) if number.isdigit() else None


class Slots:
    """The slots that are being read, by their memory."""

    def __init__(self):
        self.by_root: dict[Root, Slot] = {}

    def read(self, w: Places, op: Op, memory: Memory) -> None:
        """A slot has been read that a later operation may fill."""
        ring, at = op.ins
        frame = w.frames[-1]
        for i, other in enumerate(frame.block.ops):
            if i > frame.at[0] and other.name == "write_slot" and other.ins[0] is ring and frame.last.get(ring) == i:
                number = _constant(w, other.ins[1], frame.block.ops)
                same = other.ins[1].shape == op.outs[0].shape and _same(other.ins[2], at)
                if same and number and isinstance(ring, Value) and w.env[ring] == Memory(memory.root.name, memory.root):
                    self.by_root[memory.root] = Slot(ring, memory, op.outs[0].size, i, number)

    def filled_by(self, w: Places, loop: Loop) -> list[str]:
        """What a loop that is written now does in each round to the slots that nobody reads after it."""
        lines: list[str] = []
        for root, pointers in loop.reads.items():
            slot = self.by_root.get(root)
            if slot is None or not self._last_reader(w, slot, root):
                continue
            waiting = [other for other in (*w.waiting.values(), *w.busy) if other is not loop]
            others = [slot.part(p, other.size) for other in waiting for p in other.reads.get(root, ())]
            for pointer in pointers:
                part = slot.part(pointer, loop.size)
                taken = [*others, *slot.done]
                if part and part[1] <= slot.size and not any(x is None or _meet(x, part) for x in taken):
                    slot.done.append(part)
                    lines.append(f"{pointer}[i] = {slot.number};")
        return lines

    def _last_reader(self, w: Places, slot: Slot, root: Root) -> bool:
        """Whether all that reads the slot has been seen, but for the operation that fills it."""
        frame = w.frames[-1]
        if root.members.get(slot.ring) is not frame.block or not root.writable:
            return False
        later = (op for i, op in enumerate(frame.block.ops) if i > frame.at[0] and i != slot.at)
        views = [v for v, owner in root.members.items() if v is not slot.ring and not w.gone(v, owner)]
        return not views and not any(slot.ring in op.reads() for op in later)

    def expected(self, ring: Atom, root: Root, at: float) -> Slot | None:
        """The slot that operation number `at` of the block fills, if that has been foreseen."""
        slot = self.by_root.get(root)
        return slot if slot is not None and slot.ring is ring and slot.at == at else None


def _meet(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return a[0] < b[1] and b[0] < a[1]


def _same(a: Atom, b: Atom) -> bool:
    return a is b if isinstance(a, Value) or isinstance(b, Value) else a.item() == b.item()


def _constant(w: Places, x: Atom, ops: list[Op]) -> str:
    """The C text of the number that an array repeats, or ""."""
    if not isinstance(x, Value):
        return ""
    found = w.env.get(x)
    if isinstance(found, Scalar):
        return found.text
    if isinstance(found, Virtual):
        return found.at("i") if not found.roots and found.at("i") == found.at("j") else ""
    made = next((op for op in ops if x in op.outs), None)
    given = made.ins[0] if made is not None and made.name == "broadcast_in_dim" else None
    return "" if given is None or isinstance(given, Value) else w.scalar(given)
