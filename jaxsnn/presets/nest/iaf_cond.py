"""NEST's leaky integrate-and-fire neurons with conductances: `iaf_cond_exp`, `_alpha` and `_beta`.

Membrane and conductances are integrated together by Fehlberg's method, as in NEST: spike for spike, and slow.
"""

from __future__ import annotations

from typing import Any

from ...networks.population import Population
from ...neurons.coba import CobaLIF
from ...neurons.integrators import RKF45
from ...synapses.dual import DualConductance
from ._made import Ports, alpha_conductances, exponential_conductances, made

_ERROR = 1e-3  # the tolerance that NEST builds into these models


def _iaf_cond(C_m: Any, g_L: Any, E_L: Any, V_th: Any, V_reset: Any, t_ref: Any, I_e: Any) -> CobaLIF:
    return CobaLIF(C_m, g_L, E_L, V_th, V_reset, t_ref, I_e, integrator=RKF45(_ERROR))


def iaf_cond_exp(
    n: int,
    *,
    C_m: Any = 250.0,
    g_L: Any = 16.6667,
    tau_syn_ex: Any = 0.2,
    tau_syn_in: Any = 2.0,
    E_ex: Any = 0.0,
    E_in: Any = -85.0,
    t_ref: Any = 2.0,
    E_L: Any = -70.0,
    V_reset: Any = -60.0,
    V_th: Any = -55.0,
    I_e: Any = 0.0,
    V_m: Any = None,
    g_ex: Any = None,
    g_in: Any = None,
    **others: Any,
) -> Population:
    """LIF with exponentially decaying conductances, nS: `CobaLIF` with two `Conductance` ports."""
    ports = exponential_conductances(tau_syn_ex, E_ex, tau_syn_in, E_in)
    start = {"v": V_m, "ex.g": g_ex, "in.g": g_in}
    return made("iaf_cond_exp", n, _iaf_cond(C_m, g_L, E_L, V_th, V_reset, t_ref, I_e), ports, start, others)


def iaf_cond_alpha(
    n: int,
    *,
    C_m: Any = 250.0,
    g_L: Any = 16.6667,
    tau_syn_ex: Any = 0.2,
    tau_syn_in: Any = 2.0,
    E_ex: Any = 0.0,
    E_in: Any = -85.0,
    t_ref: Any = 2.0,
    E_L: Any = -70.0,
    V_reset: Any = -60.0,
    V_th: Any = -55.0,
    I_e: Any = 0.0,
    V_m: Any = None,
    g_ex: Any = None,
    g_in: Any = None,
    dg_ex: Any = None,
    dg_in: Any = None,
    **others: Any,
) -> Population:
    """LIF with alpha-shaped conductances, whose peak is the weight, nS: two `DualConductance` ports."""
    ports = alpha_conductances(tau_syn_ex, E_ex, tau_syn_in, E_in)
    start = {"v": V_m, "ex.g": g_ex, "in.g": g_in, "ex.y": dg_ex, "in.y": dg_in}
    return made("iaf_cond_alpha", n, _iaf_cond(C_m, g_L, E_L, V_th, V_reset, t_ref, I_e), ports, start, others)


def iaf_cond_beta(
    n: int,
    *,
    C_m: Any = 250.0,
    g_L: Any = 16.6667,
    tau_rise_ex: Any = 0.2,
    tau_decay_ex: Any = 0.2,
    tau_rise_in: Any = 2.0,
    tau_decay_in: Any = 2.0,
    E_ex: Any = 0.0,
    E_in: Any = -85.0,
    t_ref: Any = 2.0,
    E_L: Any = -70.0,
    V_reset: Any = -60.0,
    V_th: Any = -55.0,
    I_e: Any = 0.0,
    V_m: Any = None,
    g_ex: Any = None,
    g_in: Any = None,
    dg_ex: Any = None,
    dg_in: Any = None,
    **others: Any,
) -> Population:
    """LIF with conductances that rise and decay, whose peak is the weight, nS: two `DualConductance` ports."""
    ports: Ports = {
        "ex": DualConductance(tau_rise_ex, tau_decay_ex, E_ex),
        "in": DualConductance(tau_rise_in, tau_decay_in, E_in),
    }
    start = {"v": V_m, "ex.g": g_ex, "in.g": g_in, "ex.y": dg_ex, "in.y": dg_in}
    return made("iaf_cond_beta", n, _iaf_cond(C_m, g_L, E_L, V_th, V_reset, t_ref, I_e), ports, start, others)
