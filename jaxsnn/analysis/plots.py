"""Pictures of what a simulation recorded or a sweep measured. matplotlib is imported only when one is drawn."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import rasters

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def raster(
    spikes: Any, *, n: int | None = None, dt: float | None = None, t0: float | None = None, ax: "Axes | None" = None
) -> "Axes":
    """A mark a spike, time in ms to the right and neurons upwards.

    **Arguments**

    - `spikes`: what the `Raster` or `Spikes` probe recorded; or spikes of shape `(steps, n)`; or bit-packed, uint32 of
      shape `(steps, ceil(n / 32))`, with `n` given (default: all its bits).
    - `dt`: step, ms (default: that of a record, else 0.1); a spike of row `k` is drawn at `t0 + (k + 1) dt`, as it is
      stamped. `t0`: ms, when the first row begins (default: when the recorded run began, else 0).
    - `ax`: axes to draw into; default: new ones.

    **Returns** the axes.

    **Raises** `ValueError` for what is no raster of one run, and a `dt` or `t0` that does not fit.
    """
    if hasattr(spikes, "events") and not hasattr(spikes, "words"):
        _none_of("raster", "a list of spikes knows its own times", n=n, dt=dt, t0=t0)
        when, (_, neuron) = spikes.times(), spikes.events()
        size, limits = _rows(spikes.neurons, spikes.n), (0.0, float(np.max(when, initial=0.0)) + spikes.dt)
    else:
        if not hasattr(spikes, "words"):
            spikes = np.asarray(spikes)
            n = 32 * spikes.shape[-1] if n is None and spikes.dtype == np.uint32 else n
        given = rasters.spikes(spikes, n, "raster", dt=dt)
        dt = 0.1 if given.dt is None else given.dt
        begin = int(given.first) * dt if t0 is None else _finite(t0, "raster", "t0")
        step, column = np.nonzero(np.asarray(given.values))
        when = begin + (step + 1) * dt
        neuron = column if given.neurons is None else np.asarray(given.neurons)[column]
        size = _rows(given.neurons, given.values.shape[1])
        limits = (begin, begin + given.values.shape[0] * dt)
    ax = _axes(ax)
    height = 72.0 * ax.get_window_extent().height / ax.figure.dpi  # points
    mark = float(np.clip(0.7 * height / (size[1] - size[0]), 2.5, 14.0))
    ax.plot(when, neuron, linestyle="none", marker="|", markersize=mark, markeredgewidth=1.0, color="black")
    ax.set(xlabel="time (ms)", ylabel="neuron", xlim=limits, ylim=size)
    if size[1] - size[0] <= 12:
        ax.set_yticks(range(math.ceil(size[0]), math.floor(size[1]) + 1))
    return ax


def _rows(neurons: Any, n: int) -> tuple[float, float]:
    """The vertical limits for neurons of these numbers."""
    return (-0.5, n - 0.5) if neurons is None else (min(neurons) - 0.5, max(neurons) + 0.5)


def trace(
    values: Any,
    *,
    dt: float = 0.1,
    every: float | None = None,
    t0: float = 0.0,
    times: Any = None,
    label: str = "recorded variable",
    neurons: Sequence[Any] | None = None,
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
        times = _finite(t0, "trace", "t0") + np.arange(1, values.shape[0] + 1) * every
    elif every is not None:
        raise ValueError("trace: got times and every; expected one of them.")
    times = np.asarray(times, float)
    if times.shape != values.shape[:1]:
        raise ValueError(f"trace: times of shape {times.shape}: expected one a sample, ({values.shape[0]},).")
    lines = 1 if values.ndim == 1 else values.shape[1]
    names = [str(i) for i in (range(lines) if neurons is None else neurons)]
    if len(names) != lines:
        raise ValueError(f"trace: {len(names)} neurons are named: expected one a line, {lines}.")
    ax = _axes(ax)
    drawn = ax.plot(times, values, linewidth=0.8)
    ax.set(xlabel="time (ms)", ylabel=label)
    ax.margins(x=0.0)
    if 2 <= lines <= 10 and ax.figure.get_layout_engine() is not None:  # it makes room beside the axes
        ax.legend(drawn, names, title="neuron", loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    elif 2 <= lines <= 10:
        ax.legend(drawn, names, title="neuron", loc="upper right", fontsize="small")
    return ax


def heatmap(
    values: Any,
    x: Any,
    y: Any,
    *,
    labels: Sequence[str] = ("", "", ""),
    log: bool = False,
    ax: "Axes | None" = None,
) -> "Axes":
    """A quantity over two swept parameters, with a colour bar; one pixel a grid point, NaN left white.

    **Arguments**

    - `values`: shape `(len(y), len(x))`; `x`, `y`: the swept values, increasing.
    - `labels`: of the horizontal axis, the vertical axis and the colour bar.
    - `log`: logarithmic colours over at most four decades below the highest value; 0 and below are left white.

    **Returns** the axes.

    **Raises** `ValueError` if the shape of `values` is not `(len(y), len(x))`, or `x` or `y` does not increase.
    """
    from matplotlib.colors import LogNorm

    values, x, y = np.asarray(values, float), np.asarray(x), np.asarray(y)
    for name, axis in (("x", x), ("y", y)):
        if axis.ndim != 1 or axis.dtype.kind not in "biuf" or not np.all(np.diff(axis.astype(float)) > 0):
            raise ValueError(f"heatmap: `{name}` is {axis}: expected increasing numbers, one axis.")
    if isinstance(labels, str) or len(labels) != 3:
        raise ValueError(f"heatmap: labels are {labels!r}: expected three, of x, of y and of the colours.")
    if values.shape != (y.size, x.size):
        raise ValueError(f"heatmap: values of shape {values.shape}: expected (len(y), len(x)) = {(y.size, x.size)}.")
    ax = _axes(ax)
    norm = None
    if log:
        values = np.where(values > 0.0, values, np.nan)
        if np.isfinite(values).any():
            highest = np.nanmax(values)
            norm = LogNorm(max(np.nanmin(values), 1e-4 * highest), highest)
    mesh = ax.pcolormesh(x, y, np.ma.masked_invalid(values), shading="nearest", norm=norm, cmap="viridis")
    bar = ax.figure.colorbar(mesh, ax=ax)
    bar.set_label(labels[2])
    ax.set(xlabel=labels[0], ylabel=labels[1])
    return ax


def phase_diagram(
    ds: "xarray.Dataset",
    x: str,
    y: str,
    names: str | Sequence[str],
    *,
    marks: Mapping[str, tuple[float, float]] | None = None,
    log: str | Sequence[str] = (),
    title: str = "",
) -> "Figure":
    """Heat maps of several variables of a sweep over the same two axes, side by side.

    **Arguments**

    - `ds`: the result of `sweep`; dimensions other than `x` and `y` are averaged, NaN left out.
    - `x`, `y`: names of the horizontal and vertical axis; `names`: the variables, one panel each.
    - `marks`: text to write at points `(x, y)`, the same in every panel.
    - `log`: those of `names` that get logarithmic colours.

    **Returns** the figure; `figure.savefig(path)` writes it.

    **Raises** `ValueError` naming what is missing if `x`, `y` or one of `names` is not in `ds`.
    """
    from matplotlib.figure import Figure
    from matplotlib.patheffects import withStroke

    names, log = ([given] if isinstance(given, str) else list(given) for given in (names, log))
    present = [*ds.dims, *ds.data_vars]
    missing = [name for name in (x, y, *names, *log) if name not in present]
    if missing:
        raise ValueError(f"phase_diagram: {missing} not in the dataset: it has {present}. Check the names.")
    figure = Figure(figsize=(4.8 * len(names), 4.0), layout="constrained")
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    for ax, name in zip(panels, names, strict=True):
        variable = ds[name]
        mean = variable.mean([dim for dim in variable.dims if dim not in (x, y)]).transpose(y, x)
        unit = variable.attrs.get("units", "")
        heatmap(mean, ds[x], ds[y], labels=(x, y, f"{name} ({unit})" if unit else name), log=name in log, ax=ax)
        for text, at in (marks or {}).items():
            ax.plot(*at, marker="o", color="black", markersize=4.0, markeredgecolor="white")
            right, top = at[0] > np.mean(ax.get_xlim()), at[1] > np.mean(ax.get_ylim())  # write towards the middle
            ax.annotate(
                text,
                at,
                (-5 if right else 5, -5 if top else 5),
                textcoords="offset points",
                ha="right" if right else "left",
                va="top" if top else "bottom",
                fontsize=9,
                path_effects=[withStroke(linewidth=2.5, foreground="white")],
            )
    if title:
        figure.suptitle(title)
    return figure


def _axes(ax: "Axes | None") -> "Axes":
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1]


def _finite(value: Any, function: str, name: str) -> float:
    """A finite number, or one error."""
    if not isinstance(value, (int, float, np.number)) or isinstance(value, bool) or not math.isfinite(float(value)):
        raise ValueError(f"{function}: `{name}` is {value!r}: expected a number of ms.")
    return float(value)


def _none_of(function: str, why: str, **given: Any) -> None:
    """One error for arguments that have no place beside others."""
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"{function}: `{name}` is {value!r}, but {why}. Leave it out.")
