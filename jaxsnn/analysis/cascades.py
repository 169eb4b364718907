"""Avalanches of a population's activity, and how many spikes a spike brings about: the branching parameter."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .rasters import count


class Avalanches(NamedTuple):
    """Avalanches in order: the first bin of each, its number of spikes, its number of bins, and of spikes in the first
    two bins (0 in the second where it has only one)."""

    start: np.ndarray
    size: np.ndarray
    duration: np.ndarray
    ancestors: np.ndarray
    descendants: np.ndarray


def avalanches(counts: Any) -> Avalanches:
    """Runs of bins with spikes, between two bins without one.

    **Arguments:** `counts`: spikes of the whole population in each bin, shape `(bins,)`, or `(bins, n)` from `binned`,
    summed here. The width of a bin is usually the mean interval between spikes of the population. Avalanches that the
    ends of the record cut are left out.

    **Returns** `Avalanches`, whose `size` and `duration` are to be histogrammed; on the host. Cost: in proportion to
    the bins.

    **Reference:** Beggs & Plenz, J. Neurosci. 23:11167 (2003).

        >>> avalanches([0, 2, 1, 0, 0, 4, 0, 1]).size
        array([3, 4])
    """
    activity = _activity(counts, "avalanches")
    active = np.concatenate([[False], activity > 0, [False]])
    change = np.diff(active.astype(np.int8))
    start, stop = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    whole = (start > 0) & (stop < len(activity))
    start, stop = start[whole], stop[whole]
    total = np.concatenate([[0], np.cumsum(activity)])
    second = activity[np.minimum(start + 1, len(activity) - 1)]
    size = total[stop] - total[start]
    return Avalanches(start, size, stop - start, activity[start], second)


def branching_ratio(counts: Any) -> float:
    """Beggs and Plenz' branching ratio: the mean over avalanches of descendants / ancestors, spikes of bins 2 and 1.

    1 at criticality. It sees all spikes or is biased: of a few recorded neurons take `branching_parameter`. NaN without
    an avalanche. `counts` as of `avalanches`.

    **Reference:** Beggs & Plenz, J. Neurosci. 23:11167 (2003).

        >>> branching_ratio([0, 2, 1, 0, 1, 1, 0])
        0.75
    """
    found = avalanches(counts)
    return float(np.mean(found.descendants / found.ancestors)) if len(found.size) else float("nan")


class Branching(NamedTuple):
    """The branching parameter `m` a bin and the amplitude `b`, fitted to the slopes `r_k` at the lags `k`."""

    m: float
    amplitude: float
    slopes: np.ndarray
    lags: np.ndarray


def branching_parameter(counts: Any, max_lag: int = 40) -> Branching:
    """The branching parameter by multistep regression, which is right also where few of the neurons are seen.

    `r_k` is the slope of the linear regression of `A(t + k)` on `A(t)`, and `r_k = b m^k` is fitted by least squares
    over the lags 1 to `max_lag`. The autocorrelation time is `-bin / log(m)`.

    **Arguments:** `counts`: as of `avalanches`. `max_lag`: bins; some ten times the autocorrelation time.

    **Returns** `Branching(m, amplitude, slopes, lags)`; on the host, with `0 < m <= 1.5`. Cost: bins times lags.

    **Reference:** Wilting & Priesemann, Nat. Commun. 9:2325 (2018).
    """
    activity = _activity(counts, "branching_parameter").astype(float)
    lags = np.arange(1, count(max_lag, "branching_parameter", "max_lag") + 1)
    if len(activity) < max_lag + 3:
        raise ValueError(
            f"branching_parameter: {len(activity)} bins for lags up to {max_lag}: expected at least {max_lag + 3}."
        )
    slopes = np.array([_slope(activity[:-k], activity[k:]) for k in lags])
    low, high = 1e-3, 1.5
    for _ in range(8):  # the amplitude is linear: one number is left to search, on finer and finer grids
        grid = np.linspace(low, high, 201)
        powers = grid[:, None] ** lags[None]
        amplitude = powers @ slopes / (powers**2).sum(axis=1)
        off = ((slopes[None] - amplitude[:, None] * powers) ** 2).sum(axis=1)
        best, step = int(np.argmin(off)), grid[1] - grid[0]
        low, high = max(1e-3, grid[best] - step), min(1.5, grid[best] + step)
    return Branching(float(grid[best]), float(amplitude[best]), slopes, lags)


def _slope(x: np.ndarray, y: np.ndarray) -> float:
    x = x - x.mean()
    power = float(x @ x)
    return float(x @ (y - y.mean())) / power if power > 0.0 else float("nan")


def _activity(counts: Any, function: str) -> np.ndarray:
    counts = np.asarray(counts)
    if counts.ndim not in (1, 2) or counts.dtype.kind not in "biuf" or not (counts >= 0).all() or 0 in counts.shape:
        raise ValueError(
            f"{function}: counts of {counts.dtype}{list(counts.shape)}: expected spikes a bin, (bins,) or (bins, n)."
        )
    return counts.sum(axis=1) if counts.ndim == 2 else counts
