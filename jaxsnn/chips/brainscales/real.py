"""Lowered neurons of BrainScaleS-2 as neurons of real numbers: those of the model, with the weights of the chip."""

from typing import Any

import jax
import numpy as np

from ...lowering.graph import Graph
from ...lowering.kinds import is_a
from ...lowering.real import RealNeuron, refuse
from ...neurons.cuba import CubaLIF
from .read import AnalogNode


def neuron_of(name: str, graph: Graph, target: Any) -> RealNeuron:
    """A `CubaLIF` as it is: circuits compute its equations, and weights are kept in the unit of the model."""
    cell = graph.cells[name]
    assert isinstance(cell, AnalogNode) and cell.population is not None
    if target.chip is not None or target.noise is not None:
        what = "a pattern of its own" if target.chip is not None else "noise"
        raise refuse(name, target, what, "no node of NIR has; lower for BrainScaleS2() with chip=None and noise=None")
    neuron = cell.population.neuron
    if not is_a(neuron, CubaLIF):
        kind = type(neuron).__name__
        raise refuse(name, target, f"{kind} neurons", "no node of NIR has beside currents; CubaLIF with Delta is one")
    if any(np.any(np.asarray(x) != 0) for x in jax.tree.leaves(cell.population.init)):
        raise refuse(name, target, "a state to start from", "a graph begins without, at rest")
    return RealNeuron(neuron, np.ones(()))
