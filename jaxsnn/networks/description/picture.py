"""The graph of a network as a picture: populations as boxes, projections as arrows, coloured by the sign of weights."""

from __future__ import annotations

import dataclasses
import math
import os
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np

from ..._types import is_concrete
from .arrows import arrow, curve, loop, on
from .places import BOX, GAP, HEIGHT, Point, apart, places_of
from .synapses import count, counted, delays, grouped, receiver, topology, weight_unit, weights

MARGIN = 12.0
LABELLED = 24  # projections, of which each has its name beside it; with more of them one cannot read it
COLOURS = {"+": "#2b6cb0", "-": "#c53030", "": "#6b7280", "drive": "#b7791f"}  # "": of both signs, or not known
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1f2937;text-anchor:middle}.n{font-weight:600}"
    ".s{font-size:11px;fill:#4b5563}.l{stroke:#ffffff;stroke-width:4px}"
    ".p{fill:#f3f6fb;stroke:#5b7db1}.d{fill:#fff8e6;stroke:#b7791f}.e{fill:none;stroke-opacity:.75}"
)


@dataclasses.dataclass(frozen=True)
class Picture:
    """A drawing that a notebook shows: `.svg` is its text, `.save("net.svg")` writes it."""

    svg: str = dataclasses.field(repr=False)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture to a file whose name ends in `.svg`."""
        path = Path(path)
        if path.suffix != ".svg":
            raise ValueError(f"Got a picture to write to {str(path)!r}, expected a name that ends in .svg.")
        path.write_text(self.svg + "\n", encoding="utf-8")

    def _repr_svg_(self) -> str:
        return self.svg


def drawn(net: Any, drive: Any = None) -> Picture:
    """The picture of a network, and of the drives into it.

    Populations that reach each other are drawn together; what only sends stands left of what receives from it.
    """
    fed = _fed(net, drive)
    places = places_of([*net.populations], [(p.pre, p.post) for p in net.projections.values()])
    left = {
        f"drive {i}": (-BOX / 2 - GAP, sum(places[n][1] for n in into) / len(into)) for i, (_, into) in enumerate(fed)
    }
    left = apart(left)
    boxes = [*places.values(), *left.values()]
    middle = (sum(x for x, _ in boxes) / len(boxes), sum(y for _, y in boxes) / len(boxes))
    lines, labels, points, few = [], [], [], len(net.projections) <= LABELLED

    def draw(a: Point, b: Point, colour: str, width: float, about: str, label: str = "") -> None:
        own = loop(a, middle) if a == b else curve(a, b, [box for box in boxes if box not in (a, b)])
        lines.append(arrow(own, colour, width, about))
        labels.extend([_label(on(own, 0.5), label)] if label else [])
        points.extend(on(own, k / 8) for k in range(9))

    for name, p in net.projections.items():
        about = f"{name}: {p.pre} to {receiver(p)}, {topology(p)}, {counted(p)} synapses, weight "
        about += f"{weights(p, weight_unit(net.populations, p))}, delay {delays(p, net.dt)}"
        width = 1.0 + 0.5 * math.log10(max(count(p) or 1, 1))
        draw(places[p.pre], places[p.post], COLOURS[_sign(p)], width, about, name if few else "")
    for i, (kind, into) in enumerate(fed):
        for name in into:
            draw(left[f"drive {i}"], places[name], COLOURS["drive"], 1.5, f"{kind} into {name}")
    lines += [_box(left[f"drive {i}"], kind, "", "d", kind) for i, (kind, _) in enumerate(fed)]
    for name, p in net.populations.items():
        kind = type(p.neuron).__name__
        ports = ", ".join(f"{port}: {type(part).__name__}" for port, part in p.ports.items())
        about = f"{name}: {p.n} {kind}, ports {ports}"
        lines.append(_box(places[name], name, f"{grouped(p.n)} {kind}", "p", about))
    points += [(x + i * BOX / 2, y + j * HEIGHT / 2) for x, y in boxes for i in (-1, 1) for j in (-1, 1)]
    return Picture(_framed([*lines, *labels], points))


def _framed(lines: list[str], points: list[Point]) -> str:
    """The text of a picture with all points in it."""
    x0, x1 = min(x for x, _ in points) - MARGIN, max(x for x, _ in points) + MARGIN
    y0, y1 = min(y for _, y in points) - MARGIN, max(y for _, y in points) + MARGIN
    frame = f'width="{x1 - x0:.0f}" height="{y1 - y0:.0f}"'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{x0:.0f} {y0:.0f} {x1 - x0:.0f} {y1 - y0:.0f}" {frame} '
        'role="img" aria-label="graph of the network">'
    )
    paper = f'<rect x="{x0:.0f}" y="{y0:.0f}" {frame} fill="#ffffff"/>'
    return "\n".join([head, f"<style>{STYLE}</style>", paper, *lines, "</svg>"])


def _fed(net: Any, drive: Any) -> list[tuple[str, list[str]]]:
    """The kind of every drive, and the populations that it feeds."""
    several = drive if isinstance(drive, (tuple, list)) else getattr(drive, "drives", () if drive is None else (drive,))
    found = []
    for one in several:
        into = getattr(one, "into", ())
        names = {path.partition("[")[0].partition(".")[0] for path in ((into,) if isinstance(into, str) else into)}
        if known := [name for name in net.populations if name in names]:
            found.append((type(one).__name__, known))
    return found


def _sign(p: Any) -> str:
    """Whether all weights excite, or all inhibit."""
    if p.weight is None or not is_concrete(p.weight, p.graph) or not p.weight.size:
        return ""
    x = np.asarray(p.weight)
    return "+" if x.min() >= 0 and x.max() > 0 else "-" if x.max() <= 0 and x.min() < 0 else ""


def _box(at: Point, name: str, says: str, kind: str, about: str) -> str:
    x, y = at
    lines = [
        f'<g><title>{escape(about)}</title><rect x="{x - BOX / 2:.1f}" y="{y - HEIGHT / 2:.1f}" width="{BOX:g}" '
        f'height="{HEIGHT:g}" rx="7" class="{kind}"/>',
        f'<text x="{x:.1f}" y="{y - (3 if says else -4):.1f}" class="n">{escape(_short(name, 17))}</text>',
    ]
    if says:
        lines.append(f'<text x="{x:.1f}" y="{y + 14:.1f}" class="s">{escape(_short(says, 22))}</text>')
    return "".join([*lines, "</g>"])


def _label(at: Point, name: str) -> str:
    place, text = f'x="{at[0]:.1f}" y="{at[1] + 4:.1f}"', escape(_short(name, 14))
    return f'<text {place} class="s l">{text}</text><text {place} class="s">{text}</text>'  # on a rim of paper


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
