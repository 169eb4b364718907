"""A sweep as one still picture: a map of every result over two parameters, or its course along one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .design import Parameter
from .source import opened
from .view import Variable, View, view

if TYPE_CHECKING:
    import xarray

MOST = 12  # panels
DECADES = 1e4  # below the highest value, that logarithmic colours cover


def picture(
    source: str | Path | xarray.Dataset, path: str | Path | None = None, *, repeats: tuple[str, ...] = ()
) -> Path:
    """Draw a sweep as one picture, a PNG or what the name of `path` says: a panel for each of the first twelve results.

    Over the first two parameters that vary, or along the only one; seeds are averaged, other axes stand at their
    middle. Drawn by matplotlib (extra `plot`).

    **Arguments** and **Raises** as of `page`. By default the file is `results/brunel/brunel-overview.png`.
    """
    from matplotlib.figure import Figure

    found = opened(source)
    if path is None and found.folder is None:
        raise ValueError("Got a dataset and no path, expected where to draw the picture, such as 'sweep.png'.")
    path = Path(path) if path is not None else found.folder / f"{found.title}-overview.png"  # type: ignore[operator]
    shown = view(found.dataset, repeats)
    axes = sorted((p for p in shown.parameters if shown.dims[p.dim] > 1), key=lambda p: p.repeats)[:2]
    if axes and axes[-1].repeats and len(axes) > 1:
        axes = axes[:1]
    panels = shown.variables[:MOST]
    columns = min(len(panels), 3)
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(4.4 * columns, 3.5 * rows), layout="constrained")
    for ax, variable in zip(np.ravel(figure.subplots(rows, columns, squeeze=False)), panels):
        if len(axes) == 2:
            _map(ax, shown, axes[0], axes[1], variable)
        else:
            _line(ax, shown, axes, variable)
    for ax in figure.axes[len(panels) :]:
        if not ax.has_data():
            ax.remove()
    figure.suptitle(f"{found.title}: {_fixed(shown, axes)}" if _fixed(shown, axes) else found.title)
    figure.savefig(path, dpi=150)
    return path


def _sliced(shown: View, axes: list[Parameter], variable: Variable) -> np.ndarray:
    """The mean over what is repeated, at the middle of all dimensions but those of `axes`, in whose order it is."""
    values = variable.values.astype(float).reshape([*shown.dims.values()])
    repeated = {p.dim for p in shown.parameters if p.repeats} - {p.dim for p in axes}
    kept = [p.dim for p in axes]
    for place, (dim, size) in reversed([*enumerate(shown.dims.items())]):
        if dim in repeated:
            there = ~np.isnan(values)
            total, count = np.sum(values, place, where=there), there.sum(place)
            values = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
        elif dim not in kept:
            values = values.take((size - 1) // 2, place)
    order = [dim for dim in shown.dims if dim in kept]
    return values.transpose([order.index(dim) for dim in dict.fromkeys(kept)])


def _map(ax: Any, shown: View, x: Parameter, y: Parameter, variable: Variable) -> None:
    from matplotlib.colors import LogNorm

    values = _sliced(shown, [x, y], variable)
    norm, positive = None, values[values > 0]
    if variable.log and len(positive):
        norm = LogNorm(max(positive.min(), positive.max() / DECADES), positive.max())
    across, up = _numbers(x), _numbers(y)
    if x.dim == y.dim:
        drawn = ax.scatter(
            across, up, c=values, s=max(1, 4000 / len(values)), norm=norm, cmap="viridis", plotnonfinite=False
        )
    else:
        i, j = np.argsort(across), np.argsort(up)
        masked = np.ma.masked_invalid(values.T[np.ix_(j, i)])
        ax.set_facecolor("0.85")
        drawn = ax.pcolormesh(across[i], up[j], masked, shading="nearest", norm=norm, cmap="viridis")
    ax.figure.colorbar(drawn, ax=ax)
    ax.set_title(_label(variable), fontsize="medium")
    _scale(ax, "x", x)
    _scale(ax, "y", y)


def _line(ax: Any, shown: View, axes: list[Parameter], variable: Variable) -> None:
    values = np.atleast_1d(_sliced(shown, axes, variable))
    across = _numbers(axes[0]) if axes else np.zeros(1)
    order = np.argsort(across)
    listed = bool(axes) and sum(p.dim == axes[0].dim for p in shown.parameters) > 1
    ax.plot(across[order], values[order], "." if listed or len(order) < 2 else ".-")
    ax.set_title(_label(variable), fontsize="medium")
    if variable.log:
        ax.set_yscale("log")
    if axes:
        _scale(ax, "x", axes[0])


def _numbers(parameter: Parameter) -> np.ndarray:
    if parameter.form in ("float", "int"):
        return parameter.values
    return np.unique(parameter.values, return_inverse=True)[1].astype(float)


def _scale(ax: Any, which: str, parameter: Parameter) -> None:
    ax.set(**{f"{which}label": _label(parameter)})
    if parameter.log:
        ax.set(**{f"{which}scale": "log"})
    if parameter.form not in ("float", "int"):
        names = np.unique(parameter.values)
        ax.set(**{f"{which}ticks": range(len(names)), f"{which}ticklabels": names.tolist()})


def _label(item: Parameter | Variable) -> str:
    return f"{item.name} ({item.unit})" if item.unit else item.name


def _fixed(shown: View, axes: list[Parameter]) -> str:
    """Where the other axes stand."""
    moving = {p.dim for p in axes}
    said = []
    for p in shown.parameters:
        if p.dim not in moving and shown.dims[p.dim] > 1:
            place = (shown.dims[p.dim] - 1) // 2
            said.append(f"mean over {p.name} ({shown.dims[p.dim]})" if p.repeats else f"{p.name} {p.values[place]}")
    return ", ".join(said)
