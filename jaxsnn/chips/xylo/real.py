"""Lowered neurons of Xylo as neurons of real numbers, with the decays, thresholds and weights that registers hold."""

import numpy as np

from ...lowering.graph import Graph
from ...lowering.real import RealNeuron, one_number, refuse
from ...neurons.cuba import CubaLIF
from ...neurons.gains import PerStep
from ...neurons.recursions import EulerDecay
from ...neurons.resets import Subtract
from ...neurons.thresholds import GreaterEqual


def neuron_of(name: str, graph: Graph, target: object) -> RealNeuron:
    """`CubaLIF` with decays `1 - 2^-dash`, which takes its threshold off `v`.

    The chip adds spikes before the current decays, and the neuron behind: weights are `1 - 2^-dash_i` times as large.
    Of several spikes in one step, which the chip sends, the neuron sends one and keeps the rest on its membrane.
    """
    cell, dt = graph.cells[name], graph.dt
    real = lambda key: one_number(cell, key)
    scale, kept = real("scale"), lambda dash: 1.0 - 2.0 ** -np.asarray(dash)
    if np.any(np.asarray(real("bias")) != 0):
        raise refuse(name, target, "a bias behind a decaying current", "a graph has before it only")
    if "dash_i1" in cell.values and np.any(np.asarray(real("dash_i1")) != np.asarray(real("dash_i0"))):
        raise refuse(name, target, "two synapses of different time constants", "a CubaLIF has one of")
    if "dash_i0" not in cell.values or np.any(np.asarray(real("dash_v")) == 0):
        raise refuse(name, target, "a membrane or current that keeps nothing", "CubaLIF has not")
    neuron = CubaLIF(
        tau_syn=dt * 2.0 ** np.asarray(real("dash_i0")),
        tau=dt * 2.0 ** np.asarray(real("dash_v")),
        v_th=real("threshold") / scale,
        v_reset=0.0,
        bias=0.0,
        gain=PerStep(),
        decay=EulerDecay(),
        reset_mechanism=Subtract(),
        comparator=GreaterEqual(),
    )
    return RealNeuron(neuron, scale / kept(real("dash_i0")))
