"""Ids of several lists cut into blocks of one size, so that one loop can draw for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Blocks(NamedTuple):
    """How ids of several lists are cut into blocks of one size: the list and the first id of each block.

    `places`: where the ids of each list begin among those of all blocks.
    """

    size: int
    table: np.ndarray
    begin: np.ndarray
    places: list[int]

    @classmethod
    def of(cls, sizes: Sequence[int], *, smallest: int = 128, largest: int = 2048) -> Blocks:
        """Blocks about as large as half a mean list, so that little of them is empty."""
        half = max(1, sum(sizes) // (2 * len(sizes)))
        size = min(max(1 << (half - 1).bit_length(), smallest), largest)
        number = [-(-n // size) for n in sizes]
        table = np.repeat(np.arange(len(sizes), dtype=np.int32), number)
        begin = np.concatenate([np.arange(k, dtype=np.uint32) * np.uint32(size) for k in number])
        return cls(size, table, begin, [int(x) * size for x in np.cumsum([0, *number[:-1]])])
