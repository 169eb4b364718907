"""Rasters of spikes, of one population or of several in colours, alone or with their rates."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import rasters
from ..rates import time_histogram
from ..trains import SpikeTrains, spike_trains
from ._style import COLOURS, axes, coloured, column, finite, named, none_of, open_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class _Marks(NamedTuple):
    """When which neuron fired, and the limits of both axes."""

    when: np.ndarray
    neuron: np.ndarray
    rows: tuple[float, float]
    times: tuple[float, float]


def raster(
    spikes: Any, *, n: int | None = None, dt: float | None = None, t0: float | None = None, ax: "Axes | None" = None
) -> "Axes":
    """A mark a spike, time in ms to the right and neurons upwards.

    **Arguments**

    - `spikes`: what the `Raster` or `Spikes` probe recorded; or `SpikeTrains`; or spikes of shape `(steps, n)`; or
      bit-packed, uint32 of shape `(steps, ceil(n / 32))`, with `n` given (default: all its bits). Or several of these
      by name, `{"E": run["E"], "I": run["I"]}`: populations in colours, the first below.
    - `dt`: step, ms (default: that of a record, else 0.1); a spike of row `k` is drawn at `t0 + (k + 1) dt`, as it is
      stamped. `t0`: ms, when the first row begins (default: when the recorded run began, else 0).
    - `ax`: axes to draw into; default: new ones.

    **Returns** the axes.

    **Raises** `ValueError` for what is no raster of one run, and a `dt` or `t0` that does not fit.
    """
    if not isinstance(spikes, Mapping):
        marks = _marks(spikes, n, dt, t0)
        ax = _drawn([marks], axes(ax), ("black",))
        return ax if marks.rows[1] - marks.rows[0] > 12 else _whole_numbers(ax, marks.rows)
    if not spikes:
        raise ValueError("raster: got no populations, expected {name: spikes}.")
    none_of("raster", "populations given by name know their own", n=n)
    stacked, begin = [], 0.0
    for one in spikes.values():
        known = hasattr(one, "events") or isinstance(one, SpikeTrains)
        marks = _marks(one, None, None if known else dt, None if known else t0)
        size = marks.rows[1] - marks.rows[0]
        stacked.append(marks._replace(neuron=marks.neuron - marks.rows[0] - 0.5 + begin, rows=(begin, begin + size)))
        begin += size
    ax = _drawn(stacked, axes(ax), COLOURS)
    ax.set(ylabel="")
    ax.set_yticks([sum(marks.rows) / 2.0 - 0.5 for marks in stacked], list(spikes))
    for (_, colour), label in zip(coloured(list(spikes)), ax.get_yticklabels()):
        label.set_color(colour)
    ax.tick_params(axis="y", length=0.0)
    return ax


def raster_with_rate(
    spikes: Any, *, bin_size: float = 5.0, dt: float | None = None, axes: "Sequence[Axes] | None" = None
) -> "list[Axes]":
    """A raster, and below it the rate of each population in bins of `bin_size` ms, Hz a neuron.

    **Arguments:** `spikes`, `dt`: as of `raster`. `axes`: two to draw into, from above; default: new ones.
    **Returns** both axes.
    """
    above, below = column(axes, (3.0, 1.0), "raster_with_rate")
    raster(spikes, dt=dt, ax=above).set(xlabel="")
    populations = named(spikes)
    for name, colour in coloured(list(populations)):
        given = populations[name]
        trains = given if hasattr(given, "words") else spike_trains(given, dt=dt)
        rate = time_histogram(trains, bin_size)
        edges = above.get_xlim()[0] + bin_size * np.arange(len(rate) + 1)
        below.stairs(rate, edges, color=colour if name else "black", linewidth=1.0, label=name or None)
    below.set(xlabel="time (ms)", ylabel="rate (Hz)", xlim=above.get_xlim(), ylim=(0.0, None))
    open_frame(below)
    return [above, below]


def _drawn(each: Sequence[_Marks], ax: "Axes", colours: Sequence[str]) -> "Axes":
    low, high = min(marks.rows[0] for marks in each), max(marks.rows[1] for marks in each)
    shift = 0.0 if len(each) == 1 else 0.5
    height = 72.0 * ax.get_window_extent().height / ax.figure.dpi  # points
    mark = float(np.clip(0.7 * height / (high - low), 2.5, 14.0))
    for i, marks in enumerate(each):
        style = {"linestyle": "none", "marker": "|", "markersize": mark, "markeredgewidth": 1.0}
        ax.plot(marks.when, marks.neuron, color=colours[i % len(colours)], **style)
    times = (min(marks.times[0] for marks in each), max(marks.times[1] for marks in each))
    ax.set(xlabel="time (ms)", ylabel="neuron", xlim=times, ylim=(low - shift, high - shift))
    return open_frame(ax)


def _marks(spikes: Any, n: int | None, dt: float | None, t0: float | None) -> _Marks:
    if isinstance(spikes, SpikeTrains):
        none_of("raster", "spike trains know their own times", n=n, dt=dt, t0=t0)
        trains = spikes.trains()
        when, neuron = np.concatenate(trains), np.repeat(np.arange(len(trains)), [len(x) for x in trains])
        end = spikes.t_stop if spikes.t_stop is not None else np.max(when, initial=0.0)
        return _Marks(when, neuron, (-0.5, len(trains) - 0.5), (float(spikes.t_start), float(end)))
    if hasattr(spikes, "events") and not hasattr(spikes, "words"):
        none_of("raster", "a list of spikes knows its own times", n=n, dt=dt, t0=t0)
        when, (_, neuron) = spikes.times(), spikes.events()
        return _Marks(
            when, neuron, _rows(spikes.neurons, spikes.n), (0.0, float(np.max(when, initial=0.0)) + spikes.dt)
        )
    if not hasattr(spikes, "words"):
        spikes = np.asarray(spikes)
        n = 32 * spikes.shape[-1] if n is None and spikes.dtype == np.uint32 else n
    given = rasters.spikes(spikes, n, "raster", dt=dt)
    dt = 0.1 if given.dt is None else given.dt
    begin = int(given.first) * dt if t0 is None else finite(t0, "raster", "t0")
    step, place = np.nonzero(np.asarray(given.values))
    neuron = place if given.neurons is None else np.asarray(given.neurons)[place]
    rows = _rows(given.neurons, given.values.shape[1])
    return _Marks(begin + (step + 1) * dt, neuron, rows, (begin, begin + given.values.shape[0] * dt))


def _rows(neurons: Any, n: int) -> tuple[float, float]:
    """The vertical limits for neurons of these numbers."""
    return (-0.5, n - 0.5) if neurons is None else (min(neurons) - 0.5, max(neurons) + 0.5)


def _whole_numbers(ax: "Axes", rows: tuple[float, float]) -> "Axes":
    ax.set_yticks(range(math.ceil(rows[0]), math.floor(rows[1]) + 1))
    return ax
