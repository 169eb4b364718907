"""Lowered neurons of TrueNorth as neurons of real numbers: sums of whole numbers, and so the same spikes."""

import numpy as np

from ...lowering.graph import Graph
from ...lowering.real import RealNeuron, lag_of, one_number, refuse
from ...neurons.cuba import CubaLIF
from ...neurons.gains import PerStep
from ...neurons.lif import LIF
from ...neurons.recursions import EulerDecay
from ...neurons.resets import NoReset, Subtract, ToValue
from ...neurons.thresholds import GreaterEqual
from .arithmetic import MAGNITUDE

_RESETS = (ToValue(), Subtract(), NoReset())  # by the register of the mode


def neuron_of(name: str, graph: Graph, target: object) -> RealNeuron:
    """`LIF` that does not leak, whose bias is the linear leak; a unit without memory where the chip clears it."""
    cell, dt = graph.cells[name], graph.dt
    real = lambda key: one_number(cell, key)
    scale, leak, mode = real("scale"), np.asarray(real("leak")), np.unique(np.asarray(real("mode")))
    if np.any(np.asarray(real("memoryless")) != 0):
        unit = CubaLIF(
            tau_syn=dt, tau=dt, v_th=real("threshold") / scale, bias=leak / scale, decay=EulerDecay(),
            comparator=GreaterEqual(),
        )  # fmt: skip
        return RealNeuron(unit, scale)
    if np.any(np.asarray(real("reversal")) != 0) and np.any(leak != 0):
        raise refuse(name, target, "a leak that reverses with the sign of the potential", "a graph has no node for")
    if np.any(np.asarray(real("negative")) != MAGNITUDE[1]):
        raise refuse(name, target, "a floor, its negative threshold", "a graph has no node for")
    if mode.size > 1:
        raise refuse(name, target, "neurons of several reset modes", "are one reset in a graph; split the population")
    if np.any(np.asarray(real("start")) != -leak * lag_of(name, graph)):
        raise refuse(name, target, "a potential to start from", "a graph begins without, at 0")
    neuron = LIF(
        tau=np.inf,
        bias=leak / scale,
        v_th=real("threshold") / scale,
        v_reset=real("reset") / scale,
        v_rest=0.0,
        gain=PerStep(),
        comparator=GreaterEqual(),
        reset_mechanism=_RESETS[int(mode[0])],
    )
    return RealNeuron(neuron, scale)
