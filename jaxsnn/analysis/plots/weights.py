"""Weights: as a matrix, as histograms, and over time while they change."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ._style import axes, coloured, named, open_frame, whole_ticks
from .synapses import synapses, values

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CELLS = 400  # of a picture, along each side: more cannot be seen


def weight_matrix(weights: Any, *, label: str = "weight", ax: "Axes | None" = None) -> "Axes":
    """Weights as colours, receivers to the right and senders downwards; blue below 0, red above, white without synapse.

    **Arguments:** `weights`: a projection, such as `net["EE"]`, or a matrix `(n_pre, n_post)`. Of large ones each cell
    of the picture is the mean over its synapses. `label`: of the colours, with the unit. `ax`: axes to draw into.

    **Returns** the axes.
    """
    found = synapses(weights, "weight_matrix")
    shape = (found.n_pre, found.n_post)
    rows, cols = (min(n, _CELLS) for n in shape)
    cell = (found.pre * rows // shape[0]) * cols + found.post * cols // shape[1]
    number = np.bincount(cell, minlength=rows * cols)
    total = np.bincount(cell, found.weight, minlength=rows * cols)
    mean = np.where(number > 0, total / np.maximum(number, 1), np.nan).reshape(rows, cols)
    ax = axes(ax)
    limit = float(np.nanmax(np.abs(mean), initial=0.0)) or 1.0
    extent = (-0.5, shape[1] - 0.5, shape[0] - 0.5, -0.5)
    image = ax.imshow(mean, cmap="RdBu_r", vmin=-limit, vmax=limit, extent=extent, aspect="auto", interpolation="none")
    whole_ticks(ax).set(xlabel="receiver", ylabel="sender")
    ax.figure.colorbar(image, ax=ax, label=label)
    return ax


def weight_histogram(
    weights: Any, *, bins: int = 50, label: str = "weight", log: bool = False, ax: "Axes | None" = None
) -> "Axes":
    """How many synapses have which weight, one outline for each of those given by name.

    **Arguments:** `weights`: a projection or numbers, or several by name, `{"before": w0, "after": w}`, with common
    bins. `bins`: their number. `label`: of the weights, with the unit. `log`: a logarithmic axis of the numbers.
    `ax`: axes to draw into.

    **Returns** the axes.
    """
    given = {name: values(x, "weight_histogram") for name, x in named(weights).items()}
    every = np.concatenate([*given.values()])
    if not len(every):
        raise ValueError("weight_histogram: got no weights, expected at least one.")
    low, high = float(every.min()), float(every.max())
    room = 0.5 * max(abs(low), 1.0) * 0.1 if low == high else 0.0
    edges = np.linspace(low - room, high + room, bins + 1)
    ax = axes(ax)
    for name, colour in coloured(list(given)):
        ax.stairs(np.histogram(given[name], edges)[0], edges, color=colour, fill=len(given) == 1, label=name or None)
    ax.set(xlabel=label, ylabel="synapses", yscale="log" if log else "linear")
    if any(given):
        ax.legend(frameon=False)
    return open_frame(ax)


def weight_trajectories(
    times: Any, weights: Any, *, most: int = 30, label: str = "weight", ax: "Axes | None" = None
) -> "Axes":
    """Weights over time: single synapses thin, their mean thick, and the band between the 5 % and 95 % quantiles.

    **Arguments:** `times`: ms, shape `(samples,)`, such as `run.times("w")`. `weights`: shape `(samples, synapses)`, as
    `Trace` or `Snapshots` recorded; or several by name, in colours. `most`: single synapses drawn, spread over all.
    `label`: of the weights, with the unit. `ax`: axes to draw into.

    **Returns** the axes.
    """
    ax, times = axes(ax), np.asarray(times, float)
    given = named(weights)
    for name, colour in coloured(list(given)):
        rows = np.asarray(given[name], float)
        rows = rows.reshape(len(rows), -1)
        if rows.shape[0] != len(times) or times.ndim != 1:
            raise ValueError(
                f"weight_trajectories: {rows.shape[0]} samples of weights and times of shape {times.shape}: expected "
                "one time a sample."
            )
        some = np.unique(np.linspace(0, rows.shape[1] - 1, min(most, rows.shape[1])).astype(int))
        ax.plot(times, rows[:, some], color=colour, alpha=0.25, linewidth=0.5)
        low, high = np.quantile(rows, (0.05, 0.95), axis=1)
        ax.fill_between(times, low, high, color=colour, alpha=0.15, linewidth=0.0)
        ax.plot(times, rows.mean(axis=1), color=colour, linewidth=1.8, label=name or None)
    ax.set(xlabel="time (ms)", ylabel=label)
    ax.margins(x=0.0)
    if any(given):
        ax.legend(frameon=False)
    return open_frame(ax)


def losses(curves: Mapping[str, Sequence[float]] | Sequence[float], *, every: float = 1.0, log: bool = True,
           label: str = "loss", ax: "Axes | None" = None) -> "Axes":  # fmt: skip
    """Losses over steps of training, each curve thin and its running mean thick.

    **Arguments:** `curves`: a curve, or several by name, `{"train": ..., "test": ...}`; of unequal length they are
    drawn over the same range, as a test after every epoch is. `every`: steps between the numbers of the longest.
    `log`: a logarithmic axis, where all are positive. `label`: of the vertical axis. `ax`: axes to draw into.

    **Returns** the axes.
    """
    given = {name: np.asarray(x, float).reshape(-1) for name, x in named(curves).items()}
    if not given or not all(len(x) for x in given.values()):
        raise ValueError("losses: got a curve without numbers, expected at least one number in each.")
    ax, longest = axes(ax), max(len(x) for x in given.values())
    for name, colour in coloured(list(given)):
        curve = given[name]
        at = every * longest / len(curve) * np.arange(1, len(curve) + 1)
        width = max(1, len(curve) // 20)
        if width > 1:
            ax.plot(at, curve, color=colour, alpha=0.3, linewidth=0.7)
            total = np.concatenate([[0.0], np.cumsum(curve)])
            at, curve = at[width - 1 :], (total[width:] - total[:-width]) / width
        ax.plot(at, curve, color=colour, linewidth=1.6, label=name or None)
    positive = all((x > 0.0).all() for x in given.values())
    ax.set(xlabel="step", ylabel=label, yscale="log" if log and positive else "linear")
    ax.margins(x=0.01)
    if any(given):
        ax.legend(frameon=False)
    return open_frame(ax)
