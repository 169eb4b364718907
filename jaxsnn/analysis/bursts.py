"""Bursts of single trains: by fixed intervals (max interval), or by the valley of the histogram of log intervals."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .rasters import count, milliseconds
from .trains import spike_trains


class Bursts(NamedTuple):
    """The bursts of a train, in order: places of their first and last spikes in it, their times, ms, and numbers."""

    first: np.ndarray
    last: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    spikes: np.ndarray


def max_interval_bursts(
    trains: Any,
    *,
    max_begin_isi: float = 170.0,
    max_end_isi: float = 300.0,
    min_interburst: float = 200.0,
    min_duration: float = 10.0,
    min_spikes: int = 3,
) -> list[Bursts]:
    """Bursts by the max interval method of NeuroExplorer, whose defaults these are.

    A burst begins with an interval shorter than `max_begin_isi` and goes on as long as intervals are not longer than
    `max_end_isi`; bursts less than `min_interburst` apart are joined; then those that last less than `min_duration` or
    have fewer than `min_spikes` spikes are dropped. All times in ms, `max_begin_isi <= max_end_isi`.

    **Arguments:** `trains`: whatever `spike_trains` accepts.

    **Returns** `Bursts` for each train; on the host. Cost: in proportion to the spikes.

    **Reference:** Nex Technologies, NeuroExplorer manual; Cotterill et al., J. Neurophysiol. 116:306 (2016), table 1.

        >>> max_interval_bursts([[10.0, 20.0, 40.0, 2000.0]])[0].spikes
        array([3])
    """
    for name, value in (("max_begin_isi", max_begin_isi), ("max_end_isi", max_end_isi)):
        milliseconds(value, "max_interval_bursts", name)
    for name, value in (("min_interburst", min_interburst), ("min_duration", min_duration)):
        if not 0.0 <= value < np.inf:
            raise ValueError(f"max_interval_bursts: `{name}` is {value!r}: expected a time of at least 0, ms.")
    if max_begin_isi > max_end_isi:
        raise ValueError(
            f"max_interval_bursts: `max_begin_isi` is {max_begin_isi:g} ms: expected at most max_end_isi = "
            f"{max_end_isi:g} ms, or a burst would end where it begins."
        )
    count(min_spikes, "max_interval_bursts", "min_spikes")
    found = []
    for train in spike_trains(trains).trains():
        runs = _joined(train, _runs(train, max_begin_isi, max_end_isi), min_interburst)
        found.append(_kept(train, runs, min_duration, min_spikes))
    return found


def log_isi_bursts(trains: Any, *, max_cutoff: float = 100.0, min_spikes: int = 3) -> list[Bursts]:
    """Bursts by the logISI method: the longest interval within a burst is read from each train's own histogram.

    With the threshold of `log_isi_threshold` at most `max_cutoff`, ms, a burst is a run of intervals up to it. With a
    larger one, runs up to `max_cutoff` are cores; those nearer than the threshold are joined, and each is extended by
    the spikes around it up to the threshold. Where the histogram has no valley, or none below 1 s, `max_cutoff` is the
    threshold; where it has no peak below `max_cutoff`, there are no bursts.

    **Arguments:** `trains`: whatever `spike_trains` accepts. `min_spikes`: the fewest spikes of a burst.

    **Returns** `Bursts` for each train; on the host. Cost: in proportion to the spikes.

    **Reference:** Pasquale, Martinoia & Chiappalone, J. Comput. Neurosci. 29:213 (2010).
    """
    milliseconds(max_cutoff, "log_isi_bursts", "max_cutoff")
    count(min_spikes, "log_isi_bursts", "min_spikes")
    found = []
    for train in spike_trains(trains).trains():
        has_peak, threshold = _valley(np.diff(train), max_cutoff)
        threshold = max_cutoff if threshold is None or threshold >= 1000.0 else threshold
        if not has_peak:
            runs = _runs(train[:0], 1.0, 1.0)
        elif threshold <= max_cutoff:
            runs = _runs(train, threshold, threshold)
        else:
            cores = _joined(train, _runs(train, max_cutoff, max_cutoff), threshold)
            core = _kept(train, cores, 0.0, min_spikes)
            runs = _extended(_runs(train, threshold, threshold), core)
        found.append(_kept(train, runs, 0.0, min_spikes))
    return found


def log_isi_threshold(trains: Any, *, max_cutoff: float = 100.0) -> np.ndarray:
    """The interval, ms, at the valley between the peak of bursts and a later peak of a train's log interval histogram.

    Ten bins a decade from 1 ms. The peak of bursts is the highest below `max_cutoff`; the valley is the lowest bin to
    the first later peak from which it is separated by a void parameter `1 - g_min / sqrt(g_1 g_2)` of at least 0.7.

    **Arguments:** `trains`: whatever `spike_trains` accepts.

    **Returns** one number a train, NaN where there is none; on the host.

    **Reference:** Selinger et al., Biotechnol. Prog. 23:1024 (2007); Pasquale et al. (2010).
    """
    milliseconds(max_cutoff, "log_isi_threshold", "max_cutoff")
    found = [_valley(np.diff(train), max_cutoff)[1] for train in spike_trains(trains).trains()]
    return np.array([np.nan if x is None else x for x in found])


def _runs(train: np.ndarray, begin: float, end: float) -> tuple[np.ndarray, np.ndarray]:
    """First and last spike of runs of intervals up to `end`, from the first interval below `begin` on."""
    interval = np.diff(train)
    run = np.cumsum(interval > end)  # intervals of one run have one number
    starts = np.flatnonzero((interval < begin) & (interval <= end))
    _, at = np.unique(run[starts], return_index=True)
    first = starts[at]
    last = np.searchsorted(run, run[first], side="right")
    return first, last


def _joined(train: np.ndarray, runs: tuple[np.ndarray, np.ndarray], least: float) -> tuple[np.ndarray, np.ndarray]:
    """Runs less than `least` apart as one."""
    first, last = runs
    apart = train[first[1:]] - train[last[:-1]] >= least
    return first[np.append(True, apart)[: len(first)]], last[np.append(apart, True)[: len(last)]]


def _kept(train: np.ndarray, runs: tuple[np.ndarray, np.ndarray], duration: float, spikes: int) -> Bursts:
    first, last = runs
    number = last - first + 1
    keep = (train[last] - train[first] >= duration) & (number >= spikes)
    first, last = first[keep], last[keep]
    return Bursts(first, last, train[first], train[last], number[keep])


def _extended(runs: tuple[np.ndarray, np.ndarray], core: Bursts) -> tuple[np.ndarray, np.ndarray]:
    """Cores grown to the run that holds them; a core that none holds stays as it is, and one run is one burst."""
    first, last = core.first.copy(), core.last.copy()
    if len(runs[0]) and len(first):
        at = np.maximum(np.searchsorted(runs[0], first, side="right") - 1, 0)
        held = (runs[0][at] <= first) & (last <= runs[1][at])
        first, last = np.where(held, runs[0][at], first), np.where(held, runs[1][at], last)
    both = np.unique(np.stack([first, last], axis=1), axis=0) if len(first) else np.zeros((0, 2), int)
    return both[:, 0], both[:, 1]


def _valley(interval: np.ndarray, cutoff: float) -> tuple[bool, float | None]:
    """Whether the log interval histogram has a peak of bursts, and the interval at its valley."""
    counted = interval[interval >= 1.0]
    if not len(counted):
        return False, None
    decades = max(1, int(np.ceil(np.log10(interval.max()))))
    edges = np.logspace(0, decades, 10 * decades)
    place = np.maximum(np.searchsorted(edges, counted) - 1, 0)
    height = np.bincount(place, minlength=len(edges) - 1) / len(counted)
    around = np.stack([np.roll(np.pad(height, 2, constant_values=-1.0), shift)[2:-2] for shift in (-2, -1, 1, 2)])
    peaks = np.flatnonzero((height > around.max(axis=0)) & (np.arange(len(height)) % (len(height) - 1) > 0))
    early = peaks[edges[peaks] < cutoff]
    if not len(early):
        return False, None
    peak = early[np.argmax(height[early])]
    for later in peaks[peaks > peak]:
        between = height[peak : later + 1]
        if 1.0 - between.min() / np.sqrt(height[peak] * height[later]) >= 0.7:
            return True, float(edges[peak + np.argmin(between)])
    return True, None
