"""Lowered cells of Loihi as neurons of real numbers, with the decays, turns, thresholds, biases that registers hold."""

from typing import Any

import numpy as np

from ...lowering.graph import Graph
from ...lowering.real import RealNeuron, lag_of, one_number, refuse
from ...neurons.cuba import CubaLIF
from ...neurons.gains import PerStep
from ...neurons.lif import LIF
from ...neurons.recursions import EulerDecay
from ...neurons.resonate import AtPhaseZero, AtThreshold, ResonateAndFire
from ...neurons.thresholds import Greater
from .loihi2.resonate import ResonatorCells

_INPUT = 64.0  # register units of the smallest input: 2^6


def neuron_of(name: str, graph: Graph, target: object) -> RealNeuron:
    """`LIF` where the current keeps nothing of a step before, else `CubaLIF`; `v` resets to 0 above its threshold.

    Resonators are `ResonateAndFire`, with the period and the decay of the turn that is stored.

    The cell's equations without rounding: `u <- u (1 - decay_u / 4096) + w`, `v <- v (1 - decay_v / 4096) + u + bias`.
    """
    cell, dt = graph.cells[name], graph.dt
    real = lambda key: one_number(cell, key)
    if not cell.is_leaky:
        sin, cos, scale = np.asarray(real("sin")), np.asarray(real("cos")), real("scale")
        period, tau = 2.0 * np.pi * dt / np.arctan2(np.abs(sin), cos), -dt / np.log(np.hypot(sin, cos))
        phase = AtPhaseZero() if cell.kind is ResonatorCells else AtThreshold()
        return RealNeuron(ResonateAndFire(period, tau, real("threshold") / scale, phase), scale)
    scale, decay_u, decay_v = real("scale"), np.asarray(real("decay_u")) * 4096.0, np.asarray(real("decay_v")) * 4096.0
    firing: dict[str, Any] = dict(
        v_th=real("threshold") / scale, v_reset=0.0, v_rest=0.0, t_ref=(real("refractory") - 1.0) * dt,
        gain=PerStep(), comparator=Greater(),
    )  # fmt: skip
    bias, start = real("bias") / scale, np.asarray(real("v_start"), float)
    for _ in range(lag_of(name, graph)):  # which makes up for the bias of steps before the model's first
        start = start * (1.0 - decay_v / 4096.0) + bias * scale
    if np.any(np.abs(start) > _INPUT):
        raise refuse(name, target, "a voltage to start from", "a graph begins without, at rest")
    if np.all(decay_u == 4096.0) and np.all(decay_v < 4096.0):
        with np.errstate(divide="ignore"):
            tau = np.where(decay_v > 0, -dt / np.log1p(-decay_v / 4096.0), np.inf)
        return RealNeuron(LIF(tau=tau, bias=bias, **firing), scale)
    if np.any(bias != 0):
        raise refuse(name, target, "a bias behind a decaying current", "a graph has before it only")
    if np.any(decay_u == 0) or np.any(decay_v == 0):
        raise refuse(name, target, "a current or membrane that does not decay", "CubaLIF has not")
    tau = {"tau_syn": dt * 4096.0 / decay_u, "tau": dt * 4096.0 / decay_v}
    return RealNeuron(CubaLIF(**tau, bias=0.0, decay=EulerDecay(), **firing), scale)
