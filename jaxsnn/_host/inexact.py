"""What NumPy would not compute as XLA does."""

from __future__ import annotations

from typing import Any

import numpy as np


class Inexact(Exception):
    """A program, or its numbers, of which NumPy does not give the bits of a compiled program."""


def normal(x: Any) -> Any:
    """`x`, without the denormal numbers that XLA takes as zero on a CPU, and NumPy does not."""
    size = np.abs(x)
    denormal = (size < np.finfo(size.dtype).tiny) & (size > 0)
    return np.where(denormal, x * size.dtype.type(0), x) if np.any(denormal) else x
