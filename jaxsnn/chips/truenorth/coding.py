"""Codings: a weight of any size as crossbar bits and the four weights that a neuron has for its axon types."""

import abc
from typing import Any

import equinox as eqx
import numpy as np

from ...lowering.storage import stored


class AbstractCoding(eqx.Module):
    """The coding of weights by crossbar bits."""


class AbstractDigits(AbstractCoding):
    """A weight is a sum of digits, each by an axon of its own, in a unit that every neuron has for itself."""

    @property
    @abc.abstractmethod
    def digits(self) -> tuple[int, ...]:
        """The weight of each axon type, in units of the neuron."""

    @property
    def ends(self) -> tuple[int, int]:
        """The least and the largest weight, in units."""
        return sum(d for d in self.digits if d < 0), sum(d for d in self.digits if d > 0)

    @abc.abstractmethod
    def bits(self, code: np.ndarray) -> np.ndarray:
        """Which digits whole numbers within `ends` are made of, `(digits, numbers)`."""


@stored
class Trinary(AbstractDigits):
    """Weights -1, 0 and 1 times a unit of the neuron: an axon for each sign that an input has (EEDN)."""

    @property
    def digits(self):
        return (1, -1)

    def bits(self, code):
        return np.stack([code > 0, code < 0])


@stored
class TwosComplement(AbstractDigits):
    """Weights of `width` bits times a unit of the neuron: an axon for each bit that an input needs.

    **Arguments:** `width`: 2, 3 or 4, static. With 4 weights are -8 .. 7 units, and a core has room for 64 inputs that
    need all bits.
    """

    width: int = eqx.field(default=4, static=True)

    def __check_init__(self):
        if self.width not in (2, 3, 4) or isinstance(self.width, bool):
            raise ValueError(f"TwosComplement.width is {self.width!r}; expected 2, 3 or 4: there are four axon types.")

    @property
    def digits(self):
        return (*(2**k for k in range(self.width - 1)), -(2 ** (self.width - 1)))

    def bits(self, code):
        return np.stack([(code >> k) & 1 for k in range(self.width)]).astype(bool)


@stored
class OneWeight(AbstractCoding):
    """One axon an input, 256 inputs a core: a neuron has one weight, of 9 bits, for each of up to four projections."""


def best_scale(weight: np.ndarray, ends: tuple[int, int], most: float, *, fewest: bool) -> float:
    """Whole numbers for one unit of weight, at most `most`, with the least error of rounding; 0: there is none.

    The weight that would fill the range first is tried at every whole number there is for it. Of scales that are
    equally good the least is taken, which needs the fewest bits, or the largest.
    """
    low, high = ends
    up, down = float(weight.max(initial=0.0)), float(-weight.min(initial=0.0))
    rooms = [(high / up, high, up)] if up > 0 else []
    rooms += [(-low / down, -low, down)] if down > 0 else []
    _, top, largest = min(rooms)
    tried = np.arange(1, top + 1) / largest
    tried = tried[tried <= most * (1 + 1e-9)]
    if tried.size == 0:
        return 0.0
    back = np.round(np.outer(tried, weight)) / tried[:, None]
    error = np.sum((back - weight) ** 2, axis=1)
    (good,) = np.nonzero(error <= error.min() + 1e-12 * np.sum(weight**2))
    return float(tried[good[0 if fewest else -1]])


def rooms(cell: Any) -> np.ndarray:
    """The largest scale of each neuron at which leak, threshold, reset and start fit their registers, `(n,)`."""
    most = np.full(cell.n, np.inf)
    for name, room in (("leak", 255.0), ("v_th", 2.0**18 - 1), ("v_start", 2.0**19 - 1), ("v_reset", 2.0**19 - 1)):
        size = np.broadcast_to(np.abs(np.asarray(cell[name], float)), (cell.n,))
        most = np.minimum(most, np.where(size > 0, room / np.maximum(size, 1e-300), np.inf))
    return most
