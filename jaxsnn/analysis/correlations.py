"""Correlations of binned trains: between all pairs at once, and of two trains over a range of lags."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .rasters import Array, namespace


class Correlogram(NamedTuple):
    """A cross-correlation histogram and the lags of its bins, in bins."""

    histogram: Array
    lags: np.ndarray


def covariance(counts: Any) -> Array:
    """The covariance of the counts of every pair of trains: `<(b_i - <b_i>)(b_j - <b_j>)> / (bins - 1)`, summed.

    **Arguments:** `counts`: shape `(bins, n)`, from `binned`. For at most one spike a bin: `binned(...) > 0`.

    **Returns** shape `(n, n)`. Differentiable. Cost `bins n^2`. Elephant: `covariance`.

        >>> covariance(np.array([[1.0, 0.0], [0.0, 1.0]]))
        array([[ 0.5, -0.5],
               [-0.5,  0.5]])
    """
    counts = _counts(counts, "covariance", 2)
    centred = counts - namespace(counts).mean(counts, axis=0)[None]
    return centred.T @ centred / (counts.shape[0] - 1)


def correlation_coefficient(counts: Any) -> Array:
    """Pearson's correlation of the counts of every pair of trains: `cov_ij / sqrt(cov_ii cov_jj)`.

    **Arguments:** `counts`: shape `(bins, n)`, from `binned`.

    **Returns** shape `(n, n)`, NaN where a count is constant, as that of a silent neuron. Differentiable. Cost
    `bins n^2`. Elephant: `correlation_coefficient`; `pairwise_correlation` is its upper triangle.

        >>> correlation_coefficient(np.array([[1.0, 0.0], [0.0, 1.0]]))
        array([[ 1., -1.],
               [-1.,  1.]])
    """
    found = covariance(_counts(counts, "correlation_coefficient", 2))
    xp = namespace(found)
    variance = xp.diagonal(found)
    product = variance[:, None] * variance[None]
    positive = product > 0.0
    return xp.where(positive, found / xp.sqrt(xp.where(positive, product, 1.0)), xp.nan)


def cross_correlation_histogram(
    first: Any,
    second: Any,
    window: tuple[int, int],
    *,
    border_correction: bool = False,
    cross_correlation_coefficient: bool = False,
) -> Correlogram:
    """Pairs of spikes by lag: `C(k) = sum_t first(t) second(t + k)`; of a train with itself the auto-correlogram.

    **Arguments**

    - `first`, `second`: counts of one train each, shape `(bins,)`, from `binned`. A positive lag: `second` comes later.
    - `window`: the first and the last lag, in bins, both included.
    - `border_correction`: divide by the share of bins that overlap at a lag, `1 - |k| / bins`.
    - `cross_correlation_coefficient`: `(C - N_1 N_2 / bins) / sqrt(var_1 var_2)`, with `var = sum b^2 - N^2 / bins`.

    **Returns** `Correlogram(histogram, lags)`. Differentiable. Cost: `bins log bins`. Elephant: this name, or `cch`.

        >>> cross_correlation_histogram([0, 1, 0, 0], [0, 0, 1, 0], (-1, 1)).histogram
        array([0., 0., 1.])
    """
    function = "cross_correlation_histogram"
    first, second = _counts(first, function, 1), _counts(second, function, 1)
    bins = first.shape[0]
    if second.shape != first.shape:
        raise ValueError(f"{function}: counts of {bins} and {second.shape[0]} bins: expected the same window for both.")
    low, high = (int(edge) for edge in window)
    if not -bins < low < high < bins:
        raise ValueError(f"{function}: `window` is {window!r}: expected two lags in order, less than {bins} bins.")
    xp = namespace(first)
    size = 2 * bins  # room for all lags: a product of transforms is a circular correlation
    spectrum = xp.conj(xp.fft.rfft(first, size)) * xp.fft.rfft(second, size)
    lags = np.arange(low, high + 1)
    exact = _are_whole(first) and _are_whole(second)
    found = xp.fft.irfft(spectrum, size)[lags % size]
    found = (np.round(found) + 0.0) if exact else found  # whole numbers lose nothing to the transform
    if border_correction:
        found = found * (bins / (bins - np.abs(lags))).astype(found.dtype)
    if cross_correlation_coefficient:
        n_1, n_2 = xp.sum(first), xp.sum(second)
        product = (xp.sum(first**2) - n_1**2 / bins) * (xp.sum(second**2) - n_2**2 / bins)
        found = (found - n_1 * n_2 / bins) / xp.sqrt(xp.where(product > 0.0, product, xp.nan))
    return Correlogram(found, lags)


def _are_whole(x: Array) -> bool:
    return isinstance(x, np.ndarray) and bool((x == np.round(x)).all())


def _counts(counts: Any, function: str, axes: int) -> Array:
    """Counts as floating point, or one error."""
    counts = counts if hasattr(counts, "dtype") else np.asarray(counts)
    if counts.ndim != axes or counts.dtype.kind not in "biuf" or counts.shape[0] < 2:
        shape = "(bins, n)" if axes == 2 else "(bins,) of one train"
        raise ValueError(
            f"{function}: counts of {counts.dtype}{list(counts.shape)}: expected {shape}, at least 2 bins, as "
            "binned(spikes, bin_size) gives them."
        )
    return counts if counts.dtype.kind == "f" else counts.astype(float)
