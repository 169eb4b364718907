"""Where every value is while the program is written, and which memory may be overwritten."""

from __future__ import annotations

import abc
import math
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from .elementwise import c_type, literal, local_type
from .emptied import Slots
from .loops import Loop, Packed
from .memory import Memory, Room, Root, Scalar, Virtual
from .program import Atom, Block, Value

Binding = Scalar | Memory | Virtual | Loop
END = 2**60  # behind all operations of a block


class Frame(NamedTuple):
    """A block that is being written: the last operation that uses each of its values, and where its results go."""

    block: Block
    last: dict[Value, float]
    goals: dict[Value, Memory]
    at: list[float]
    roots: set[Root]  # memory that has held a value of the block


class Places(abc.ABC):
    """The text so far, and the binding of every value: a register, memory, a formula, or a loop that waits."""

    def __init__(self):
        self.lines: list[str] = []
        self.depth = 1
        self.env: dict[Value, Binding] = {}
        self.frames: list[Frame] = []
        self.waiting: dict[int, Loop] = {}  # by size
        self.room = Room()
        self.roots: list[Root] = []
        self.busy: set[Loop] = set()
        self.also: dict[Value, list[Memory]] = {}  # further places of a result, e.g. within a larger array
        self.born: dict[Value, int] = {}  # how deep within loops and branches a value is defined
        self.slots = Slots()
        self.words: dict[Value, Packed] = {}  # whose bits are to be packed as soon as they are there
        self.count = 0

    # --- text ---------------------------------------------------------------------------------------------------------

    def line(self, text: str) -> None:
        self.lines.append("  " * self.depth + text)

    @contextmanager
    def braces(self, head: str):
        """A C block."""
        self.line(f"{head} {{")
        self.depth += 1
        yield
        self.depth -= 1
        self.line("}")

    @contextmanager
    def reading(self, roots: Iterable[Root]):
        """Nothing is overwritten in this memory meanwhile."""
        closed = [root for root in roots if root.writable]
        for root in closed:
            root.writable = False
        yield
        for root in closed:
            root.writable = True

    def name(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def number(self, dtype: np.dtype, text: str) -> Scalar:
        """A number with a name of its own."""
        name = self.name("s")
        self.line(f"const {local_type(dtype)} {name} = {text};")
        return Scalar(name)

    # --- loops that wait ----------------------------------------------------------------------------------------------

    @abc.abstractmethod
    def write(self, loop: Loop) -> None:
        """Writes a loop, with every result that is used later put into memory."""

    def flush_readers(self, root: Root) -> None:
        """Writes the loops that read a piece of memory."""
        for loop in [loop for loop in self.waiting.values() if root in loop.reads]:
            self.write(loop)

    def flush(self) -> None:
        """Writes all loops."""
        for loop in list(self.waiting.values()):
            self.write(loop)

    # --- what is read later -------------------------------------------------------------------------------------------

    def gone(self, value: Value, owner: Block) -> bool:
        """Whether nothing reads the value from the present operation on, itself excepted."""
        frame = self.frames[-1]
        return owner is frame.block and frame.last.get(value, -1) < frame.at[0]

    def last_use(self, value: Value, owner: Block) -> bool:
        """Whether nothing reads the value after the present operation."""
        frame = self.frames[-1]
        return owner is frame.block and frame.last.get(value, -1) <= frame.at[0]

    def give_back(self) -> None:
        read = {root for loop in (*self.waiting.values(), *self.busy) for root in loop.reads}
        done = lambda root: root.offset is not None and not root.members and not root.kept and root not in read
        for root in [root for root in self.roots if done(root)]:
            assert root.offset is not None
            self.room.give_back(root.offset, root.nbytes)
            self.roots.remove(root)

    # --- values -------------------------------------------------------------------------------------------------------

    def bind(self, value: Value, binding: Binding) -> None:
        self.env[value] = binding
        self.born[value] = len(self.frames)
        if isinstance(binding, Memory):
            self.lives_in(value, binding.root)

    def lives_in(self, value: Value, root: Root) -> None:
        root.members[value] = self.frames[-1].block
        self.frames[-1].roots.add(root)

    def scalar(self, atom: Atom) -> str:
        """A value of one element, as a C expression."""
        if not isinstance(atom, Value):
            return literal(atom)
        at = self.settled(atom)
        if isinstance(at, Scalar):
            return at.text
        text = f"{at.pointer}[0]" if isinstance(at, Memory) else at.at("0")
        number = self.number(atom.dtype, text)
        if self.born[atom] == len(self.frames):  # else the name ends with the C block that is being written
            for root in (at.root,) if isinstance(at, Memory) else at.roots:
                root.members.pop(atom, None)
            self.env[atom] = number
        return number.text

    def settled(self, atom: Atom) -> Scalar | Memory | Virtual:
        """Where a value is, written if it waits in a loop."""
        if not isinstance(atom, Value):
            return Scalar(literal(atom))
        if isinstance(at := self.env[atom], Loop):
            self.write(at)
            at = self.env[atom]
        assert not isinstance(at, Loop)
        return at

    def memory(self, atom: Atom) -> Memory:
        """A value in memory, put there if it is not."""
        at = self.settled(atom)
        if isinstance(at, Memory):
            return at
        dtype, size = atom.dtype, math.prod(atom.shape)
        place = self.aside(dtype, size)
        text = at.text if isinstance(at, Scalar) else at.at("i")
        self.line(f"for (int64_t i = 0; i < {size}; i++) {place.pointer}[i] = {text};")
        if isinstance(atom, Value) and self.born[atom] == len(self.frames):
            self.bind(atom, place)
        return place

    def reader(self, atom: Atom) -> tuple[Callable[[str], str], tuple[Root, ...]]:
        """Element `i` of a settled value as an expression of `i`, and what is read for it."""
        at = self.settled(atom)
        if isinstance(at, Scalar):
            return (lambda i: at.text), ()
        if isinstance(at, Memory):
            return (lambda i: f"{at.pointer}[{i}]"), (at.root,)
        return at.at, at.roots

    def aside(self, dtype: np.dtype, size: int) -> Memory:
        """New memory for `size` elements."""
        kind, nbytes = c_type(dtype), size * dtype.itemsize
        root = Root(nbytes, name := self.name("m"), dtype, offset=self.room.take(nbytes))
        self.roots.append(root)
        self.line(f"{kind} *const {name} = ({kind} *)(room + {root.offset});")
        return Memory(name, root)

    def virtual(self, value: Value, at: Callable[[str], str], roots: tuple[Root, ...] = ()) -> None:
        """A value that is computed where it is read; read early if what it is made of is about to go."""
        self.bind(value, Scalar(at("0")) if value.size == 1 and not roots else Virtual(at, roots))
        for root in roots:
            self.lives_in(value, root)

    # --- writing in place ---------------------------------------------------------------------------------------------

    def own(self, atom: Atom) -> Memory:
        """A value in memory that may be overwritten: its own place where nothing reads it later, or a copy."""
        at = self.memory(atom)
        self.flush_readers(at.root)
        if at.root.writable and isinstance(atom, Value):
            others = [v for v, owner in at.root.members.items() if v is not atom and not self.gone(v, owner)]
            owner = at.root.members.get(atom)
            if owner is not None and self.last_use(atom, owner) and at.pointer == at.root.name:
                small = all(self.in_use_small(v, at.root) for v in others)
                if small:
                    for value in others:
                        self.rescue(value)
                    return at
        return self.copied(at, atom)

    def in_use_small(self, value: Value, root: Root) -> bool:
        return self.frames[-1].block is root.members[value] and 2 * value.nbytes <= root.nbytes

    def rescue(self, value: Value) -> None:
        """Copies a view of memory that is about to be overwritten."""
        at = self.env[value]
        old = at.root if isinstance(at, Memory) else None
        if isinstance(at, Memory):
            new = self.copied(at, value)
        else:
            assert isinstance(at, Virtual)
            new = self.aside(value.dtype, value.size)
            self.line(f"for (int64_t i = 0; i < {value.size}; i++) {new.pointer}[i] = {at.at('i')};")
        for root in at.roots if isinstance(at, Virtual) else (old,):
            if root is not None:
                root.members.pop(value, None)
        self.bind(value, new)

    def copied(self, at: Memory, atom: Atom) -> Memory:
        size = math.prod(atom.shape)
        new = self.aside(atom.dtype, size)
        self.line(f"copy({new.pointer}, {at.pointer}, {size * atom.dtype.itemsize});")
        return new
