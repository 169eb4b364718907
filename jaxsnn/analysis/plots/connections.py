"""Who is connected to whom: as a matrix, as a graph of neurons, and over distance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._style import COLOURS, GREY, axes, open_frame, whole_ticks
from .synapses import synapses

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CELLS = 200  # of a picture, along each side
_ARROWS = 3000


def connectivity(projection: Any, *, ax: Axes | None = None) -> Axes:
    """The synapses of a projection: a point for each; of large projections the number a pair of neurons, in greys.

    **Arguments:** `projection`: such as `net["EE"]`, or a matrix `(n_pre, n_post)`. `ax`: axes to draw into.

    **Returns** the axes, receivers to the right and senders downwards.
    """
    found = synapses(projection, "connectivity")
    shape = (found.n_pre, found.n_post)
    rows, cols = (min(n, _CELLS) for n in shape)
    cell = (found.pre * rows // shape[0]) * cols + found.post * cols // shape[1]
    pairs = np.outer(*(np.bincount(np.arange(n) * k // n, minlength=k) for n, k in zip(shape, (rows, cols))))
    number = np.bincount(cell, minlength=rows * cols).reshape(rows, cols) / pairs
    ax = axes(ax)
    extent = (-0.5, shape[1] - 0.5, shape[0] - 0.5, -0.5)
    image = ax.imshow(number, cmap="Greys", vmin=0.0, extent=extent, aspect="auto", interpolation="none")
    if number.max(initial=0.0) not in (0.0, 1.0):
        ax.figure.colorbar(image, ax=ax, label="synapses a pair")
    whole_ticks(ax).set(xlabel="receiver", ylabel="sender", title=f"{len(found.pre)} synapses")
    return ax


def connection_graph(
    projection: Any, *, positions: Any = None, most: int = 400, seed: int = 0, ax: Axes | None = None
) -> Axes:
    """A graph of neurons: an arrow a synapse, red for positive and blue for negative weights, wider for larger ones.

    For small projections within a population, or from one into another: then senders are on the left. (The graph of a
    network's populations is `net.graph()`.)

    **Arguments:** `projection`: such as `net["EE"]`, or a square matrix `(n, n)`. `positions`: `(n, 2)`, where the
    neurons are, such as `net.populations["E"].positions`; default: on a circle. `most`: arrows drawn; of more, a random
    choice by `seed`. `ax`: axes to draw into.

    **Returns** the axes.
    """
    found = synapses(projection, "connection_graph")
    within = getattr(projection, "pre", None) == getattr(projection, "post", None) and found.n_pre == found.n_post
    before, after = _places(found.n_pre, found.n_post, within, positions)
    chosen = np.arange(len(found.pre))
    if len(chosen) > min(most, _ARROWS):
        chosen = np.random.default_rng(seed).choice(chosen, min(most, _ARROWS), replace=False)
    ax = axes(ax)
    largest = float(np.abs(found.weight).max(initial=0.0)) or 1.0
    for i in chosen:
        (x, y), (to_x, to_y) = before[found.pre[i]], after[found.post[i]]
        weight = float(found.weight[i])
        style: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 7.0, "shrinkA": 4.0, "shrinkB": 4.0}
        style |= {"color": COLOURS[1] if weight > 0.0 else COLOURS[0], "alpha": 0.6, "connectionstyle": "arc3,rad=0.15"}
        style["linewidth"] = 0.3 + 1.2 * abs(weight) / largest
        if (x, y) != (to_x, to_y):
            ax.annotate("", (to_x, to_y), (x, y), arrowprops=style)
    both = before if within else np.concatenate([before, after])
    ax.scatter(both[:, 0], both[:, 1], s=22.0, color=GREY, edgecolor="white", linewidth=0.6, zorder=3.0)
    left_out = len(found.pre) - len(chosen)
    title = f"{len(chosen)} of {len(found.pre)} synapses" if left_out else f"{len(found.pre)} synapses"
    ax.set(title=title, aspect="equal")
    ax.margins(0.08)
    ax.set_axis_off()
    return ax


def connection_distances(
    projection: Any, positions: Any, *, post_positions: Any = None, bins: int = 30, ax: Axes | None = None
) -> Axes:
    """The probability of a connection over the distance between the neurons: synapses / pairs at that distance.

    **Arguments:** `projection`: such as `net["EE"]`, or a matrix. `positions`: of the senders, `(n_pre, d)`;
    `post_positions`: of the receivers, default the same. `bins`: of the distance. `ax`: axes to draw into. Distances
    are without periodic edges.

    **Returns** the axes. Cost: pairs of neurons.
    """
    found = synapses(projection, "connection_distances")
    before = np.asarray(positions, float)
    after = before if post_positions is None else np.asarray(post_positions, float)
    if before.shape[:1] != (found.n_pre,) or after.shape[:1] != (found.n_post,) or before.shape[1:] != after.shape[1:]:
        raise ValueError(
            f"connection_distances: positions of shape {before.shape} and {after.shape}: expected ({found.n_pre}, d) "
            f"and ({found.n_post}, d), a place for each neuron."
        )
    apart = np.linalg.norm(before[found.pre] - after[found.post], axis=1)
    edges = np.linspace(0.0, _farthest(before, after), bins + 1)
    pairs = sum(np.histogram(np.linalg.norm(after - place, axis=1), edges)[0] for place in before)
    probability = np.histogram(apart, edges)[0] / np.maximum(pairs, 1)
    ax = axes(ax)
    ax.stairs(np.where(pairs > 0, probability, np.nan), edges, color=COLOURS[0], linewidth=1.4)
    ax.set(xlabel="distance", ylabel="synapses a pair", ylim=(0.0, None))
    return open_frame(ax)


def _farthest(before: np.ndarray, after: np.ndarray) -> float:
    both = np.concatenate([before, after])
    return float(np.linalg.norm(both.max(axis=0) - both.min(axis=0))) or 1.0


def _places(n_pre: int, n_post: int, within: bool, positions: Any) -> tuple[np.ndarray, np.ndarray]:
    """Where senders and receivers are drawn."""
    if positions is not None:
        places = np.asarray(positions, float)
        if places.shape != (n_pre, 2) or n_pre != n_post:
            raise ValueError(
                f"connection_graph: positions of shape {places.shape} for {n_pre} senders and {n_post} receivers: "
                f"expected ({n_pre}, 2), within one population."
            )
        return places, places
    if within:
        angle = np.linspace(0.0, 2.0 * np.pi, n_pre, endpoint=False)
        circle = np.stack([np.sin(angle), np.cos(angle)], axis=1)
        return circle, circle
    left, right = (np.linspace(1.0, -1.0, n) if n > 1 else np.zeros(1) for n in (n_pre, n_post))
    return np.stack([np.full(n_pre, -1.0), left], axis=1), np.stack([np.full(n_post, 1.0), right], axis=1)
