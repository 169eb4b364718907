"""What arrives at a node of a graph: from where, through which maps, and what is added in every step."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..._types import on_device
from .fields import few, field, numbers, sizes
from .flat import NEURONS, Flat, kind_of
from .maps import Delay, Map, Reshape, Shape, sequential
from .nodes import map_of


class Arriving(NamedTuple):
    """The ways on which spikes reach a node, what is added in every step, and the shape of both."""

    ways: tuple[tuple[str, tuple[Map, ...]], ...]
    bias: np.ndarray | None
    shape: Shape


class Sites:
    """Follows linear nodes back to where spikes come from."""

    most = 10_000  # ways to one node
    deepest = 200  # linear nodes in a row

    def __init__(self, flat: Flat, unit: float):
        self.flat, self.unit = flat, unit
        self.found: dict[str, Arriving] = {}
        self.shapes: dict[str, Shape] = {}

    def shape(self, name: str, asking: tuple[str, ...] = ()) -> Shape:
        """The shape of what a node sends: that of its parameters, or where these are one number, of what arrives."""
        if name not in self.shapes:
            node = self.flat.nodes[name]
            own = _own_shape(name, node)
            if own is None and name in asking:
                raise ValueError(f"Node {name!r} has no shape: it is only reached by itself.")
            if own is None:
                own = self._arriving_shape(name, (*asking, name))
            self.shapes[name] = own
        return self.shapes[name]

    def _arriving_shape(self, name: str, asking: tuple[str, ...]) -> Shape:
        why = f"Node {name!r} ({kind_of(self.flat.nodes[name])}) is not reached by anything, expected an edge to it."
        for before in self.flat.before[name]:
            try:
                return self._sent(before, asking).shape
            except ValueError as error:
                why = str(error)
        raise ValueError(why)

    def arriving(self, name: str) -> Arriving:
        """What arrives at a node, from all its predecessors."""
        return self._sum(name, ())

    def _sum(self, name: str, asking: tuple[str, ...]) -> Arriving:
        parts = [self._sent(before, asking) for before in self.flat.before[name]]
        if not parts:
            raise ValueError(f"Node {name!r} ({kind_of(self.flat.nodes[name])}) is not reached by anything.")
        shape = parts[0].shape
        for part, before in zip(parts, self.flat.before[name], strict=True):
            if math.prod(part.shape) != math.prod(shape):
                first = self.flat.before[name][0]
                raise ValueError(
                    f"Node {name!r} is reached by shape {shape} from {first!r} and by {part.shape} from {before!r}, "
                    "expected one shape."
                )
        ways = tuple(way for part in parts for way in part.ways)
        if len(ways) > self.most:
            raise ValueError(f"Node {name!r} is reached on {len(ways)} ways, expected at most {self.most}.")
        biases = [part.bias.reshape(shape) for part in parts if part.bias is not None]
        return Arriving(ways, np.sum(biases, axis=0) if biases else None, shape)

    def _sent(self, name: str, asking: tuple[str, ...]) -> Arriving:
        """What a node sends on."""
        node = self.flat.nodes[name]
        if kind_of(node) in (*NEURONS, "Input"):
            return Arriving(((name, ()),), None, self.shape(name, asking))
        if name not in self.found:
            into = self._sum(name, asking)
            made, own = map_of(name, node, into.shape, self.unit)
            if into.bias is not None and isinstance(made.module, Delay) and np.any(made.module.delay):
                raise ValueError(
                    f"Node {name!r} (Delay) delays a bias, which is added in every step from the first one on; put the "
                    "Delay before the node that has the bias."
                )
            bias = None if into.bias is None else np.asarray(sequential((made,))(on_device(into.bias)))
            bias = own if bias is None else bias if own is None else bias + own
            ways = tuple((source, (*chain, made)) for source, chain in into.ways)
            self.found[name] = Arriving(ways, bias, made.out)
        return self.found[name]


def _own_shape(name: str, node: Any) -> Shape | None:
    what = f"Node {name!r} ({kind_of(node)})"
    if kind_of(node) == "Input":
        return sizes(field(node, "input_type", what), what)
    names = ("v_threshold", "threshold", "r", "tau", "tau_mem", "v_leak")
    shapes = [numbers(getattr(node, name), what).shape for name in names if hasattr(node, name)]
    return next((few(shape, what) for shape in shapes if math.prod(shape) > 1), None)


def directly(reach: Arriving) -> str | None:
    """The neuron that an output only names, if it does."""
    passes = len(reach.ways) == 1 and reach.bias is None and reach.ways[0][0] is not None
    return reach.ways[0][0] if passes and all(isinstance(m.module, Reshape) for m in reach.ways[0][1]) else None
