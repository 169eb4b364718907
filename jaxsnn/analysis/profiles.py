"""Distances without a time scale under PySpike's names: ISI, SPIKE and SPIKE synchronisation, a matrix of all pairs."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .matrices import checked, number, rows, symmetric, taken, until
from .rasters import Array, namespace
from .trains import Window, with_window


class _Edged(NamedTuple):
    """Trains with a spike before the window and one behind it, which the first and the last interval reach to."""

    times: Array  # (n, k), infinity behind the last spike
    knots: Array  # (n, k + 2): the spike before, the spikes, the spike behind, and then the end
    interval: Array  # (n, k + 1)
    count: Array  # (n,)


def isi_distance(trains: Any) -> Array:
    """The ISI distance of every pair: the mean over time of `|x_i - x_j| / max(x_i, x_j)`, `x(t)` the interval at `t`.

    **Arguments:** `trains`: whatever `spike_trains` accepts, with a window. Equal times in a train count once.

    **Returns** shape `(n, n)`, from 0 to 1; PySpike's value of several trains is the mean over pairs. The first and the
    last interval of a train reach to the edge of the window, or are as long as their neighbour if that is longer; a
    train without spikes is one interval. Differentiable with respect to the times, except where intervals are equal.
    Cost `O(n^2 k log k)` for `n` trains of `k` spikes.

    **Reference:** Kreuz et al., J. Neurosci. Methods 165:151 (2007). PySpike: `isi_distance`, `isi_distance_matrix`.

        >>> isi_distance(spike_trains([[5.0], []], t_stop=10.0))
        array([[0. , 0.5],
               [0.5, 0. ]])
    """
    given = with_window(trains, "isi_distance")
    edged = _edged(given, "isi_distance")
    xp = namespace(edged.times)

    def row(edged: _Edged, own: Array, interval: Array) -> Array:
        _, length, own_place, place = _merged(own, edged, given)
        x = interval[xp.clip(own_place, 0, interval.shape[0] - 1)]
        y = taken(edged.interval, place)
        larger = xp.maximum(x, y)
        value = xp.where(larger > 0.0, xp.abs(x - y) / xp.where(larger > 0.0, larger, 1.0), 0.0)
        return xp.sum(xp.where(length > 0.0, value * length, 0.0), axis=-1)

    return _shown(symmetric(row, edged, edged.times, edged.interval), given)


def spike_distance(trains: Any) -> Array:
    """The SPIKE distance of every pair: the mean over time of `(S_i x_j + S_j x_i) / (2 <x>^2)`.

    `S_i(t)` goes linearly, over an interval of train `i`, from the distance of its first spike to the nearest spike of
    train `j` to that of its last, each weighted by the time to the other; `x` are the intervals at `t` and `<x>` their
    mean.

    **Arguments** and edges as those of `isi_distance`; beyond the edges there is a spike at the distance of the first
    (last) interval or at the edge, whichever is farther.

    **Returns** shape `(n, n)`. Differentiable with respect to the times wherever nearest spikes are unique. Cost
    `O(n^2 k log k)`. (A train whose only spike lies at the very beginning of the window is treated as any train with
    one spike; PySpike weighs its end differently.)

    **Reference:** Kreuz et al., J. Neurophysiol. 109:1457 (2013). PySpike: `spike_distance`, `spike_distance_matrix`.
    """
    given = with_window(trains, "spike_distance")
    edged = _edged(given, "spike_distance")
    xp = namespace(edged.times)

    def row(edged: _Edged, own: Array, knots: Array, count: Array) -> Array:
        middle, length, own_place, place = _merged(own, edged, given)
        own_near = _framed(_nearest(own, edged, xp), xp.broadcast_to(count, edged.count.shape), xp)
        near = _framed(_nearest_of(edged.times, own, knots, count, xp), edged.count, xp)
        width = knots.shape[0]
        rows_begin = width * np.arange(place.shape[0], dtype=np.int32)[:, None]

        def weighted(spikes: Array, distance: Array, at: Array, begin: Any) -> tuple[Array, Array]:
            """A train's weighted distance at the middle of every stretch, and its interval there."""
            at = xp.clip(at, 0, width - 2)
            left, right = (spikes.reshape(-1)[i] for i in (at + begin, at + begin + 1))
            interval = xp.where(right > left, right - left, 1.0)
            d_left, d_right = (distance.reshape(-1)[i] for i in (at + rows_begin, at + rows_begin + 1))
            return (d_left * (right - middle) + d_right * (middle - left)) / interval, interval

        s, x = weighted(knots, own_near, own_place, 0)
        z, y = weighted(edged.knots, near, place, rows_begin)
        value = 0.5 * (s * y + z * x) / (0.5 * (x + y)) ** 2  # linear between events: its middle is its mean
        return xp.sum(xp.where(length > 0.0, value * length, 0.0), axis=-1)

    return _shown(symmetric(row, edged, edged.times, edged.knots, edged.count), given)


def spike_sync(trains: Any) -> Array:
    """SPIKE synchronisation of every pair: the share of spikes that coincide with one of the other train.

    Two spikes coincide that are nearer to one another than half of each of the four intervals beside them; just half
    of one, up to the rounding of times, is not nearer.

    **Arguments:** `trains`: whatever `spike_trains` accepts, with a window. Equal times in a train count once.

    **Returns** shape `(n, n)`, from 0 to 1; 1 for two trains without spikes. Cost `O(n^2 k log k)`. Not differentiable.

    **Reference:** Kreuz, Mulansky & Bozanic, J. Neurophysiol. 113:3432 (2015). PySpike: `spike_sync_matrix`.
    """
    given = with_window(trains, "spike_sync")
    times = _distinct(checked(given.times, n=1, function="spike_sync"))
    xp = namespace(times)
    there = xp.isfinite(times)
    longest = xp.full_like(times[:, :1], 1.0) * (given.t_stop - given.t_start)
    gap = xp.where(there[:, 1:], times[:, 1:] - xp.where(there[:, 1:], times[:, :-1], 0.0), longest)
    window = 0.5 * xp.minimum(xp.concatenate([longest, gap], axis=1), xp.concatenate([gap, longest], axis=1))
    count = number(there)
    slack = 8.0 * float(xp.finfo(times.dtype).eps)

    def row(own: Array, own_window: Array) -> Array:
        """How many spikes of each train coincide with one of this."""
        place = xp.searchsorted(own, times)
        found = xp.zeros(times.shape, bool)
        for at in (place - 1, place):
            inside = (at >= 0) & (at < own.shape[0]) & there
            at = xp.clip(at, 0, own.shape[0] - 1)
            apart = xp.abs(xp.where(inside, own[at], xp.inf) - xp.where(there, times, 0.0))
            least = xp.minimum(window, own_window[at])
            found = found | (inside & (apart < least - slack * (xp.where(there, xp.abs(times), 0.0) + least)))
        return number(found)

    both = count[:, None] + count[None]
    shared = rows(row, times, window).astype(times.dtype)
    found = xp.where(both > 0, 2.0 * shared / xp.maximum(both, 1).astype(times.dtype), 1.0)
    bad = xp.isnan(given.times).any(axis=-1)
    return xp.where(bad[:, None] | bad[None], xp.nan, found)


def _edged(given: Window, function: str) -> _Edged:
    times = _distinct(checked(given.times, n=1, function=function))
    xp = namespace(times)
    n = times.shape[0]
    begin, end = (xp.full_like(times[:, :1], 1.0) * edge for edge in (given.t_start, given.t_stop))
    if times.shape[1] < 2:
        times = xp.concatenate([times, xp.full_like(times, xp.inf)], axis=1)
    count = number(xp.isfinite(times))
    silent = xp.concatenate([begin, end, xp.full((n, times.shape[1] - 2), xp.inf, times.dtype)], axis=1)
    times = xp.where(count[:, None] == 0, silent, times)  # a train without spikes is one interval
    count = xp.where(count == 0, 2, count)
    there = xp.isfinite(times)
    filled = xp.where(there, times, end)
    several = (count > 1)[:, None]
    last, other = taken(filled, count[:, None] - 1), taken(filled, count[:, None] - 2)
    before = xp.where(several, xp.minimum(begin, 2.0 * filled[:, :1] - filled[:, 1:2]), begin)
    behind = xp.where(several, xp.maximum(end, 2.0 * last - other), end)
    place = np.arange(times.shape[1] + 1, dtype=np.int32)[None]
    knots = xp.concatenate([filled, end], axis=1)
    knots = xp.concatenate([before, xp.where(place == count[:, None], behind, knots)], axis=1)
    return _Edged(times, knots, knots[:, 1:] - knots[:, :-1], count)


def _merged(own: Array, edged: _Edged, given: Window) -> tuple[Array, Array, Array, Array]:
    """The stretches between neighbouring spikes of two trains: middle, length, and the place in each one's intervals.

    Of a stretch that is not empty, all events before it are the edge of the window and spikes: the place in the other
    train is their number less the place in the own.
    """
    xp = namespace(edged.times)
    begin, end = (xp.full_like(edged.times[:, :1], 1.0) * edge for edge in (given.t_start, given.t_stop))
    both = xp.concatenate([begin, xp.broadcast_to(own[None], edged.times.shape), edged.times, end], axis=1)
    events = xp.sort(xp.where(xp.isfinite(both), both, end), axis=1)
    left, length = events[:, :-1], events[:, 1:] - events[:, :-1]
    own_place = xp.searchsorted(own, left, side="right")
    order = np.arange(left.shape[1], dtype=np.int32)[None]
    return left + 0.5 * length, length, own_place, order - own_place


def _nearest(own: Array, edged: _Edged, xp: Any) -> Array:
    """How far each spike of one train is from the nearest of every other train, its edges included: `(n, k)`."""
    place = until(own, edged.times)  # knots[place] is at or before the spike, knots[place + 1] behind it
    here = xp.where(xp.isfinite(own), own, 0.0)[None]
    return xp.minimum(xp.abs(here - taken(edged.knots, place)), xp.abs(taken(edged.knots, place + 1) - here))


def _nearest_of(times: Array, own: Array, knots: Array, count: Array, xp: Any) -> Array:
    """How far each spike of every train is from the nearest of one train, its edges included: `(n, k)`."""
    place = xp.minimum(xp.searchsorted(own, times, side="right"), count)
    here = xp.where(xp.isfinite(times), times, 0.0)
    return xp.minimum(xp.abs(here - knots[place]), xp.abs(knots[place + 1] - here))


def _framed(distance: Array, count: Array, xp: Any) -> Array:
    """Distances of spikes with those of the edges in front and behind: the same as of the first and the last spike."""
    last = taken(distance, count[:, None] - 1)
    place = np.arange(distance.shape[1] + 1, dtype=np.int32)[None]
    behind = xp.where(place == count[:, None], last, xp.concatenate([distance, last], axis=1))
    return xp.concatenate([distance[:, :1], behind], axis=1)


def _distinct(times: Array) -> Array:
    """Equal times in a train once."""
    xp = namespace(times)
    again = xp.concatenate([xp.zeros_like(times[:, :1], bool), times[:, 1:] == times[:, :-1]], axis=1)
    return xp.sort(xp.where(again, xp.inf, times), axis=1)


def _shown(total: Array, given: Window) -> Array:
    """The mean over the window, NaN for trains that did not fit."""
    xp = namespace(total)
    bad = xp.isnan(given.times).any(axis=-1)
    return xp.where(bad[:, None] | bad[None], xp.nan, total / (given.t_stop - given.t_start))
