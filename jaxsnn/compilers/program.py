"""A program as a flat list of operations on arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

EXCHANGES = frozenset({"all_gather", "all_to_all", "ppermute", "psum", "psum_invariant", "reduce_scatter"})


class Unsupported(Exception):
    """An operation or a type that cannot be written in C, by name."""


@dataclass(eq=False, slots=True)
class Value:
    """An array of the program. A key is its words, with an axis more."""

    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize


Atom = Value | np.ndarray  # an array of one number is a literal


@dataclass(eq=False, slots=True)
class Op:
    """`outs = name(ins)`; `blocks`: the programs within a loop or a branch, which may use any earlier value."""

    name: str
    ins: tuple[Atom, ...]
    outs: tuple[Value, ...]
    params: dict[str, Any]
    blocks: tuple[Block, ...] = ()

    def reads(self) -> set[Value]:
        """All values that it uses."""
        own = {x for x in self.ins if isinstance(x, Value)}
        return own.union(*(block.reads() for block in self.blocks))


@dataclass(eq=False, slots=True)
class Block:
    """Operations in order, from `inputs` to `outputs`."""

    inputs: list[Value]
    ops: list[Op] = field(default_factory=list)
    outputs: list[Atom] = field(default_factory=list)

    def reads(self) -> set[Value]:
        """All values that its operations use, and its outputs."""
        return {x for x in self.outputs if isinstance(x, Value)}.union(*(op.reads() for op in self.ops))
