"""Recorded variables over time, with the spikes that a reset hides."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import rasters
from ..trains import spike_trains
from ._style import COLOURS, axes, finite, open_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def trace(
    values: Any,
    *,
    dt: float = 0.1,
    every: float | None = None,
    t0: float = 0.0,
    times: Any = None,
    label: str = "recorded variable",
    neurons: Sequence[Any] | None = None,
    spikes: Any = None,
    peak: float | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """A recorded variable over time, one line a neuron, with a legend where there are 2 to 10 of them.

    **Arguments**

    - `values`: shape `(samples,)` or `(samples, neurons)`.
    - `times`: when the samples were taken, ms, such as `run.times("v")`; or else `every`: ms between samples, as in the
      probe (default: `dt`, the step, ms), and `t0`, ms, when the run began: sample `j` is drawn at
      `t0 + (j + 1) every`.
    - `label`: of the vertical axis, with its unit, such as `"v (mV)"`. `neurons`: what the lines are called in the
      legend (default: 0, 1, ...).
    - `spikes`: of the same neurons, whatever `jaxsnn.analysis.spike_trains` accepts: an upright line at every spike,
      from the last sample before it up to `peak` (default: as far above the highest sample as that is above the
      median), since a reset hides the spike in what is recorded.
    - `ax`: axes to draw into; default: new ones.

    **Returns** the axes.

    **Raises** `ValueError` for another shape, and times or names that are not one a sample or line.
    """
    values = np.asarray(values)
    if values.ndim not in (1, 2) or values.dtype.kind not in "biuf" or 0 in values.shape:
        raise ValueError(
            f"trace: values of {values.dtype}{list(values.shape)}: expected numbers, (samples,) or (samples, neurons)."
        )
    if times is None:
        every = rasters.milliseconds(dt if every is None else every, "trace", "dt" if every is None else "every")
        times = finite(t0, "trace", "t0") + np.arange(1, values.shape[0] + 1) * every
    elif every is not None:
        raise ValueError("trace: got times and every; expected one of them.")
    times = np.asarray(times, float)
    if times.shape != values.shape[:1]:
        raise ValueError(f"trace: times of shape {times.shape}: expected one a sample, ({values.shape[0]},).")
    lines = 1 if values.ndim == 1 else values.shape[1]
    names = [str(i) for i in (range(lines) if neurons is None else neurons)]
    if len(names) != lines:
        raise ValueError(f"trace: {len(names)} neurons are named: expected one a line, {lines}.")
    ax = axes(ax)
    colours = [COLOURS[i % len(COLOURS)] for i in range(lines)]
    drawn = [ax.plot(times, row, linewidth=0.8, color=colour)[0] for row, colour in zip(_each(values), colours)]
    if spikes is not None:
        _spikes(ax, times, values, spikes, peak, colours)
    ax.set(xlabel="time (ms)", ylabel=label)
    ax.margins(x=0.0)
    if 2 <= lines <= 10 and ax.figure.get_layout_engine() is not None:  # it makes room beside the axes
        ax.legend(drawn, names, title="neuron", loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    elif 2 <= lines <= 10:
        ax.legend(drawn, names, title="neuron", loc="upper right", fontsize="small")
    return open_frame(ax)


def _each(values: np.ndarray) -> np.ndarray:
    """The lines one after the other, shape `(lines, samples)`."""
    return values[None] if values.ndim == 1 else values.T


def _spikes(ax: "Axes", times: np.ndarray, values: np.ndarray, spikes: Any, peak: float | None, colours: list[str]):
    """An upright line a spike."""
    trains = spike_trains(spikes).trains()
    rows = _each(values)
    if len(trains) != len(rows):
        raise ValueError(f"trace: spikes of {len(trains)} neurons, expected those of the {len(rows)} lines.")
    top = 2.0 * np.max(values) - np.median(values) if peak is None else finite(peak, "trace", "peak")
    for train, row, colour in zip(trains, rows, colours):
        seen = train[(train > times[0]) & (train <= times[-1])]
        ax.vlines(seen, row[np.searchsorted(times, seen) - 1], top, color=colour, linewidth=0.8)
