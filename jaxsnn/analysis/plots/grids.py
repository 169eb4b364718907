"""Maps of a quantity over two swept parameters."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ._style import axes, sheet

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


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
    - `ax`: axes to draw into; default: new ones.

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
    ax = axes(ax)
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
    - `log`: those of `names` that get logarithmic colours. `title`: above all panels.

    **Returns** the figure; `figure.savefig(path)` writes it.

    **Raises** `ValueError` naming what is missing if `x`, `y` or one of `names` is not in `ds`.
    """
    from matplotlib.patheffects import withStroke

    names, log = ([given] if isinstance(given, str) else list(given) for given in (names, log))
    present = [*ds.dims, *ds.data_vars]
    missing = [name for name in (x, y, *names, *log) if name not in present]
    if missing:
        raise ValueError(f"phase_diagram: {missing} not in the dataset: it has {present}. Check the names.")
    figure = sheet(4.8 * len(names), 4.0)
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    label = lambda name: f"{name} ({unit})" if (unit := ds[name].attrs.get("units", "")) else name
    for ax, name in zip(panels, names, strict=True):
        variable = ds[name]
        mean = variable.mean([dim for dim in variable.dims if dim not in (x, y)]).transpose(y, x)
        heatmap(mean, ds[x], ds[y], labels=(label(x), label(y), label(name)), log=name in log, ax=ax)
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
