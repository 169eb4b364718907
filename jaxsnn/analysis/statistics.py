"""Statistics of spike trains: pure functions of a raster, in NumPy for NumPy arrays and traceable for JAX arrays.

A raster is `(steps, n)`, 0 or 1 (or a count) for each step and neuron; or bit-packed, `(steps, ceil(n / 32))` words of
uint32 with `n` given; or what the `Raster` probe recorded, which knows its `n`. Time runs along axis 0 throughout.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .. import _bits

Array = Any  # np.ndarray or jax.Array: what goes in comes out


def unpack(raster: Array, n: int) -> Array:
    """The boolean raster `(..., n)` of a bit-packed one: neuron `i` is bit `i % 32` of word `i // 32`.

    **Arguments**

    - `raster`: uint32, shape `(..., ceil(n / 32))`.
    - `n`: number of neurons.

    **Returns** booleans of shape `(..., n)`.

    **Raises** `ValueError` if the words are not uint32 or their number does not fit `n`.

        >>> unpack(np.array([[5]], np.uint32), 4)
        array([[ True, False,  True, False]])
    """
    words = -(-n // 32)
    if raster.dtype != np.uint32 or raster.shape[-1] != words:
        raise ValueError(
            f"unpack: raster of {raster.dtype}{list(raster.shape)}: expected uint32[..., {words}], which holds n = {n} "
            "neurons, 32 a word. Give the `n` of the recorded population."
        )
    return _bits.unpack(raster, n)


def population_rate(raster: Array, dt: float, bin: float, *, n: int | None = None) -> Array:
    """Rate of the whole population over time: spikes in a bin / (neurons x bin), in Hz.

    **Arguments**

    - `raster`: spikes, `(steps, n)`, or packed with `n` given.
    - `dt`: step, ms; `bin`: width of a bin, ms, a whole number of steps. An incomplete last bin is dropped.

    **Returns** Hz, shape `(bins,)`.

    **Raises** `ValueError` if `bin` is not a whole number of steps, or longer than the raster.

        >>> population_rate(np.eye(4), dt=1.0, bin=2.0)
        array([250., 250.])
    """
    spikes = _spikes(raster, n, "population_rate")
    counts = _binned(spikes, _steps(bin, dt, "population_rate", "bin"), "population_rate")
    return counts.mean(axis=1) * (1000.0 / bin)


def isi_cv(raster: Array, *, n: int | None = None, min_intervals: int = 2) -> Array:
    """Coefficient of variation of every neuron's inter-spike intervals: `sd / mean`, 0 for a clock, 1 for Poisson.

    **Arguments**

    - `raster`: spikes, `(steps, n)`, or packed with `n` given; at most one spike a step counts.
    - `min_intervals`: neurons with fewer intervals get NaN. The mean over neurons is `nanmean`'s business.

    **Returns** shape `(n,)`; the standard deviation is the population one (divided by the number of intervals).

        >>> isi_cv(np.array([[1, 0, 1, 0, 1, 0, 0, 0, 1]]).T).round(4)
        array([0.3536])
    """
    spikes = _spikes(raster, n, "isi_cv").astype(bool)
    xp = _namespace(spikes)
    step = xp.arange(spikes.shape[0])[:, None]
    latest = _running_maximum(xp.where(spikes, step, -1))
    before = xp.concatenate([xp.full_like(latest[:1], -1), latest[:-1]])
    counted = spikes & (before >= 0)
    interval = xp.where(counted, step - before, 0).astype(float)
    count = counted.sum(axis=0, keepdims=True)
    divisor = xp.where(count > 0, count, 1).astype(float)
    mean = interval.sum(axis=0, keepdims=True) / divisor
    variance = xp.where(counted, (interval - mean) ** 2, 0.0).sum(axis=0, keepdims=True) / divisor
    enough = count >= max(min_intervals, 1)
    return xp.where(enough, xp.sqrt(variance) / xp.where(enough, mean, 1.0), xp.nan)[0]


def spectrum_peak(rate: Array, bin_ms: float, above: float = 8.0) -> Array:
    """Frequency, in Hz, of the highest value of the periodogram of `rate`, searched above `above` Hz.

    The periodogram is that of the whole series less its mean, `|FFT|^2`, with no window and no averaging, so the
    resolution is 1000 / (bins x bin_ms) Hz.

    **Arguments**

    - `rate`: population rate, shape `(bins,)`; `bin_ms`: width of a bin, ms; `above`: lowest frequency searched, Hz.

    **Raises** `ValueError` if no frequency of the periodogram lies above `above`.

        >>> t = np.arange(0, 1000, 1.0)
        >>> float(spectrum_peak(np.sin(2 * np.pi * 40 * t / 1000), 1.0))
        40.0
    """
    xp = _namespace(rate)
    frequency = np.fft.rfftfreq(rate.shape[0], bin_ms / 1000.0)
    searched = frequency > above
    if not searched.any():
        raise ValueError(
            f"spectrum_peak: {rate.shape[0]} bins of {bin_ms} ms hold no frequency above {above} Hz: record longer, "
            "use narrower bins, or search lower."
        )
    power = xp.abs(xp.fft.rfft(rate - rate.mean())) ** 2
    first = int(np.argmax(searched))
    return xp.asarray(frequency)[first + xp.argmax(power[first:])]


def fano(raster: Array, window: int, *, n: int | None = None) -> Array:
    """Fano factor of every neuron: variance / mean of its spike count over windows; 1 for Poisson, 0 for a clock.

    **Arguments**

    - `raster`: spikes, `(steps, n)`, or packed with `n` given; `window`: steps, an incomplete last one is dropped.

    **Returns** shape `(n,)`, NaN for silent neurons; the variance is the unbiased one.

    **Raises** `ValueError` if the raster holds fewer than two windows.

        >>> fano(np.array([[1, 1, 0, 0, 1, 1, 0, 0]]).T, 2).round(4)
        array([1.3333])
    """
    spikes = _spikes(raster, n, "fano")
    counts = _binned(spikes, window, "fano", at_least=2)
    xp = _namespace(counts)
    mean = counts.mean(axis=0)
    return xp.where(mean > 0, counts.var(axis=0, ddof=1) / xp.where(mean > 0, mean, 1.0), xp.nan)


def pairwise_correlation(raster: Array, window: int, *, n: int | None = None) -> Array:
    """Pearson correlation of the spike counts of every pair of neurons, counted in windows of `window` steps.

    **Arguments**

    - `raster`: spikes, `(steps, n)`, or packed with `n` given; `window`: steps, an incomplete last one is dropped.

    **Returns** shape `(n (n - 1) / 2,)`, in the order of `numpy.triu_indices(n, 1)`; NaN where a count is constant.

    **Raises** `ValueError` if the raster holds fewer than two windows.

        >>> pairwise_correlation(np.array([[1, 0, 1, 0], [0, 1, 0, 1]]).T, 1)
        array([-1.])
    """
    spikes = _spikes(raster, n, "pairwise_correlation")
    counts = _binned(spikes, window, "pairwise_correlation", at_least=2)
    xp = _namespace(counts)
    centred = counts - counts.mean(axis=0, keepdims=True)
    covariance = centred.T @ centred
    scale = xp.sqrt(xp.diagonal(covariance))
    product = scale[:, None] * scale[None, :]
    matrix = xp.where(product > 0, covariance / xp.where(product > 0, product, 1.0), xp.nan)
    return matrix[np.triu_indices(counts.shape[1], 1)]


def _namespace(x: Array) -> Any:
    return jnp if isinstance(x, jax.Array) else np


def _running_maximum(x: Array) -> Array:
    return jax.lax.cummax(x, axis=0) if isinstance(x, jax.Array) else np.maximum.accumulate(x, axis=0)


def _spikes(raster: Any, n: int | None, function: str) -> Array:
    if hasattr(raster, "words"):  # a recorded raster
        raster, n = raster.words, raster.n
    if n is not None:
        return raster if raster.shape[-1] == n and raster.dtype != np.uint32 else unpack(raster, n)
    if raster.ndim != 2 or raster.dtype == np.uint32:
        raise ValueError(
            f"{function}: raster of {raster.dtype}{list(raster.shape)}: expected spikes of shape (steps, n), or uint32 "
            "words with `n=` the number of neurons."
        )
    return raster


def _steps(time: float, dt: float, function: str, name: str) -> int:
    steps = round(time / dt)
    if steps < 1 or abs(steps * dt - time) > 1e-6 * dt:
        raise ValueError(f"{function}: `{name}` is {time} ms: expected a whole number of steps of dt = {dt} ms.")
    return steps


def _binned(spikes: Array, width: int, function: str, at_least: int = 1) -> Array:
    """Spike counts in consecutive bins of `width` steps, shape `(bins, n)`, floating point."""
    bins = spikes.shape[0] // width if width >= 1 else 0
    if bins < at_least:
        raise ValueError(
            f"{function}: windows of {width} steps in a raster of {spikes.shape[0]}: expected at least {at_least}. "
            "Record longer or narrow the windows."
        )
    return spikes[: bins * width].reshape(bins, width, spikes.shape[1]).sum(axis=1).astype(float)
