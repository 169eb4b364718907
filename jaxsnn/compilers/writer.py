"""Writes a flat program as C: numbers at once, operations on elements collected in loops, the rest by rules.

A value is in a register (`Scalar`), in memory, not there at all but computed where it is read (`Virtual`: constants,
counters, broadcasts), or waits in a loop that is not written yet. A loop is written when something else needs one of
its results, or when what it reads is about to be overwritten. Arrays are updated in place where their last reader has
gone, which is known here since every value has one definition.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from . import elementwise
from .elementwise import local_type
from .loops import BITS, Loop
from .memory import Memory, Scalar, Virtual
from .places import END, Frame, Places
from .program import EXCHANGES, Atom, Block, Op, Unsupported, Value

_ROWS = re.compile(r"\(i\) [/%] (\d+)")
_WHOLE = re.compile(r"\(\(int32_t\)(\d+)\)")


_BLOCK = 256  # rounds of a loop in two


class Put(NamedTuple):
    """What rounds of a loop put where: the place, the condition that it is inside ("" for always), the number and its
    type, and the statement `change(place, number)`.
    """

    place: str
    inside: str
    number: str
    type: str
    change: Callable[[str, str], str]


class Writer(Places):
    """`rules`: how operations that are not elementwise are written, by name."""

    def __init__(self, rules: Mapping[str, Callable[[Writer, Op], None]]):
        super().__init__()
        self.rules = rules

    # --- blocks -------------------------------------------------------------------------------------------------------

    def block(self, block: Block, goals: Sequence[Memory | None] = ()) -> None:
        """All operations of a block, and then all of its results where they can be read. `goals`: where to put them."""
        last: dict[Value, float] = {}
        for i, op in enumerate(block.ops):
            last |= dict.fromkeys(op.reads(), i)
        last |= {x: END for x in block.outputs if isinstance(x, Value)}
        wanted = {x: goal for x, goal in zip(block.outputs, goals) if isinstance(x, Value) and goal is not None}
        self.frames.append(frame := Frame(block, last, wanted, [0], set()))
        for value in block.inputs:
            if isinstance(at := self.env.get(value), Memory):
                self.lives_in(value, at.root)
        for i, op in enumerate(block.ops):
            frame.at[0] = i
            self.operation(op)
            self.tidy()
        frame.at[0] = END
        self.flush()

    def leave(self) -> None:
        """Ends a block whose results have been read."""
        frame = self.frames.pop()
        for root in frame.roots:
            for value in [value for value, owner in root.members.items() if owner is frame.block]:
                del root.members[value]
        self.give_back()

    def operation(self, op: Op) -> None:
        if op.name in elementwise.RULES:
            self.elementwise(op)
        elif op.name in self.rules:
            self.rules[op.name](self, op)
        elif op.name in EXCHANGES:
            raise Unsupported(f"an exchange between devices in every step ({op.name})")
        else:
            raise Unsupported(f"the operation {op.name}")

    def tidy(self) -> None:
        """Forgets what no later operation reads, and gives back its memory."""
        for root in self.frames[-1].roots:
            for value in [value for value, owner in root.members.items() if self.last_use(value, owner)]:
                del root.members[value]
        self.give_back()

    # --- loops over elements ------------------------------------------------------------------------------------------

    def elementwise(self, op: Op) -> None:
        """A number at once; an array as part of the loop of its size."""
        (out,) = op.outs
        if out.size == 1:
            args = [self.scalar(x) for x in op.ins]
            self.bind(out, self.number(out.dtype, elementwise.expression(op, args)))
            return
        loop = self.loop_of(out.size)
        args = [self.element(loop, x) for x in op.ins]
        if loop is not self.waiting.get(out.size):  # written meanwhile, since an operand was needed whole
            loop = self.loop_of(out.size)
            args = [self.element(loop, x) for x in op.ins]
        self.local(loop, out, elementwise.expression(op, args))
        if op.name == "select_n" and (number := _WHOLE.fullmatch(args[1])) and len(args) == 3:
            loop.chosen[loop.locals[out]] = args[0], int(number[1])

    def loop_of(self, size: int) -> Loop:
        return self.waiting.setdefault(size, Loop(size))

    def local(self, loop: Loop, out: Value, text: str) -> None:
        """One more result of a loop."""
        loop.locals[out] = name = self.name("x")
        loop.lines.append(f"const {local_type(out.dtype)} {name} = {text};")
        self.env[out], self.born[out] = loop, len(self.frames)
        if text in loop.chosen:
            loop.chosen[name] = loop.chosen[text]

    def element(self, loop: Loop, atom: Atom) -> str:
        """The element of an operand in round `i` of a loop."""
        if not isinstance(atom, Value):
            return elementwise.literal(atom)
        if self.env[atom] is loop:
            return loop.locals[atom]
        if atom.size == 1:
            return self.scalar(atom)
        at = self.settled(atom)
        if isinstance(at, Scalar):
            return at.text
        if isinstance(at, Virtual):
            for root in at.roots:
                loop.reading(root, None)
            text = at.at("i")
            if "[" not in text:
                return text
        else:
            loop.reading(at.root, at.pointer)
            text = f"{at.pointer}[i]"
        if text not in loop.loaded:  # once a round, and always: what is read in one case only is not vectorised
            loop.loaded[text] = name = self.name("x")
            loop.lines.append(f"const {local_type(atom.dtype)} {name} = {text};")
        return loop.loaded[text]

    def write(self, loop: Loop, effect: Sequence[str] = (), where: str = "", put: Put | None = None) -> None:
        """The loop, with every result that is used later put into memory.

        `effect`: more statements of each round, which do nothing but where the condition `where` holds. `put`: numbers
        that rounds put to places, which are done in blocks.
        """
        if self.waiting.get(loop.size) is loop:
            del self.waiting[loop.size]
        self.busy.add(loop)
        frame, puts, words = self.frames[-1], [], []
        first = frame.at[0] + 1 if effect else frame.at[0]  # an effect is what the present operation needed
        for value, name in loop.locals.items():
            if (last := frame.last.get(value, -1)) >= first:
                also = self.also.pop(value, [])
                if not also or last > frame.at[0]:  # else only the array that it becomes a part of is read
                    also.insert(0, self._place_of(value, loop))
                self.bind(value, also[0])
                puts += [f"{to.pointer}[i] = {name};" for to in also]
                if value in self.words and not effect and not any(map(_ROWS.search, loop.lines)):
                    words.append(self.words[value].by_block(value, also[0]))
            else:
                self.env[value] = Scalar(f"/* {name} is gone */")
        self.busy.discard(loop)
        puts += self.slots.filled_by(self, loop) if puts else []
        if put is not None:
            return self._in_two(loop.size, [*loop.lines, *puts, *effect], put)
        if puts or effect:
            lines = loop.only_where(where) if where and not puts else loop.lines
            self.rounds(loop.size, [*lines, *puts, *effect], free=not effect, words=words)

    def rounds(self, size: int, lines: list[str], *, free: bool, words: Sequence[str] = ()) -> None:
        """The C loop, over rows and columns where elements are found by these. `free`: rounds are independent.

        `words`: what is done after each block of 32 rounds.
        """
        if words:
            with self.braces(f"for (int64_t block = 0; block < {size}; block += {BITS})"):
                self.line("#pragma GCC ivdep")
                with self.braces(f"for (int64_t i = block; i < block + {BITS}; i++)"):
                    for text in lines:
                        self.line(text)
                for text in words:
                    self.line(text)
            return
        widths = {int(width) for text in lines for width in _ROWS.findall(text)}
        if len(widths) == 1 and size % (width := widths.pop()) == 0:
            with self.braces(f"for (int64_t row = 0; row < {size // width}; row++)"):
                if free:
                    self.line("#pragma GCC ivdep")
                with self.braces(f"for (int64_t column = 0; column < {width}; column++)"):
                    self.line(f"const int64_t i = row * {width} + column;")
                    for text in lines:
                        self.line(text.replace(f"(i) / {width}", "row").replace(f"(i) % {width}", "column"))
            return
        if free:
            self.line("#pragma GCC ivdep")
        with self.braces(f"for (int64_t i = 0; i < {size}; i++)"):
            for text in lines:
                self.line(text)

    def _in_two(self, size: int, lines: list[str], put: Put) -> None:
        """Blocks of rounds that compute places and numbers, which is vectorised, each followed by putting them there:
        a loop so short that many of its reads are under way at a time.
        """
        some = min(size, _BLOCK)
        with self.braces(f"for (int64_t block = 0; block < {size}; block += {some})"):
            self.line(f"const int64_t count = {size} - block < {some} ? {size} - block : {some};")
            self.line(f"int32_t places[{some}]; {put.type} numbers[{some}];")
            self.line("#pragma GCC ivdep")
            with self.braces("for (int64_t i = block; i < block + count; i++)"):
                for text in lines:
                    self.line(text)
                place = f"(int32_t)({put.place})"
                self.line(f"places[i - block] = {f'{put.inside} ? {place} : -1' if put.inside else place};")
                self.line(f"numbers[i - block] = {put.number};")
            with self.braces("for (int64_t i = 0; i < count; i++)"):
                self.line(f"{'if (places[i] >= 0) ' if put.inside else ''}{put.change('places[i]', 'numbers[i]')}")

    def _place_of(self, value: Value, loop: Loop) -> Memory:
        """Where a result goes: where the block wants it, in place of an operand that nobody reads later, or aside."""
        goal = self.frames[-1].goals.get(value)
        if goal is not None and self._free(goal, loop):
            return goal
        for root in loop.reads:
            same = root.dtype == value.dtype and root.nbytes == value.nbytes and root.writable
            if goal is None and same and self._free(old := Memory(root.name, root), loop):
                return old
        return self.aside(value.dtype, value.size)

    def goal_of(self, value: Value, parts: Sequence[tuple[Atom, int]]) -> Memory | None:
        """Where the block wants a value that is made of parts in waiting loops, if they have read what is there."""
        goal = self.frames[-1].goals.get(value)
        if goal is None or not all(self.gone(x, owner) for x, owner in goal.root.members.items()):
            return None
        for loop in (*self.waiting.values(), *self.busy):
            own = {goal.piece(start).pointer for part, start in parts if self.env[part] is loop}  # pyright: ignore
            if not loop.reads.get(goal.root, set()) <= own:
                return None
        return goal

    def _free(self, place: Memory, loop: Loop) -> bool:
        """Whether `place[i]` may be written in round `i` of the loop: what was there is read by then, or by nobody."""
        if not all(self.gone(value, owner) for value, owner in place.root.members.items()):
            return False
        if any(place.root in other.reads for other in self.busy if other is not loop):
            return False
        self.flush_readers(place.root)
        return loop.in_step_with(place.root, place.pointer)
