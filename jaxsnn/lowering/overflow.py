"""Overflow of a register: what it keeps of a sum that does not fit."""

from __future__ import annotations

import abc

import equinox as eqx
from jaxtyping import Array, Bool, Int

from .integers import add, wrap
from .registers import whole
from .storage import stored


class AbstractOverflow(eqx.Module):
    """What a register keeps of a sum that does not fit."""

    @abc.abstractmethod
    def add(self, x: Int[Array, "..."], y: Int[Array, "..."]) -> tuple[Int[Array, "..."], Bool[Array, "..."]]:
        """`x + y` as the register keeps it, and where that is not the sum."""

    @abc.abstractmethod
    def range(self) -> tuple[int, int]:
        """The smallest and the largest sum that are kept."""


@stored
class Unlimited(AbstractOverflow):
    """Sums saturate at 2^31 - 1, with a status bit."""

    def add(self, x, y):
        return add(x, y)

    def range(self):
        return -(2**31) + 1, 2**31 - 1


@stored
class Wrap(AbstractOverflow):
    """The lowest `bits` bits and a sign, two's complement."""

    bits: int = eqx.field(default=23, static=True)

    def __check_init__(self):
        whole(self, bits=1)
        if self.bits > 31:
            raise ValueError(f"Wrap.bits is {self.bits}; expected 1 to 31.")

    def add(self, x, y):
        kept = wrap(x + y, self.bits)
        return kept, kept != x + y

    def range(self):
        return -(2**self.bits), 2**self.bits - 1
