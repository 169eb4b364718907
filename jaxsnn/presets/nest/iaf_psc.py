"""NEST's leaky integrate-and-fire neurons with currents, integrated exactly: `iaf_psc_exp`, `_alpha` and `_delta`.

Every parameter may be a number, an array of one number per neuron, or a distribution.
"""

from __future__ import annotations

from typing import Any

from ...networks.population import Population
from ...neurons.gains import Capacitance
from ...neurons.lif import LIF
from ...neurons.refractory import Buffer, Clamp
from ...synapses.alpha import Alpha
from ...synapses.delta import Delta
from ...synapses.exponential import Exponential
from ._made import Ports, made


def iaf_psc_exp(
    n: int,
    *,
    C_m: Any = 250.0,
    tau_m: Any = 10.0,
    tau_syn_ex: Any = 2.0,
    tau_syn_in: Any = 2.0,
    t_ref: Any = 2.0,
    E_L: Any = -70.0,
    V_reset: Any = -70.0,
    V_th: Any = -55.0,
    I_e: Any = 0.0,
    V_m: Any = None,
    **others: Any,
) -> Population:
    """LIF with exponentially decaying currents: two `Exponential` ports; pA, pF, mV."""
    neuron = LIF(tau_m, E_L, V_th, V_reset, t_ref, I_e, gain=Capacitance(C_m))
    ports: Ports = {"ex": Exponential(tau_syn_ex), "in": Exponential(tau_syn_in)}
    return made("iaf_psc_exp", n, neuron, ports, {"v": V_m}, others)


def iaf_psc_alpha(
    n: int,
    *,
    C_m: Any = 250.0,
    tau_m: Any = 10.0,
    tau_syn_ex: Any = 2.0,
    tau_syn_in: Any = 2.0,
    t_ref: Any = 2.0,
    E_L: Any = -70.0,
    V_reset: Any = -70.0,
    V_th: Any = -55.0,
    I_e: Any = 0.0,
    V_m: Any = None,
    **others: Any,
) -> Population:
    """LIF with alpha-shaped currents, whose peak is the weight: two `Alpha` ports; pA, pF, mV."""
    neuron = LIF(tau_m, E_L, V_th, V_reset, t_ref, I_e, gain=Capacitance(C_m))
    ports: Ports = {"ex": Alpha(tau_syn_ex), "in": Alpha(tau_syn_in)}
    return made("iaf_psc_alpha", n, neuron, ports, {"v": V_m}, others)


def iaf_psc_delta(
    n: int,
    *,
    C_m: Any = 250.0,
    tau_m: Any = 10.0,
    t_ref: Any = 2.0,
    E_L: Any = -70.0,
    V_reset: Any = -70.0,
    V_th: Any = -55.0,
    I_e: Any = 0.0,
    refractory_input: bool = False,
    V_m: Any = None,
    **others: Any,
) -> Population:
    """LIF whose membrane jumps by the weight, mV. Its one port is `in`, for both signs, as in NEST."""
    heard = Buffer() if refractory_input else Clamp()
    neuron = LIF(tau_m, E_L, V_th, V_reset, t_ref, I_e, gain=Capacitance(C_m), refractory_input=heard)
    return made("iaf_psc_delta", n, neuron, {"in": Delta()}, {"v": V_m}, others)
