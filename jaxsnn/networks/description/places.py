"""Where the boxes of a picture are: columns by how many parts a spike passes, a circle for what is recurrent."""

from __future__ import annotations

import math

import numpy as np

BOX, HEIGHT, GAP = 132.0, 46.0, 78.0  # of a box its width and height, and the distance between boxes

Point = tuple[float, float]


def places_of(names: list[str], edges: list[tuple[str, str]]) -> dict[str, Point]:
    """The middle of every box: columns by how many parts a spike passes, a circle for what is recurrent."""
    index = {name: i for i, name in enumerate(names)}
    reach = np.eye(len(names), dtype=bool)
    for a, b in edges:
        reach[index[a], index[b]] = True
    for k in range(len(names)):  # Warshall's closure
        reach |= reach[:, k, None] & reach[None, k]
    blocks = list(dict.fromkeys(tuple(map(int, np.flatnonzero(reach[i] & reach[:, i]))) for i in range(len(names))))
    before = {b: [a for a in blocks if a != b and reach[a[0], b[0]]] for b in blocks}
    depth: dict[tuple[int, ...], int] = {}
    for block in sorted(blocks, key=lambda b: len(before[b])):  # what reaches a block has fewer before it
        depth[block] = 1 + max((depth[a] for a in before[block]), default=-1)
    found, x = {}, 0.0
    for column in range(max(depth.values(), default=0) + 1):
        here = [b for b in blocks if depth[b] == column]
        own = {b: _ring(len(b)) for b in here}
        wide = max(max(px for px, _ in own[b]) - min(px for px, _ in own[b]) for b in here) + BOX
        high = [max(py for _, py in own[b]) - min(py for _, py in own[b]) + HEIGHT for b in here]
        y = -(sum(high) + GAP * (len(here) - 1)) / 2
        for b, h in zip(here, high):
            middle = (min(py for _, py in own[b]) + max(py for _, py in own[b])) / 2
            for i, (px, py) in zip(b, own[b]):
                found[names[i]] = (x + wide / 2 + px, y + h / 2 + py - middle)
            y += h + GAP
        x += wide + GAP
    return found


def _ring(n: int) -> list[Point]:
    """Places around a middle: one, two below each other, or a circle."""
    if n <= 2:
        return [(0.0, (HEIGHT + GAP) * (i - (n - 1) / 2)) for i in range(n)]
    radius = max(n * (BOX + 40.0) / (2 * math.pi), 130.0)
    angles = [2 * math.pi * i / n - math.pi / 2 for i in range(n)]
    return [(radius * math.cos(a), 0.8 * radius * math.sin(a)) for a in angles]


def apart(places: dict[str, Point]) -> dict[str, Point]:
    """Boxes of one column, moved down until none covers another."""
    found: dict[str, Point] = {}
    last = -math.inf
    for name, (x, y) in sorted(places.items(), key=lambda item: item[1][1]):
        last = max(y, last + HEIGHT + 24.0)
        found[name] = (x, last)
    return found
