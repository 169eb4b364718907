"""NEST's adaptive exponential integrate-and-fire neurons with conductances: `aeif_cond_exp` and `aeif_cond_alpha`.

Membrane, adaptation and ports are integrated together by Fehlberg's method, as in NEST: spike for spike, and slow.
Both have one cell, whose parameters and defaults are those of `AeifCell`.
"""

from __future__ import annotations

from typing import Any, TypedDict, Unpack

from ...networks.population import Population
from ...neurons.exponential import AdEx
from ...neurons.integrators import RKF45
from ._made import alpha_conductances, exponential_conductances, made


class AeifCell(TypedDict, total=False):
    """What both models have in common: pF, nS, mV, ms, pA. `V_m` and `w`: where they start."""

    C_m: Any  # 281
    g_L: Any  # 30
    E_L: Any  # -70.6
    V_th: Any  # -50.4
    Delta_T: Any  # 2
    V_peak: Any  # 0
    V_reset: Any  # -60
    t_ref: Any  # 0
    I_e: Any  # 0
    a: Any  # 4
    b: Any  # 80.5
    tau_w: Any  # 144
    gsl_error_tol: Any  # 1e-6
    V_m: Any  # E_L
    w: Any  # 0


def _cell(
    *,
    C_m: Any = 281.0,
    g_L: Any = 30.0,
    E_L: Any = -70.6,
    V_th: Any = -50.4,
    Delta_T: Any = 2.0,
    V_peak: Any = 0.0,
    V_reset: Any = -60.0,
    t_ref: Any = 0.0,
    I_e: Any = 0.0,
    a: Any = 4.0,
    b: Any = 80.5,
    tau_w: Any = 144.0,
    gsl_error_tol: Any = 1e-6,
    V_m: Any = None,
    w: Any = None,
    **others: Any,
) -> tuple[AdEx, dict[str, Any], dict[str, Any]]:
    """The neuron, its initial values, and what is not a parameter of the cell."""
    integrator = RKF45(gsl_error_tol, relative=gsl_error_tol, first=0.01)
    neuron = AdEx(C_m, g_L, E_L, V_th, Delta_T, V_peak, V_reset, t_ref, I_e, a, tau_w, b, integrator=integrator)
    return neuron, {"v": V_m, "w": w}, others


def aeif_cond_exp(
    n: int,
    *,
    tau_syn_ex: Any = 0.2,
    tau_syn_in: Any = 2.0,
    E_ex: Any = 0.0,
    E_in: Any = -85.0,
    g_ex: Any = None,
    g_in: Any = None,
    **cell: Unpack[AeifCell],
) -> Population:
    """`AdEx` with exponentially decaying conductances, nS: two `Conductance` ports."""
    neuron, start, others = _cell(**cell)
    ports = exponential_conductances(tau_syn_ex, E_ex, tau_syn_in, E_in)
    start |= {"ex.g": g_ex, "in.g": g_in}
    return made("aeif_cond_exp", n, neuron, ports, start, others)


def aeif_cond_alpha(
    n: int,
    *,
    tau_syn_ex: Any = 0.2,
    tau_syn_in: Any = 2.0,
    E_ex: Any = 0.0,
    E_in: Any = -85.0,
    g_ex: Any = None,
    g_in: Any = None,
    dg_ex: Any = None,
    dg_in: Any = None,
    **cell: Unpack[AeifCell],
) -> Population:
    """`AdEx` with alpha-shaped conductances, whose peak is the weight, nS: two `DualConductance` ports."""
    neuron, start, others = _cell(**cell)
    ports = alpha_conductances(tau_syn_ex, E_ex, tau_syn_in, E_in)
    start |= {"ex.g": g_ex, "in.g": g_in, "ex.y": dg_ex, "in.y": dg_in}
    return made("aeif_cond_alpha", n, neuron, ports, start, others)
