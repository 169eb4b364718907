"""Bounds of the registers of a program, by interval arithmetic."""

from __future__ import annotations

import numpy as np

from .._types import canonical_float, on_device
from .intervals import Bound, Interval
from .program import Program


def bounds(program: Program) -> dict[str, dict[str, Bound]]:
    """Bounds of the registers of a concrete program over all possible spikes, by group and register.

    Senders may fire in every step with any amplitude, drives feed inputs only, and learning synapses may have any
    weight they can reach. A register for which nothing is proved still sets a status bit when it overflows.
    """
    out = {}
    for name, cells in program.cells.items():
        low = high = np.zeros(cells.receivers, canonical_float())
        for group in program.into(name).values():
            less, more = group.input_bounds(program.cells[group.pre], cells)
            low, high = low + less.astype(low.dtype), high + more.astype(low.dtype)
        intervals, limits = cells.bounds(on_device(low), on_device(high)), cells.limits()
        found = {key: Interval(*map(np.asarray, x)) for key, x in intervals.items()}
        if found:
            out[name] = {
                key: Bound(float(np.min(x.low)), float(np.max(x.high)), _inside(x, *limits[key]))
                for key, x in found.items()
            }
    return out


def _inside(x: Interval, low: float, high: float) -> bool:
    """On the host, where nothing is compiled."""
    return bool(np.all((x.low >= low) & (x.high <= high)))
