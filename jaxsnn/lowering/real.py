"""Cells as neurons of real numbers: what a target says of them, and refuses."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..neurons.base import AbstractNeuron
from .graph import CellNode, Graph


class RealNeuron(NamedTuple):
    """What `AbstractTarget.neuron` makes of cells: a neuron above its rest, in the unit of `v` of the model.

    `unit`: register units of a weight for one unit that arrives at the neuron, `()` or `(n,)`.
    """

    neuron: AbstractNeuron
    unit: Any


def refuse(name: str, target: Any, what: str, why: str) -> ValueError:
    """The error of a part of cells that no neuron of real numbers has."""
    return ValueError(f"Cells {name!r} of {target.name} have {what}, which {why}.")


def lag_of(name: str, graph: Graph) -> int:
    """By how many steps a group runs behind the model."""
    return dict(graph.lags).get(name, 0)


def one_number(cell: CellNode, name: str) -> Any:
    """A value of a node as one number, or one for each cell."""
    x = np.asarray(cell.real(name), np.float64)
    return x.reshape(-1)[0] if np.all(x == x.reshape(-1)[0]) else np.broadcast_to(x, (cell.n,))
