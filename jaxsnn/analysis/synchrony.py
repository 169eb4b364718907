"""How much a population does in step: one number from membranes, phases or spikes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _sums
from .intervals import _root
from .rasters import Array, milliseconds, namespace
from .trains import spike_trains, with_window


def golomb_rinzel_chi(signals: Any) -> Array:
    """Synchrony of signals: `chi^2 = var_t(<x_i>) / <var_t(x_i)>`, from about `1 / sqrt(n)` to 1.

    1 if all signals are the same, and it falls as `1 / sqrt(n)` for independent ones, so that its dependence on `n`
    tells a synchronous population from an asynchronous one.

    **Arguments:** `signals`: shape `(samples, n)`, such as membranes that `Trace` recorded, or smoothed rates.

    **Returns** `chi`; NaN where nothing varies. Differentiable. Cost `samples n`.

    **Reference:** Golomb & Rinzel, Phys. Rev. E 48:4810 (1993); Golomb, Scholarpedia 2:1347 (2007), eq. 3.

        >>> golomb_rinzel_chi(np.array([[1.0, 1.0], [0.0, 0.0], [2.0, 2.0]]))
        np.float64(1.0)
    """
    signals = signals if hasattr(signals, "dtype") else np.asarray(signals)
    if signals.ndim != 2 or signals.dtype.kind not in "biuf" or 0 in signals.shape:
        raise ValueError(
            f"golomb_rinzel_chi: signals of {signals.dtype}{list(signals.shape)}: expected numbers, (samples, n)."
        )
    signals = signals if signals.dtype.kind == "f" else signals.astype(float)
    xp = namespace(signals)
    together = _variance(xp.mean(signals, axis=1))
    each = xp.mean(_variance(signals))
    return xp.where(each > 0.0, _root(together / xp.where(each > 0.0, each, 1.0), xp), xp.nan)[()]


def order_parameter(trains: Any, times: Any) -> Array:
    """Kuramoto's order parameter over time: `R(t) = |<exp(i phi_j(t))>_j|`, 1 if all are in phase.

    The phase of a train grows by `2 pi` from spike to spike, linearly: `phi = 2 pi (t - t_i) / (t_{i+1} - t_i)`. A
    train counts only between its first and its last spike.

    **Arguments:** `trains`: whatever `spike_trains` accepts. `times`: where, ms, shape `(samples,)`.

    **Returns** shape `(samples,)`, NaN where no train has a phase. Differentiable with respect to the spikes. Cost:
    samples times spikes.

    **Reference:** Kuramoto (1984); phases of spikes: Pikovsky, Rosenblum & Kurths (2001), section 4.
    """
    given = spike_trains(trains)
    xp = namespace(given.times)
    at = xp.asarray(times, given.times.dtype)
    if at.ndim != 1:
        raise ValueError(f"order_parameter: times of shape {at.shape}: expected (samples,), ms.")
    there = xp.isfinite(given.times)
    before = xp.sum(given.times[None] <= at[:, None, None], axis=-1)  # samples, n
    inside = (before > 0) & (before < xp.sum(there, axis=-1)[None])
    filled = xp.where(there, given.times, 0.0)[None]
    place = xp.clip(before, 1, max(1, given.times.shape[-1] - 1))[..., None]
    last = min(1, given.times.shape[-1] - 1)
    left, right = (
        xp.take_along_axis(xp.broadcast_to(filled, (at.shape[0], *given.times.shape)), i, axis=-1)[..., 0]
        for i in (place - 1, place - 1 + last)
    )
    span = xp.where(inside & (right > left), right - left, 1.0)
    phase = 2.0 * np.pi * (at[:, None] - left) / span
    number = xp.sum(inside, axis=-1).astype(given.times.dtype)
    real, imaginary = (xp.sum(xp.where(inside, f(phase), 0.0), axis=-1) for f in (xp.cos, xp.sin))
    length = _root(real**2 + imaginary**2, xp)
    return xp.where(number > 0, length / xp.maximum(number, 1.0), xp.nan)


def spike_contrast(trains: Any, min_bin: float = 10.0, bin_shrink_factor: float = 0.9) -> float:
    """Spike-contrast synchrony: the largest value over bin sizes of contrast times the share of trains that take part.

        contrast = sum |theta_{k+1} - theta_k| / (2 sum theta),   active = (sum n_k theta_k / sum theta_k - 1) / (n - 1)

    `theta_k` are the spikes in half overlapping bins, `n_k` the trains with a spike there; bins shrink by a factor from
    half of the window to half of the shortest interval, or `min_bin`.

    **Arguments:** `trains`: whatever `spike_trains` accepts, at least two, with a window. `min_bin`: ms.
    `bin_shrink_factor`: from one size to the next, between 0 and 1.

    **Returns** a number from 0 to 1; on the host. Cost: spikes times bin sizes (some 50).

    **Raises** `ValueError` where no train has two spikes.

    **Reference:** Ciba et al., J. Neurosci. Methods 293:136 (2018). Elephant: `spike_contrast`.
    """
    given = with_window(trains, "spike_contrast")
    milliseconds(min_bin, "spike_contrast", "min_bin")
    if not 0.0 < bin_shrink_factor < 1.0:
        raise ValueError(f"spike_contrast: `bin_shrink_factor` is {bin_shrink_factor!r}: expected between 0 and 1.")
    rows = [row[np.isfinite(row)] for row in np.asarray(given.times)]
    gaps = [np.diff(row).min() for row in rows if len(row) > 1]
    if len(rows) < 2 or not gaps:
        raise ValueError(f"spike_contrast: got {len(rows)} trains, expected two or more, one of them with two spikes.")
    shortest, begin, end = min(gaps), float(given.t_start), float(given.t_stop)
    size, best = (end - begin) / 2.0, -np.inf
    while size >= max(shortest / 2.0, min_bin):
        edges = np.arange(begin - shortest, end + shortest + size / 2.0, size / 2.0)
        halves = np.stack([np.histogram(row, edges)[0] for row in rows])
        inside = halves[:, :-1] + halves[:, 1:]
        theta = inside.sum(axis=0)
        active = ((np.count_nonzero(inside, axis=0) * theta).sum() / theta.sum() - 1.0) / (len(rows) - 1)
        best = max(best, active * np.abs(np.diff(theta)).sum() / (2.0 * sum(map(len, rows))))
        size *= bin_shrink_factor
    return float(best)


def _variance(x: Array) -> Array:
    """Over axis 0, the population's."""
    mean = _sums.over(x) / x.shape[0]
    return _sums.over((x - mean[None]) ** 2) / x.shape[0]
