"""The comparison of targets as one HTML file: the table, and a picture a target of what became of the weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from .html import document, escaped, svg
from .html import table as drawn
from .table import HEAD, cells, notes

_WIDE = 3  # pictures in a row


def page(data: dict[str, Any]) -> str:
    """The file, from the data of a comparison."""
    rows = {name: cells(name, row) for name, row in data["targets"].items()}
    shown = [c for c in HEAD if any(row[c] != "-" for row in rows.values())]
    sizes = ", ".join(f"{name}: {n}" for name, n in data["populations"].items())
    fit = sum(row["fits"] for row in data["targets"].values())
    parts = [
        f"<h1>One network on {len(rows)} targets: {fit} take it</h1>",
        f"<p class=note>Neurons of {escaped(sizes)}; dt = {data['dt ms']:g} ms</p>",
        drawn("Targets", tuple(shown), [tuple(row[c] for c in shown) for row in rows.values()]),
    ]
    if "score of the model" in data:
        parts.append(f"<p>Score of the float model: {data['score of the model']:.4g}</p>")
    parts.append(
        "<p class=note>coincide: spikes within a step of the float model's, in the group where they are fewest; "
        "clipped: weights and others; rounded, to 0: weights; rms error: of the projection with the largest, over its "
        "weights; energy and time: of an inference, with "
        "sources below.</p>"
    )
    if fit:
        parts += ["<h2>What became of the weights</h2>", svg(figure(data))]
        parts.append(
            "<p class=note>Each dot is a synapse (at most 512 a projection): across, the weight that was asked for; "
            "up, by how much the chip's differs; both over the largest asked. On the line nothing is lost; where dots "
            "run down a slope of -1 weights share a level of the chip.</p>"
        )
    for name, row in data["targets"].items():
        said = "".join(f"<li>{escaped(note)}</li>" for note in notes(row))
        parts.append(f"<h2>{escaped(name)}{'' if row['fits'] else ': does not take it'}</h2><ul>{said}</ul>")
    return document("One network on every target", parts)


def figure(data: dict[str, Any]) -> Any:
    """A panel for every target that takes the network."""
    from matplotlib.figure import Figure

    fits = {name: row for name, row in data["targets"].items() if row["fits"]}
    down = -(-len(fits) // _WIDE)
    made = Figure(figsize=(3.4 * _WIDE, 3.3 * down), layout="constrained")
    axes = np.atleast_2d(made.subplots(down, _WIDE, squeeze=False))
    for ax in axes.flat[len(fits) :]:
        ax.set_axis_off()
    for ax, (name, row) in zip(axes.flat, fits.items(), strict=False):
        _weights(ax, name, row)
    return made


def _weights(ax: Any, name: str, row: dict[str, Any]) -> None:
    """Weights of a target, asked and got."""
    for k, (link, sample) in enumerate(row["sample"].items()):
        asked, got = (np.asarray(x, float) for x in sample)
        if asked.size == 0 or not np.any(asked):
            continue
        unit = np.abs(asked).max()
        ax.plot(asked / unit, 100 * (got - asked) / unit, ".", markersize=3, color=f"C{k % 10}", label=link, alpha=0.7)
    ax.axhline(0.0, color="0.3", linewidth=0.6, zorder=0)
    error = 100 * row["weights"]["largest relative rms error"]
    ax.set_title(f"{name}\n{error:.2g} % rms at most", fontsize="medium")
    ax.set_xlabel("asked, of the largest", fontsize="small")
    ax.set_ylabel("got - asked, %", fontsize="small")
    ax.tick_params(labelsize="x-small")
    if 0 < len(row["sample"]) <= 5:
        ax.legend(fontsize="xx-small", loc="upper left", markerscale=2, framealpha=0.7)
