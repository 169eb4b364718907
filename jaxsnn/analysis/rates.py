"""Rates: of every train, in bins, over trials, and smoothed by a kernel; in Hz."""

from __future__ import annotations

from typing import Any, Literal

import jax.numpy as jnp
import numpy as np

from .. import _sums
from .._types import is_concrete
from .kernels import AbstractKernel
from .rasters import Array, milliseconds, namespace
from .rasters import spikes as dense
from .rasters import steps as whole_steps
from .statistics import in_bins
from .trains import SpikeTrains, spike_trains, with_window


def mean_firing_rate(trains: Any) -> Array:
    """The rate of every train: its spikes over the length of the window, Hz, shape `(n,)`. Elephant: the same name.

    **Arguments:** `trains`: whatever `spike_trains` accepts, with a window.

    >>> mean_firing_rate(spike_trains([[1.0, 3.0], []], t_stop=100.0))
    array([20.,  0.])
    """
    given = with_window(trains, "mean_firing_rate")
    return _counts(given.times) * (1000.0 / (given.t_stop - given.t_start))


def fanofactor(trains: Any) -> Array:
    """Fano factor over trials: variance / mean of the number of spikes over the trains, which are the trials.

    `trains`: whatever `spike_trains` accepts. 1 for Poisson. The variance is the population's; NaN where no train has a
    spike. `fano` is that over windows of one long run. Elephant: `fanofactor`.

        >>> fanofactor([[1.0, 2.0], [1.0, 2.0, 3.0, 4.0]]).round(4)
        np.float64(0.3333)
    """
    counts = _counts(spike_trains(trains).times)
    xp = namespace(counts)
    mean = xp.mean(counts, axis=-1)
    variance = xp.mean((counts - mean[..., None]) ** 2, axis=-1)
    return xp.where(mean > 0, variance / xp.where(mean > 0, mean, 1.0), xp.nan)[()]


def binned(spikes: Any, bin_size: float, *, dt: float | None = None, n: int | None = None) -> Array:
    """The number of spikes of every train in every bin, shape `(bins, n)`: what `correlation_coefficient` and kin take.

    **Arguments**

    - `spikes`: whatever `spike_trains` accepts, with a window; or a raster `(steps, n)` with `dt`, or packed with `n`.
    - `bin_size`: ms; of a raster a whole number of steps. An incomplete last bin is dropped.

    A bin holds `a < t <= b`, since a spike is stamped with the end of its step; a spike at the very beginning of the
    window is in the first bin. (Elephant's bins hold `a <= t < b`: a train on the grid of a simulation is counted there
    one bin later where a spike lies on an edge.) Counts of a raster that is differentiable are differentiable.

    **Returns** floating point. Cost: in proportion to the raster or the spikes, and the bins.

        >>> binned(spike_trains([[1.0, 2.0, 2.5]], t_stop=4.0), 2.0)
        array([[2.],
               [1.]])
    """
    milliseconds(bin_size, "binned", "bin_size")
    raster = hasattr(spikes, "words") or (hasattr(spikes, "ndim") and (dt is not None or n is not None))
    if raster and not isinstance(spikes, SpikeTrains):
        if hasattr(spikes, "words") and np.ndim(spikes.words) == 2 and is_concrete(spikes.words) and n is None:
            whole_steps(bin_size, float(spikes.dt), "binned", "bin_size")
            return binned(spike_trains(spikes), bin_size)  # in proportion to the spikes
        given = dense(spikes, n, "binned", dt=dt)
        return in_bins(given.values, whole_steps(bin_size, given.dt, "binned", "bin_size"), "binned")
    trains = with_window(spikes, "binned")
    xp = namespace(trains.times)
    if not isinstance(trains.times, np.ndarray):
        raise ValueError("binned: trains that are traced have no fixed number of bins: bin the raster instead.")
    bins = int((trains.t_stop - trains.t_start) / bin_size + 1e-6)
    if bins < 1:
        raise ValueError("binned: not one whole bin fits into the window. Record longer or narrow the bins.")
    neuron, _ = np.nonzero(xp.isfinite(trains.times))
    where = np.ceil((trains.times[xp.isfinite(trains.times)] - trains.t_start) / bin_size - 1e-6) - 1
    place = np.maximum(where, 0).astype(np.int64)
    inside = place < bins
    size = trains.times.shape[0]
    flat = np.bincount(place[inside] * size + neuron[inside], minlength=bins * size)
    return flat.reshape(bins, size).astype(float)


def time_histogram(
    trains: Any, bin_size: float, *, output: Literal["counts", "mean", "rate"] = "rate", dt: float | None = None
) -> Array:
    """The peristimulus time histogram (PSTH): spikes of all trains in each bin, over the trains and the bin, in Hz.

    **Arguments:** `trains`: trials of one neuron, or the neurons of a population, as of `binned`, with `dt`.
    `bin_size`: ms. `output`: `"rate"` in Hz, or `"counts"` of all trains together, or their `"mean"` a train.
    **Returns** shape `(bins,)`. Elephant: `time_histogram`.

        >>> time_histogram(spike_trains([[1.0, 2.0, 2.5]], t_stop=4.0), 2.0)
        array([1000.,  500.])
    """
    counts = binned(trains, bin_size, dt=dt)
    scales = {"counts": 1.0, "mean": 1.0 / counts.shape[1], "rate": 1000.0 / (counts.shape[1] * bin_size)}
    if output not in scales:
        raise ValueError(f"time_histogram: `output` is {output!r}: expected one of {', '.join(map(repr, scales))}.")
    return _sums.over(counts, axis=1) * scales[output]


def instantaneous_rate(trains: Any, times: Any, kernel: AbstractKernel) -> Array:
    """The rate of every train, smoothed: `r(t) = sum_i K(t - t_i)`, Hz, exactly at the times asked for.

    **Arguments**

    - `trains`: whatever `spike_trains` accepts. `times`: where, ms, shape `(samples,)`.
    - `kernel`: of `jaxsnn.analysis.kernels`, with its standard deviation `sigma` in ms, as Elephant's.

    **Returns** shape `(samples, n)`. The mean over trains is the population's. Nothing is binned and no border is
    corrected: within a few `sigma` of an edge the rate is too low. Differentiable with respect to `sigma` and, for a
    smooth kernel, the times of the spikes. Cost: samples times spikes.

        >>> instantaneous_rate([[10.0]], [10.0], kernels.GaussianKernel(5.0)).round(2)
        array([[79.79]])
    """
    given = spike_trains(trains)
    xp = namespace(given.times)
    if not isinstance(kernel, AbstractKernel):
        raise ValueError(
            f"instantaneous_rate: `kernel` is {kernel!r}: expected one of jaxsnn.analysis.kernels, such as "
            "GaussianKernel(10.0)."
        )
    at = xp.asarray(times, given.times.dtype)
    if at.ndim != 1:
        raise ValueError(f"instantaneous_rate: times of shape {at.shape}: expected (samples,), ms.")
    there = xp.isfinite(given.times)
    since = at[:, None, None] - xp.where(there, given.times, 0.0)[None]
    density = kernel(since)
    xp = jnp if not isinstance(density, np.ndarray) else xp
    rate = 1000.0 * xp.sum(xp.where(there[None], density, 0.0), axis=-1)
    return xp.where(xp.isnan(given.times).any(axis=-1)[None], xp.nan, rate)


def _counts(times: Array) -> Array:
    """Spikes a train as floating point, NaN where they did not all fit."""
    xp = namespace(times)
    number = xp.sum(xp.isfinite(times), axis=-1).astype(times.dtype)
    return xp.where(xp.isnan(times).any(axis=-1), xp.nan, number)
