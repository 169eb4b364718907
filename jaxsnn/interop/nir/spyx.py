"""What Spyx means by a graph of NIR, and what it means otherwise than the graph says."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import numpy as np

from .flat import NEURONS, Flat, kind_of


def meant(flat: Flat) -> Flat:
    """The graph with weights behind a `Flatten` for channels first, and inputs past the weights of a loop.

    **Raises:** ValueError for nodes that do not say which padding Spyx has, and for neurons behind a `Flatten` without
    weights between, whose order they would have.
    """
    for name, node in flat.nodes.items():
        padding = getattr(node, "padding", None)
        if kind_of(node) == "SumPool2d" and np.any(np.asarray(padding) != 0):
            raise ValueError(
                f"Node {name!r} (SumPool2d) has a padding of {padding}, with which Spyx writes a pool that pads to the "
                "SAME size, and not by how much; train it with VALID."
            )
        if kind_of(node) == "Conv2d" and padding == "same" and np.any(np.asarray(node.stride) != 1):
            raise ValueError(
                f"Node {name!r} (Conv2d) has strides and the padding 'same', which NIR has no meaning for."
            )
    ways = [(a, b) for b, before in flat.before.items() for a in before]
    flat = flat._replace(nodes=_reordered(flat.nodes, ways, (0, 3, 1, 2), channels_last=True))
    for weight in flat.of_kind("Linear"):
        for neuron in [n for n in flat.after[weight] if n in flat.before[weight]]:
            past = [n for n in flat.before[weight] if n != neuron]
            flat.before[weight] = [neuron]
            flat.before[neuron] = [*past, *(n for n in flat.before[neuron] if n not in past)]
            for n in past:
                flat.after[n] = [neuron if to == weight else to for to in flat.after[n]]
    return flat


def written(nodes: dict[str, Any], edges: list[tuple[str, str]]) -> dict[str, Any]:
    """The nodes with weights behind a `Flatten` for channels last."""
    return _reordered(nodes, edges, (0, 2, 3, 1), channels_last=False)


def _reordered(
    nodes: dict[str, Any], edges: Iterable[tuple[str, str]], axes: tuple[int, ...], channels_last: bool
) -> dict[str, Any]:
    """Weights that take a flattened image, in the other order of its places."""
    nodes = dict(nodes)
    for a, b in edges:
        if (
            kind_of(nodes[a]) != "Flatten"
            or (image := _image(nodes[a])) is None
            or 1 in (image[0], image[1] * image[2])
        ):
            continue
        if kind_of(nodes[b]) in ("Affine", "Linear") and np.shape(nodes[b].weight)[1:] == (np.prod(image),):
            channels, *place = image
            given = (*place, channels) if channels_last else image
            weight = np.asarray(nodes[b].weight)
            nodes[b] = copy.copy(nodes[b])
            nodes[b].weight = weight.reshape(-1, *given).transpose(axes).reshape(weight.shape)
        elif kind_of(nodes[b]) in (*NEURONS, "Output"):
            raise ValueError(
                f"Node {b!r} ({kind_of(nodes[b])}) is reached by a Flatten, in Spyx's order of places, channels last; "
                "put weights between."
            )
    return nodes


def _image(node: Any) -> tuple[int, ...] | None:
    """The shape `(channels, height, width)` that a node `Flatten` takes, if it says one of three axes."""
    given = next(iter((getattr(node, "input_type", None) or {}).values()), None)
    shape = () if given is None else tuple(int(n) for n in np.asarray(given).reshape(-1))
    return shape if len(shape) == 3 else None
