"""Statistics of spike trains: histograms of intervals, correlograms, spectra, and matrices of all pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..correlations import cross_correlation_histogram
from ..intervals import cv, isi
from ..rates import binned, time_histogram
from ..spectra import welch_psd
from ..trains import spike_trains
from ._style import COLOURS, GREY, axes, coloured, named, open_frame, whole_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def isi_histogram(trains: Any, *, bins: int = 50, log: bool = False, ax: Axes | None = None) -> Axes:
    """How often which inter-spike interval occurs, of all trains together, with the mean CV in the title.

    **Arguments:** `trains`: whatever `jaxsnn.analysis.spike_trains` accepts, or several by name. `bins`: their number.
    `log`: intervals on a logarithmic axis, in bins of equal width there. `ax`: axes to draw into.

    **Returns** the axes.
    """
    given = {name: isi(x) for name, x in named(trains).items()}
    found = {name: x[~np.isnan(x)] for name, x in given.items()}
    every = np.concatenate([*found.values()])
    if not len(every):
        raise ValueError("isi_histogram: no train has two spikes, expected at least one interval.")
    low, high = max(float(every.min()), 1e-3), float(every.max())
    edges = np.geomspace(low, max(high, 1.001 * low), bins + 1) if log else np.linspace(0.0, high, bins + 1)
    ax = axes(ax)
    for name, colour in coloured(list(found)):
        each = cv(given[name])[np.sum(~np.isnan(given[name]), axis=-1) > 1]
        said = f"CV {each.mean():.2f}" if len(each) else "too few for a CV"
        label = f"{name}, {said}" if name else None
        ax.stairs(np.histogram(found[name], edges)[0], edges, color=colour, fill=len(found) == 1, label=label)
        if not name:
            ax.set_title(f"mean {said}" if len(each) else said, fontsize="medium")
    ax.set(xlabel="interval (ms)", ylabel="intervals", xscale="log" if log else "linear")
    ax.margins(x=0.0)
    if any(found):
        ax.legend(frameon=False)
    return open_frame(ax)


def psth(trains: Any, *, bin_size: float = 5.0, ax: Axes | None = None) -> Axes:
    """The peristimulus time histogram: the rate of all trains together in each bin, Hz a train.

    **Arguments:** `trains`: trials or neurons, whatever `jaxsnn.analysis.spike_trains` accepts, or several by name.
    `bin_size`: ms. `ax`: axes to draw into.

    **Returns** the axes.
    """
    ax, given = axes(ax), named(trains)
    for name, colour in coloured(list(given)):
        rate = time_histogram(given[name], bin_size)
        edges = float(spike_trains(given[name]).t_start) + bin_size * np.arange(len(rate) + 1)
        ax.stairs(rate, edges, color=colour, fill=len(given) == 1, label=name or None)
    ax.set(xlabel="time (ms)", ylabel="rate (Hz)", ylim=(0.0, None))
    ax.margins(x=0.0)
    if any(given):
        ax.legend(frameon=False)
    return open_frame(ax)


def correlogram(
    first: Any, second: Any = None, *, window: float = 50.0, bin_size: float = 1.0, ax: Axes | None = None
) -> Axes:
    """The cross-correlogram of two populations, or the auto-correlogram of one: their rates' correlation over the lag.

    **Arguments:** `first`, `second`: whatever `jaxsnn.analysis.spike_trains` accepts; spikes of all trains are pooled.
    `window`: the largest lag, ms; a positive one: `second` comes later. `bin_size`: ms. `ax`: axes to draw into.

    **Returns** the axes. The correlation is Pearson's; of an auto-correlogram lag 0, which is 1, is left out.
    """
    before, after = (binned(x, bin_size).sum(axis=1) for x in (first, first if second is None else second))
    lag = round(window / bin_size)
    histogram, lags = cross_correlation_histogram(
        before, after, (-lag, lag), border_correction=True, cross_correlation_coefficient=True
    )
    values = np.array(histogram, float)
    if second is None:
        values[lag] = np.nan
    ax = axes(ax)
    edges = (np.append(lags, lags[-1] + 1) - 0.5) * bin_size
    ax.stairs(values, edges, color=COLOURS[0], linewidth=1.2)
    ax.axhline(0.0, color=GREY, linewidth=0.8)
    ax.axvline(0.0, color=GREY, linewidth=0.8)
    ax.set(xlabel="lag (ms)", ylabel="correlation", xlim=(edges[0], edges[-1]))
    return open_frame(ax)


def spectrum(
    signal: Any, dt: float, *, len_segment: int | None = None, log: bool = True, ax: Axes | None = None
) -> Axes:
    """The power spectral density of a signal, by Welch's method, over frequency.

    **Arguments:** as of `jaxsnn.analysis.welch_psd`; or several signals by name. `log`: power on a logarithmic axis.
    `ax`: axes to draw into.

    **Returns** the axes; frequency 0, the mean, is left out.
    """
    ax, given = axes(ax), named(signal)
    for name, colour in coloured(list(given)):
        frequency, power = welch_psd(np.asarray(given[name]), dt, len_segment=len_segment)
        ax.plot(frequency[1:], power[1:], color=colour, linewidth=1.0, label=name or None)
    ax.set(xlabel="frequency (Hz)", ylabel="power per Hz", yscale="log" if log else "linear")
    ax.margins(x=0.0)
    if any(given):
        ax.legend(frameon=False)
    return open_frame(ax)


def pair_matrix(values: Any, *, label: str = "", centred: bool = False, ax: Axes | None = None) -> Axes:
    """A number for every pair of trains as colours, such as of `correlation_coefficient` or `spike_distance`.

    **Arguments:** `values`: shape `(n, n)`; NaN left white. `label`: of the colours. `centred`: blue below 0, red
    above, as far as the largest off the diagonal. `ax`: axes to draw into.

    **Returns** the axes.
    """
    values = np.asarray(values, float)
    if values.ndim != 2 or values.shape[0] != values.shape[1] or 0 in values.shape:
        raise ValueError(f"pair_matrix: values of shape {values.shape}: expected (n, n), a number a pair.")
    ax, off = axes(ax), values[~np.eye(len(values), dtype=bool)]
    limit = float(np.nanmax(np.abs(off), initial=0.0)) or 1.0
    colours: dict[str, Any] = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit} if centred else {"cmap": "viridis"}
    image = ax.imshow(values, interpolation="none", **colours)
    whole_ticks(ax).set(xlabel="train", ylabel="train")
    ax.figure.colorbar(image, ax=ax, label=label)
    return ax
