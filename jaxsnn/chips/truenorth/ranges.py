"""How far a potential can go, whatever arrives: an axon brings at most one spike a step."""

from typing import Any

import numpy as np

from .arithmetic import LINEAR, NORMAL


def reach(cells: Any) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of the potential of concrete `CoreCells` before it is compared; infinite where it can grow without end.

    With `up` and `down`, what a step adds and takes at most, a potential that did not fire is below the threshold, and
    one that is reset linearly sinks by a threshold: it has a bound if `up` is at most that. So it is downwards.
    """
    wide = lambda x: np.broadcast_to(np.asarray(x, float), (cells.n,))
    receiver = np.asarray(cells.receiver)
    each = np.diff(np.asarray(cells.start, np.int64)).astype(np.int64)
    axon = np.repeat(np.arange(cells.axons), each)
    added = np.asarray(cells.weight)[np.asarray(cells.axon_type)[axon], receiver].astype(float)
    sums = lambda x: np.bincount(receiver, x, minlength=cells.n)
    leak, either = wide(cells.leak), wide(cells.reversal) > 0
    up = sums(np.maximum(added, 0)) + np.where(either, np.abs(leak), np.maximum(leak, 0.0))
    down = sums(np.maximum(-added, 0)) + np.where(either, np.abs(leak), np.maximum(-leak, 0.0))
    noise = np.zeros(cells.n) if cells.noise_bits is None else np.exp2(wide(cells.noise_bits)) - 1.0
    alpha, beta, reset, start = (wide(x) for x in (cells.threshold, cells.negative, cells.reset, cells.v_start))
    mode, saturates = wide(cells.reset_mode), wide(cells.saturates) > 0
    grows = lambda step, limit: np.where(mode == NORMAL, False, np.where(mode == LINEAR, step > limit, step > 0.0))
    highest = np.maximum(np.maximum(alpha + noise, np.abs(reset)), start)
    lowest = np.minimum(np.minimum(-beta - noise, -np.abs(reset)), start)
    high = np.where(grows(up, alpha), np.inf, highest + up)
    low = np.where(grows(down, beta) & ~saturates, -np.inf, lowest - down)
    return low, high
