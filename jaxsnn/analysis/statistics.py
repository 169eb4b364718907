"""Statistics of spike trains: pure functions of a raster, in NumPy for NumPy arrays and traceable for JAX arrays.

A raster is `(steps, n)`, 0 or 1 (or a count) for each step and neuron; or bit-packed, `(steps, ceil(n / 32))` words of
uint32 with `n` given; or what the `Raster` probe recorded, which knows its `n` and its `dt`. Time runs along axis 0.
"""

import jax
import jax.numpy as jnp
import numpy as np

from .. import _sums
from .._types import is_concrete
from .rasters import Array, count, milliseconds, namespace, spikes, steps


def population_rate(raster: Array, dt: float | None = None, bin: float = 1.0, *, n: int | None = None) -> Array:
    """Rate of the whole population over time: spikes in a bin / (neurons x bin), in Hz.

    **Arguments**

    - `raster`: spikes, `(steps, n)`, or packed with `n` given, or what `Raster` recorded.
    - `dt`: step, ms; a recorded raster knows its own. `bin`: width of a bin, ms, a whole number of steps. An incomplete
      last bin is dropped.

    **Returns** Hz, shape `(bins,)`.

    **Raises** `ValueError` if `bin` is not a whole number of steps, or longer than the raster.

        >>> population_rate(np.eye(4), dt=1.0, bin=2.0)
        array([250., 250.])
    """
    given = spikes(raster, n, "population_rate", dt=dt)
    counts = in_bins(given.values, steps(bin, given.dt, "population_rate", "bin"), "population_rate")
    return _mean(counts, 1) * (1000.0 / bin)


def isi_cv(raster: Array, *, n: int | None = None, min_intervals: int = 2) -> Array:
    """Coefficient of variation of every neuron's inter-spike intervals: `sd / mean`; 1 for Poisson, 0 if regular.

    **Arguments**

    - `raster`: spikes, `(steps, n)`, or packed with `n` given, or what `Raster` recorded; at most one spike per step
      is counted.
    - `min_intervals`: 1 or more; neurons with fewer intervals get NaN. The mean over neurons is for `nanmean`.

    **Returns** shape `(n,)`; the standard deviation is the population one (divided by the number of intervals).

        >>> isi_cv(np.array([[1, 0, 1, 0, 1, 0, 0, 0, 1]]).T).round(4)
        array([0.3536])
    """
    fired = spikes(raster, n, "isi_cv").values.astype(bool)
    least = count(min_intervals, "isi_cv", "min_intervals")
    return _isi_cv(fired, least) if isinstance(fired, np.ndarray) else _isi_cv_traceable(fired, least)


def _isi_cv(fired: np.ndarray, least: int) -> np.ndarray:
    """From the list of spikes, in a time proportional to their number."""
    neuron, step = np.nonzero(fired.T)
    same = neuron[1:] == neuron[:-1]
    interval, neuron = np.diff(step)[same].astype(float), neuron[1:][same]
    summed = lambda x: np.bincount(neuron, x, minlength=fired.shape[1])
    number = summed(np.ones_like(interval))
    enough = number >= least
    divisor = np.where(enough, number, 1.0)
    mean = summed(interval) / divisor
    variance = summed((interval - mean[neuron]) ** 2) / divisor
    return np.where(enough, np.sqrt(variance) / np.where(enough, mean, 1.0), np.nan)


def _isi_cv_traceable(fired: jax.Array, least: int) -> jax.Array:
    step = jnp.arange(fired.shape[0], dtype=jnp.int32)[:, None]
    latest = jax.lax.cummax(jnp.where(fired, step, -1), axis=0)
    before = jnp.concatenate([jnp.full_like(latest[:1], -1), latest[:-1]])
    counted = fired & (before >= 0)
    interval = jnp.where(counted, step - before, 0)
    number = jnp.sum(counted, axis=0)
    divisor = jnp.maximum(number, 1).astype(float)
    mean = jnp.sum(interval, axis=0).astype(float) / divisor  # exact: the time from the first spike to the last
    off = jnp.where(counted, interval.astype(float) - mean[None], 0.0)
    variance = _sums.over(off**2) / divisor
    enough = number >= least
    return jnp.where(enough, jnp.sqrt(variance) / jnp.where(enough, mean, 1.0), jnp.nan)


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
    if not hasattr(rate, "dtype"):
        rate = np.asarray(rate)
    milliseconds(bin_ms, "spectrum_peak", "bin_ms")
    if not isinstance(above, (int, float, np.number)) or isinstance(above, bool) or not 0.0 <= above < np.inf:
        raise ValueError(f"spectrum_peak: `above` is {above!r}: expected a frequency of at least 0, Hz.")
    if rate.ndim != 1 or rate.dtype.kind not in "biuf" or (is_concrete(rate) and not bool(np.isfinite(rate).all())):
        raise ValueError(
            f"spectrum_peak: rate of {rate.dtype}{list(rate.shape)}: expected finite numbers, shape (bins,)."
        )
    xp = namespace(rate)
    frequency = np.fft.rfftfreq(rate.shape[0], bin_ms / 1000.0)
    searched = frequency > above
    if not searched.any():
        raise ValueError(
            f"spectrum_peak: {rate.shape[0]} bins of {bin_ms} ms hold no frequency above {above} Hz: record longer, "
            "use narrower bins, or search lower."
        )
    power = xp.abs(xp.fft.rfft(rate - _mean(rate))) ** 2
    first = int(np.argmax(searched))
    return xp.asarray(frequency)[first + xp.argmax(power[first:])]


def fano(raster: Array, window: float, *, dt: float | None = None, n: int | None = None) -> Array:
    """Fano factor of every neuron: variance / mean of its spike count over windows; 1 for Poisson, 0 if regular.

    **Arguments**

    - `raster`: spikes, `(steps, n)`, or packed with `n` given, or what `Raster` recorded.
    - `window`: ms, a whole number of steps; an incomplete last one is dropped. `dt`: step, ms; a recorded raster knows
      its own.

    **Returns** shape `(n,)`, NaN for silent neurons; the variance is the unbiased one.

    **Raises** `ValueError` if the raster holds fewer than two windows.

        >>> fano(np.array([[1, 1, 0, 0, 1, 1, 0, 0]]).T, window=2.0, dt=1.0).round(4)
        array([1.3333])
    """
    given = spikes(raster, n, "fano", dt=dt)
    counts = in_bins(given.values, steps(window, given.dt, "fano", "window"), "fano", at_least=2)
    xp = namespace(counts)
    mean = _mean(counts)
    variance = _sums.over((counts - mean[None]) ** 2) / (counts.shape[0] - 1)
    return xp.where(mean > 0, variance / xp.where(mean > 0, mean, 1.0), xp.nan)


def pairwise_correlation(raster: Array, window: float, *, dt: float | None = None, n: int | None = None) -> Array:
    """Pearson correlation of the spike counts of every pair of neurons, counted in windows of `window` ms.

    **Arguments**

    - `raster`: spikes, `(steps, n)`, or packed with `n` given, or what `Raster` recorded.
    - `window`: ms, a whole number of steps; an incomplete last one is dropped. `dt`: step, ms; a recorded raster knows
      its own.

    **Returns** shape `(n (n - 1) / 2,)`, in the order of `numpy.triu_indices(n, 1)`; NaN where a count is constant.

    **Raises** `ValueError` if the raster holds fewer than two windows.

        >>> pairwise_correlation(np.array([[1, 0, 1, 0], [0, 1, 0, 1]]).T, window=1.0, dt=1.0)
        array([-1.])
    """
    given = spikes(raster, n, "pairwise_correlation", dt=dt)
    window_steps = steps(window, given.dt, "pairwise_correlation", "window")
    counts = in_bins(given.values, window_steps, "pairwise_correlation", at_least=2)
    xp = namespace(counts)
    centred = counts - _mean(counts)[None]
    covariance = centred.T @ centred
    scale = xp.sqrt(xp.diagonal(covariance))
    product = scale[:, None] * scale[None, :]
    matrix = xp.where(product > 0, covariance / xp.where(product > 0, product, 1.0), xp.nan)
    return matrix[np.triu_indices(counts.shape[1], 1)]


def in_bins(values: Array, width: int, function: str, at_least: int = 1) -> Array:
    """Spike counts in consecutive bins of `width` steps, shape `(bins, n)`, floating point."""
    bins = values.shape[0] // width
    if bins < at_least:
        raise ValueError(
            f"{function}: windows of {width} steps in a raster of {values.shape[0]}: expected at least {at_least}. "
            "Record longer or narrow the windows."
        )
    cut = values[: bins * width].reshape(bins, width, values.shape[1])
    return _sums.over(cut if cut.dtype.kind == "f" else cut.astype(np.int32), axis=1).astype(float)


def _mean(x: Array, axis: int = 0) -> Array:
    """The mean along an axis, with a rounding error that does not grow with its length."""
    return _sums.over(x, axis) / x.shape[axis]
