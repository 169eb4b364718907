"""Pictures of what a simulation recorded or a sweep measured. matplotlib is imported only when one is drawn."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .statistics import unpack

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def raster(
    spikes: Any, *, n: int | None = None, dt: float | None = None, t0: float = 0.0, ax: "Axes | None" = None
) -> "Axes":
    """One dot a spike, time in ms to the right and neurons upwards.

    **Arguments**

    - `spikes`: what the `Raster` probe recorded; or spikes of shape `(steps, n)`; or bit-packed, uint32 of shape
      `(steps, ceil(n / 32))`, with `n` given (default: all its bits).
    - `dt`: step, ms (default: that of a recorded raster, else 0.1); a spike of row `k` is drawn at
      `t0 + (k + 1) dt`, as NEST stamps it.
    - `ax`: axes to draw into; default: new ones.

    **Returns** the axes.
    """
    if hasattr(spikes, "words"):  # a recorded raster
        n = spikes.n
        dt = spikes.dt if dt is None else dt
        spikes = spikes.words
    dt = 0.1 if dt is None else dt
    spikes = np.asarray(spikes)
    if spikes.dtype == np.uint32:
        spikes = unpack(spikes, 32 * spikes.shape[-1] if n is None else n)
    step, neuron = np.nonzero(spikes)
    ax = _axes(ax)
    ax.plot(t0 + (step + 1) * dt, neuron, linestyle="none", marker="|", markersize=2.0, color="black")
    steps, size = spikes.shape
    ax.set(xlabel="time (ms)", ylabel="neuron", xlim=(t0, t0 + steps * dt), ylim=(-0.5, size - 0.5))
    return ax


def trace(
    values: Any, *, dt: float = 0.1, every: int = 1, t0: float = 0.0, label: str = "", ax: "Axes | None" = None
) -> "Axes":
    """A recorded variable over time, one line a neuron.

    **Arguments**

    - `values`: shape `(samples,)` or `(samples, neurons)`; `dt`: step, ms; `every`: steps a sample, as in the probe;
      sample `j` is drawn at `t0 + (j + 1) every dt`, the time that the `Trace` probe took it.
    - `label`: of the vertical axis, with its unit, such as `"v (mV)"`.
    - `ax`: axes to draw into; default: new ones.

    **Returns** the axes.
    """
    values = np.asarray(values)
    ax = _axes(ax)
    ax.plot(t0 + np.arange(1, values.shape[0] + 1) * every * dt, values, linewidth=0.8)
    ax.set(xlabel="time (ms)", ylabel=label)
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

    **Raises** `ValueError` if the shape of `values` is not `(len(y), len(x))`.
    """
    from matplotlib.colors import LogNorm

    values, x, y = np.asarray(values, float), np.asarray(x), np.asarray(y)
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
    names: Sequence[str],
    *,
    marks: Mapping[str, tuple[float, float]] | None = None,
    log: Sequence[str] = (),
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

    present = [*ds.dims, *ds.data_vars]
    missing = [name for name in (x, y, *names) if name not in present]
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
