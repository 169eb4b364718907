"""Statistics of inter-spike intervals, under Elephant's names: `cv2(isi(trains))`, one number a train.

Intervals lie along the last axis; NaN is no interval, so trains of different length share an array. All are
differentiable with respect to the intervals, and `isi` with respect to the times. Cost: in proportion to the intervals.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._types import is_concrete
from .rasters import Array, namespace
from .trains import spike_trains


def isi(trains: Any) -> Array:
    """The intervals between the spikes of every train: `t_{i+1} - t_i`, ms.

    **Arguments:** `trains`: whatever `spike_trains` accepts, such as `run["raster"]`.

    **Returns** shape `(n, k - 1)`, each train's intervals first and NaN behind them; all NaN for 0 or 1 spikes.

    Elephant: `statistics.isi`.

        >>> isi([[1.0, 3.0, 6.0], [2.0]])
        array([[ 2.,  3.],
               [nan, nan]])
    """
    times = spike_trains(trains).times
    xp = namespace(times)
    there = xp.isfinite(times)
    times = xp.where(there, times, 0.0)
    return xp.where(there[..., 1:], times[..., 1:] - times[..., :-1], xp.nan)


def cv(intervals: Any) -> Array:
    """Coefficient of variation of intervals: `sd / mean`, with the population's standard deviation.

    `intervals`: ms, along the last axis, from `isi`. 1 for a Poisson process, 0 for a clock. NaN without one, 0 with
    one. SciPy and Elephant: `variation`, `cv`.

        >>> cv([2.0, 4.0]).round(4)
        np.float64(0.3333)
    """
    intervals, there, number, xp = _given(intervals, "cv")
    some = xp.maximum(number, 1.0)
    mean = xp.sum(intervals, axis=-1) / some
    off = xp.where(there, intervals - mean[..., None], 0.0)
    variance = xp.sum(off**2, axis=-1) / some
    return xp.where(number > 0, _root(variance, xp) / xp.where(number > 0, mean, 1.0), xp.nan)


def cv2(intervals: Any) -> Array:
    """Mean local coefficient of variation: `<2 |I_{i+1} - I_i| / (I_{i+1} + I_i)>`, NaN for fewer than 2 intervals.

    `intervals`: ms, from `isi`. Slow changes of the rate leave it as it is. 1 for a Poisson process.

    **Reference:** Holt et al., J. Neurophysiol. 75:1806 (1996). Elephant: `cv2`.

        >>> cv2([0.3, 4.5, 6.7, 9.3]).round(4)
        np.float64(0.8226)
    """
    before, after, there, xp = _pairs(intervals, "cv2")
    return _mean(2.0 * xp.abs(after - before) / (after + before), there, xp)


def lv(intervals: Any) -> Array:
    """Local variation: `<3 (I_i - I_{i+1})^2 / (I_i + I_{i+1})^2>`, NaN for fewer than 2 intervals; 1 for Poisson.

    **Arguments:** `intervals`: ms, along the last axis, from `isi`.

    **Reference:** Shinomoto et al., Neural Comput. 15:2823 (2003). Elephant: `lv`.

        >>> lv([0.3, 4.5, 6.7, 9.3]).round(4)
        np.float64(0.8306)
    """
    before, after, there, xp = _pairs(intervals, "lv")
    return _mean(3.0 * ((before - after) / (before + after)) ** 2, there, xp)


def lvr(intervals: Any, R: float = 5.0) -> Array:
    """Local variation, revised: `<3 (1 - 4 I_i I_{i+1} / (I_i + I_{i+1})^2) (1 + 4 R / (I_i + I_{i+1}))>`.

    **Arguments:** `intervals`: ms, from `isi`. `R`: ms, which compensates for a refractory period. NaN for fewer than 2
    intervals.

    **Reference:** Shinomoto et al., PLoS Comput. Biol. 5:e1000433 (2009). Elephant: `lvr`.

        >>> lvr([0.3, 4.5, 6.7, 9.3], R=0.005).round(4)
        np.float64(0.8339)
    """
    if is_concrete(R) and not 0.0 <= R < np.inf:
        raise ValueError(f"lvr: `R` is {R!r}: expected a time of at least 0, ms.")
    before, after, there, xp = _pairs(intervals, "lvr")
    both = before + after
    return _mean(3.0 * (1.0 - 4.0 * before * after / both**2) * (1.0 + 4.0 * R / both), there, xp)


def _given(intervals: Any, function: str) -> tuple[Array, Array, Array, Any]:
    """Intervals with 0 where there is none, where there are some, and their number."""
    if not hasattr(intervals, "dtype"):
        intervals = np.asarray(intervals, np.float64)
    if intervals.ndim < 1 or intervals.dtype.kind not in "iuf":
        raise ValueError(
            f"{function}: intervals of {intervals.dtype}{list(intervals.shape)}: expected times in ms along the last "
            "axis, such as isi(trains)."
        )
    xp = namespace(intervals)
    intervals = intervals if intervals.dtype.kind == "f" else intervals.astype(float)
    there = ~xp.isnan(intervals)
    if is_concrete(intervals) and not bool(xp.all(xp.where(there, intervals, 0.0) >= 0.0)):
        raise ValueError(f"{function}: there are negative intervals: expected isi(trains).")
    return xp.where(there, intervals, 0.0), there, xp.sum(there, axis=-1).astype(intervals.dtype), xp


def _pairs(intervals: Any, function: str) -> tuple[Array, Array, Array, Any]:
    """Neighbouring intervals; 1 and 1 where there are none, or both are 0."""
    intervals, there, _, xp = _given(intervals, function)
    before, after = intervals[..., :-1], intervals[..., 1:]
    there = there[..., :-1] & there[..., 1:]
    fine = there & (before + after > 0.0)
    return xp.where(fine, before, 1.0), xp.where(fine, after, 1.0), there, xp


def _mean(x: Array, there: Array, xp: Any) -> Array:
    number = xp.sum(there, axis=-1).astype(x.dtype)
    total = xp.sum(xp.where(there, x, 0.0), axis=-1)
    return xp.where(number > 0, total / xp.maximum(number, 1.0), xp.nan)


def _root(x: Array, xp: Any) -> Array:
    """The square root, with a derivative of 0 at 0."""
    return xp.where(x > 0.0, xp.sqrt(xp.where(x > 0.0, x, 1.0)), 0.0)
