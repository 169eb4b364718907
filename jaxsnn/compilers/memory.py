"""Where values are while the program is written: names, places in memory, and which of these may be overwritten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from .program import Block, Value


@dataclass(eq=False, slots=True)
class Root:
    """A piece of memory that was handed in or set aside. `members`: the values in it, and the block of each."""

    nbytes: int
    name: str
    dtype: np.dtype | None = None  # of its elements; None for parts of larger memory
    writable: bool = True
    offset: int | None = None  # in the room that a call sets aside; None: handed in
    members: dict[Value, Block] = field(default_factory=dict)
    kept: int = 0  # loops that carry something here


class Scalar(NamedTuple):
    """One number: a C expression that may be repeated."""

    text: str


class Memory(NamedTuple):
    """Elements one behind the other, from `pointer` on."""

    pointer: str
    root: Root

    def piece(self, start: int | str) -> Memory:
        """The elements from `start` on."""
        return self if start in (0, "0") else Memory(f"({self.pointer} + {start})", self.root)


class Virtual(NamedTuple):
    """An array that is not in memory: `at(i)` is the C expression of element `i`."""

    at: Callable[[str], str]
    roots: tuple[Root, ...] = ()


class Room:
    """Sets memory aside, aligned to lines of the cache; what is given back is handed out again."""

    def __init__(self):
        self.size, self.free = 0, []

    def take(self, nbytes: int) -> int:
        nbytes = max(64, -(-nbytes // 64) * 64)
        fits = [piece for piece in self.free if piece[1] == nbytes]
        if fits:
            self.free.remove(fits[-1])
            return fits[-1][0]
        self.size += nbytes
        return self.size - nbytes

    def give_back(self, offset: int, nbytes: int) -> None:
        self.free.append((offset, max(64, -(-nbytes // 64) * 64)))
