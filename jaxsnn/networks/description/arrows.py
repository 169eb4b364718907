"""Arrows between boxes as SVG: curves that leave room for the arrow back, and go round other boxes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from xml.sax.saxutils import escape

from .places import BOX, HEIGHT, Point


def loop(at: Point, middle: Point) -> list[Point]:
    """The four points of the curve from a box to itself, on the side that looks away from the middle of the picture."""
    away = -1.0 if at[1] <= middle[1] else 1.0
    y = at[1] + away * HEIGHT / 2
    return [(at[0] - 16.0, y), (at[0] - 50.0, y + away * 56.0), (at[0] + 50.0, y + away * 56.0), (at[0] + 16.0, y)]


def curve(a: Point, b: Point, others: Iterable[Point]) -> list[Point]:
    """The four points of the curve between two boxes, bent to its right, and as far as it takes to miss the others."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = math.hypot(dx, dy) or 1.0
    others, found = [*others], []
    for factor in (1.0, 2.2, -2.2, 4.0, -4.0, 7.0, -7.0):
        bend = factor * (20.0 + 0.07 * length)
        c = ((a[0] + b[0]) / 2 - bend * dy / length, (a[1] + b[1]) / 2 + bend * dx / length)
        start, end = border(a, c), border(b, c)
        toward = lambda p, c=c: (p[0] + 2 * (c[0] - p[0]) / 3, p[1] + 2 * (c[1] - p[1]) / 3)
        points = [start, toward(start), toward(end), end]  # the quadratic curve by way of c
        found = found or points
        if not any(_covers(box, on(points, k / 16)) for box in others for k in range(17)):
            return points
    return found


def _covers(box: Point, point: Point) -> bool:
    return abs(point[0] - box[0]) < BOX / 2 + 5 and abs(point[1] - box[1]) < HEIGHT / 2 + 5


def on(points: list[Point], t: float) -> Point:
    """A point of the cubic curve."""
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    return sum(w * x for w, (x, _) in zip(weights, points)), sum(w * y for w, (_, y) in zip(weights, points))


def border(box: Point, towards: Point) -> Point:
    """Where the line from the middle of a box to a point leaves the box."""
    dx, dy = towards[0] - box[0], towards[1] - box[1]
    t = min(BOX / 2 / abs(dx) if dx else math.inf, HEIGHT / 2 / abs(dy) if dy else math.inf)
    return (box[0] + t * dx, box[1] + t * dy) if math.isfinite(t) else box


def arrow(points: list[Point], colour: str, width: float, about: str) -> str:
    """A curve with a head at its end, which says what it is where the pointer rests on it."""
    (x, y), before = points[3], points[2]
    dx, dy = x - before[0], y - before[1]
    norm = math.hypot(dx, dy) or 1.0
    dx, dy, head = dx / norm, dy / norm, 7.0 + width
    wing = 0.42 * head
    tail = (x - 0.7 * head * dx, y - 0.7 * head * dy)
    back = (x - head * dx, y - head * dy)
    tip = [(x, y), (back[0] - wing * dy, back[1] + wing * dx), (back[0] + wing * dy, back[1] - wing * dx)]
    path = f"M{_xy(points[0])} C{_xy(points[1])} {_xy(before)} {_xy(tail)}"
    return (
        f'<g><title>{escape(about)}</title><path d="{path}" class="e" stroke="{colour}" stroke-width="{width:.1f}"/>'
        f'<polygon points="{" ".join(map(_xy, tip))}" fill="{colour}"/></g>'
    )


def _xy(point: Point) -> str:
    return f"{point[0]:.1f},{point[1]:.1f}"
