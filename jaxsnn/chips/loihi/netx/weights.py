"""What Lava-DL's loader and Lava's dense process make of a matrix of weights, which decides what a file can say.

The loader shifts weights up to fill 8 bits and gives the shift as a negative exponent; the process then clips to the
sign mode it finds and drops bits it thinks unused. Mostly nothing is lost: `loaded` says what is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Loaded(NamedTuple):
    """Mantissas as the process holds them; a spike adds `mantissa 2^exponent`, the sum rounded down."""

    mantissa: np.ndarray
    exponent: int
    bits: int  # stored, of 8; 9 where an odd weight above 127 meets a negative one

    @property
    def effective(self) -> np.ndarray:
        """The weights, exact in floats."""
        return self.mantissa * 2.0**self.exponent


def loaded(*parts: np.ndarray) -> list[Loaded]:
    """Weights (whole numbers) of one layer after loading: a matrix, and for a recurrent one a second `(post, pre)`.

    **Raises:** ValueError where the loader itself fails or zeroes them.
    """
    weight = np.hstack([np.asarray(part, np.int64) for part in parts])  # they share a format
    low, high = int(weight.min()), int(weight.max())
    if low == high == 0:
        raise ValueError("all weights are zero, for which Lava-DL's loader divides by zero; leave the layer out")
    if (high > 254 and low < 0) or (low < -256 and high > 0):
        weight = np.clip(weight, -256, 254)
        low, high = int(weight.min()), int(weight.max())
    mixed = low < 0 <= high
    scale = min(127 / high if high else np.inf, 128 / -low) if mixed else 255 / high if low >= 0 else 256 / -low
    up = int(np.floor(np.log2(scale))) + mixed
    if up < 0:
        raise ValueError(f"weights from {low} to {high} need more than 8 bits, and Lava-DL's loader makes them zero")
    divisible = next((n for n in range(8, 0, -1) if not np.any(weight % 2**n)), 0)
    bits = 8 - up - (divisible - mixed)
    split = np.split(weight << up, np.cumsum([part.shape[1] for part in parts[:-1]]), axis=1)
    return [Loaded(_stored(part, bits), -up, bits) for part in split]


def _stored(weight: np.ndarray, bits: int) -> np.ndarray:
    """What the process keeps: its own idea of the sign mode, a clip, and low bits dropped."""
    inhibitory, mixed = weight.max() <= 0 and weight.min() < 0, weight.min() < 0 < weight.max()
    weight = -weight if inhibitory else weight
    weight = np.clip(weight, -256 if mixed else 0, 255)
    drop = 8 - bits + mixed
    weight = weight >> drop << drop if drop >= 0 else np.zeros_like(weight)  # NumPy's shift by a negative number
    return -weight if inhibitory else weight
