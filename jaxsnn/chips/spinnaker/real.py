"""Lowered neurons of SpiNNaker as neurons of real numbers, with the constants that its accums hold."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from ...lowering.graph import Graph
from ...lowering.real import RealNeuron, one_number, refuse
from ...neurons.cuba import CubaLIF
from ...neurons.gains import PerStep
from ...neurons.lif import LIF
from ...neurons.recursions import EulerDecay
from ...neurons.thresholds import GreaterEqual
from .arithmetic import ONE, exp_accum, quotient
from .cells import shape_of


def neuron_of(name: str, graph: Graph, target: object) -> RealNeuron:
    """`LIF` where `v` jumps, `CubaLIF` where currents decay; `v` approaches its end by the stored `exp(-dt / tau)`."""
    cell, dt = graph.cells[name], graph.dt
    real = lambda key: one_number(cell, key)
    if "v_th" not in cell.values:
        raise refuse(name, target, "no threshold", "a lowered network is read by its spikes")
    unit = real("scale") / ONE
    ts = jnp.round(jnp.asarray(dt) * ONE).astype(jnp.int32)
    kept = _of(exp_accum(-quotient(ts, jnp.asarray(cell["tau"]))))
    if np.any(np.asarray(real("v_start")) != np.asarray(real("v_rest"))):
        raise refuse(name, target, "a voltage to start from", "a graph begins without, at rest")
    shared: dict[str, Any] = dict(
        v_rest=real("v_rest") / unit, v_th=real("v_th") / unit, v_reset=real("v_reset") / unit,
        t_ref=real("refractory"), gain=PerStep(), comparator=GreaterEqual(), bias=(1.0 - kept) * real("bias") / unit,
    )  # fmt: skip
    if "tau_exc" not in cell.values:
        return RealNeuron(LIF(tau=-dt / np.log(kept), **shared), unit * float(ts) / ONE / (1.0 - kept))
    if np.any(np.asarray(cell["tau_exc"]) != np.asarray(cell["tau_inh"])):
        raise refuse(name, target, "two currents of different time constants", "a CubaLIF has one of")
    shape = shape_of(jnp.asarray(cell["tau_exc"]), ts)
    left, first = (np.asarray(x, np.float64) / 2.0**32 for x in (shape.left, shape.first))
    neuron = CubaLIF(tau_syn=dt / (1.0 - left), tau=dt / (1.0 - kept), decay=EulerDecay(), **shared)
    return RealNeuron(neuron, unit / ((1.0 - kept) * first))


def _of(accum: Any) -> Any:
    x = np.asarray(accum, np.float64).reshape(-1) / ONE
    return x[0] if np.all(x == x[0]) else x
