"""A neuron by itself: its f-I curve, its phase plane, and its firing patterns, each in one call."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from ...networks import Population, network
from ...simulation import simulate
from ...simulation.drives import StepCurrent
from ...simulation.probes import Raster, Trace
from .. import cells
from ._style import COLOURS, GREY, axes, coloured, named, open_frame, sheet
from .traces import trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def fi_curve(
    neurons: Any, currents: Any, *, t: float = 1000.0, start: float = 200.0, dt: float = 0.1, ax: Axes | None = None
) -> Axes:
    """The f-I curve of a neuron, or of several by name: the rate over a constant current, Hz.

    **Arguments:** `neurons`: such as `snn.AdEx()`, or `{"b = 0": snn.AdEx(b=0.0), ...}`. `ax`: axes to draw into.
    The others are those of `jaxsnn.analysis.fi_curve`.

    **Returns** the axes.
    """
    ax, given = axes(ax), named(neurons)
    for name, colour in coloured(list(given)):
        rate = cells.fi_curve(given[name], currents, t=t, start=start, dt=dt)
        ax.plot(currents, rate, color=colour, marker="o", markersize=2.5, linewidth=1.2, label=name or None)
    ax.set(xlabel="current", ylabel="rate (Hz)", ylim=(-0.02 * (ax.get_ylim()[1] or 1.0), None))
    if any(given):
        ax.legend(frameon=False)
    return open_frame(ax)


def phase_plane(
    neuron: Any,
    x: tuple[str, float, float],
    y: tuple[str, float, float],
    *,
    current: float = 0.0,
    at: Mapping[str, float] | None = None,
    t: float | None = 200.0,
    dt: float = 0.1,
    ax: Axes | None = None,
) -> Axes:
    """The phase plane of a neuron: where its state moves, both nullclines, and a trajectory from where a run begins.

    **Arguments**

    - `neuron`: of any kind. `x`, `y`: a variable and its range each, `("v", -80.0, -40.0)`, `("w", -20.0, 200.0)`.
    - `current`: constant, in the unit that its `gain` expects. `at`: values of other variables, for the field.
    - `t`: how long the trajectory is, ms; None for none. `dt`: its step, ms. `ax`: axes to draw into.

    **Returns** the axes. Arrows show the direction only. Nullclines are contours of the sampled field.
    """
    field = cells.vector_field(neuron, x, y, current=current, at=at, points=201)
    ax = axes(ax)
    spans = (x[2] - x[1], y[2] - y[1])
    few = slice(5, None, 10)
    arrows = [part[few, few] / span for part, span in zip((field.dx, field.dy), spans)]
    length = np.hypot(*arrows)
    safe = np.where((length > 0.0) & np.isfinite(length), length, 1.0)
    parts = [np.nan_to_num(arrow / safe) for arrow in arrows]
    ax.quiver(
        field.x[few, few], field.y[few, few], *parts, color=GREY, pivot="mid", scale=34.0, width=0.003, headwidth=4.0
    )
    handles = []
    for rate, name, colour in ((field.dx, x[0], COLOURS[0]), (field.dy, y[0], COLOURS[1])):
        if np.nanmin(rate) < 0.0 < np.nanmax(rate):
            ax.contour(field.x, field.y, rate, levels=[0.0], colors=[colour], linewidths=1.6)
        handles += ax.plot([], [], color=colour, linewidth=1.6, label=f"d{name}/dt = 0")
    if t is not None:
        along, reset = _trajectory(neuron, (x[0], y[0]), current, t, dt)
        handles += ax.plot(*along, color="black", linewidth=0.9, label="trajectory")
        ax.plot(*along[:, :1], marker="o", color="black", markersize=4.0)
        ax.plot(*reset, linestyle=":", color="black", linewidth=0.9)
    ax.set(xlabel=x[0], ylabel=y[0], xlim=x[1:], ylim=y[1:])
    ax.legend(handles=handles, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize="small")
    return open_frame(ax)


def firing_patterns(
    neurons: Mapping[str, Any],
    currents: float | Mapping[str, float] = 0.0,
    *,
    t: float = 500.0,
    dt: float = 0.1,
    peak: float | None = None,
    columns: int = 2,
) -> Figure:
    """A gallery of membranes under constant currents, a panel a neuron, with an upright line at every spike.

    **Arguments:** `neurons`: by name, of any kind. `currents`: for all, or by name, in the unit that the `gain`
    expects. `t`, `dt`: ms. `peak`: where lines of spikes end, mV. `columns`: panels side by side.

    **Returns** the figure; `figure.savefig(path)` writes it. One run.
    """
    if not isinstance(neurons, Mapping) or not neurons:
        raise ValueError("firing_patterns: got no neurons by name, expected {name: neuron}.")
    given = currents if isinstance(currents, Mapping) else dict.fromkeys(neurons, currents)
    if missing := [name for name in neurons if name not in given]:
        raise ValueError(f"firing_patterns: `currents` has none for {missing[0]!r}: expected one for each neuron.")
    keys = {name: f"cell{i}" for i, name in enumerate(neurons)}  # any text may be a title
    run = _run({keys[name]: neuron for name, neuron in neurons.items()}, {keys[n]: given[n] for n in neurons}, t, dt)
    rows = math.ceil(len(neurons) / columns)
    figure = sheet(4.6 * columns, 1.7 * rows)
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True)
    for ax, (name, key) in zip(panels.ravel(), keys.items()):
        trace(run[f"{key}.v"][:, 0], every=dt, label="v", spikes=run[f"{key}.spikes"], peak=peak, ax=ax)
        ax.set_title(name, fontsize="medium")
        ax.set(xlabel="")
    for ax in panels.ravel()[len(neurons) :]:
        ax.set_axis_off()
    for ax in panels[-1]:
        ax.set(xlabel="time (ms)")
    return figure


def _run(neurons: dict[str, Any], currents: dict[str, float], t: float, dt: float) -> Any:
    """Membranes and spikes of single neurons, each a population."""
    populations = {name: Population(neuron, 1) for name, neuron in neurons.items()}
    net = network(dt=dt, key=jax.random.key(0), populations=populations)
    first, *rest = (StepCurrent(float(currents[name]), into=name) for name in neurons)
    drive: Any = first
    for another in rest:
        drive = drive + another
    record = {f"{name}.v": Trace(f"{name}.v") for name in neurons}
    record |= {f"{name}.spikes": Raster(name) for name in neurons}
    return simulate(net, drive, t=t, key=jax.random.key(1), record=record)


def _trajectory(
    neuron: Any, names: tuple[str, str], current: float, t: float, dt: float
) -> tuple[np.ndarray, np.ndarray]:
    """Two variables over time, and the jumps of resets; both broken by NaN at every spike."""
    net = network(dt=dt, key=jax.random.key(0), populations={"cell": Population(neuron, 1)})
    record = {name: Trace(f"cell.{name}") for name in names} | {"spikes": Raster("cell")}
    run = simulate(net, StepCurrent(float(current), into="cell"), t=t, key=jax.random.key(1), record=record)
    start = neuron.init((1,), np.float32)
    along = np.stack([np.append(getattr(start, name)[0], np.asarray(run[name])[:, 0]) for name in names])
    fired = np.flatnonzero(np.asarray(run["spikes"].dense())[:, 0]) + 1  # the sample after the reset
    jumps = np.full((2, 3 * len(fired)), np.nan)
    jumps[:, 0::3], jumps[:, 1::3] = along[:, fired - 1], along[:, fired]
    return np.insert(along.astype(float), fired, np.nan, axis=1), jumps
