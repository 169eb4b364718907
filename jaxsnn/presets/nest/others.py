"""NEST's Hodgkin-Huxley neurons, `izhikevich` and `parrot_neuron`."""

from __future__ import annotations

from typing import Any

from ...networks.population import Population
from ...neurons.hodgkin_huxley import HodgkinHuxley, PeakDetector, TraubMiles
from ...neurons.integrators import RKF45, Euler, SemiImplicitEuler
from ...neurons.quadratic import Izhikevich
from ...neurons.readout import Parrot
from ...synapses.alpha import Alpha
from ...synapses.delta import Delta
from ._made import Ports, exponential_conductances, made

_ERROR = 1e-3  # the tolerance that NEST builds into its Hodgkin-Huxley neurons


def hh_psc_alpha(
    n: int,
    *,
    C_m: Any = 100.0,
    g_Na: Any = 12000.0,
    g_K: Any = 3600.0,
    g_L: Any = 30.0,
    E_Na: Any = 50.0,
    E_K: Any = -77.0,
    E_L: Any = -54.402,
    tau_syn_ex: Any = 0.2,
    tau_syn_in: Any = 2.0,
    t_ref: Any = 2.0,
    I_e: Any = 0.0,
    V_m: Any = None,
    Act_m: Any = None,
    Inact_h: Any = None,
    Act_n: Any = None,
    **others: Any,
) -> Population:
    """`HodgkinHuxley` of 1952 with alpha-shaped currents, whose peak is the weight, pA: two `Alpha` ports."""
    neuron = HodgkinHuxley(
        C_m, g_Na, g_K, g_L, E_Na, E_K, E_L, t_ref=t_ref, bias=I_e, integrator=RKF45(_ERROR), detector=PeakDetector()
    )
    ports: Ports = {"ex": Alpha(tau_syn_ex), "in": Alpha(tau_syn_in)}
    return made("hh_psc_alpha", n, neuron, ports, {"v": V_m, "m": Act_m, "h": Inact_h, "n": Act_n}, others)


def hh_cond_exp_traub(
    n: int,
    *,
    C_m: Any = 200.0,
    g_Na: Any = 20000.0,
    g_K: Any = 6000.0,
    g_L: Any = 10.0,
    E_Na: Any = 50.0,
    E_K: Any = -90.0,
    E_L: Any = -60.0,
    V_T: Any = -63.0,
    E_ex: Any = 0.0,
    E_in: Any = -80.0,
    tau_syn_ex: Any = 5.0,
    tau_syn_in: Any = 10.0,
    t_ref: Any = 2.0,
    I_e: Any = 0.0,
    V_m: Any = -60.0,
    Act_m: Any = 9.895563096746586e-09,
    Inact_h: Any = 0.999999999106396,
    Act_n: Any = 2.551577051602551e-07,
    **others: Any,
) -> Population:
    """`TraubMiles` with exponentially decaying conductances, nS. The gates start where NEST has them, far from rest."""
    neuron = TraubMiles(
        C_m, g_Na, g_K, g_L, E_Na, E_K, E_L, V_T, v_th=V_T + 30.0, t_ref=t_ref, bias=I_e,
        integrator=RKF45(_ERROR), detector=PeakDetector(),
    )  # fmt: skip
    ports = exponential_conductances(tau_syn_ex, E_ex, tau_syn_in, E_in)
    start = {"v": V_m, "m": Act_m, "h": Inact_h, "n": Act_n}
    return made("hh_cond_exp_traub", n, neuron, ports, start, others)


def izhikevich(
    n: int,
    *,
    a: Any = 0.02,
    b: Any = 0.2,
    c: Any = -65.0,
    d: Any = 8.0,
    V_th: Any = 30.0,
    I_e: Any = 0.0,
    consistent_integration: bool = True,
    V_m: Any = -65.0,
    U_m: Any = -13.0,
    **others: Any,
) -> Population:
    """`Izhikevich` whose membrane jumps by the weight; its port is `in`.

    With `consistent_integration`, NEST's default, both variables by Euler from the old values; without, in the two half
    steps of the paper of 2003.
    """
    scheme = Euler() if consistent_integration else SemiImplicitEuler(2)
    neuron = Izhikevich(a, b, c, d, V_th, bias=I_e, integrator=scheme)
    return made("izhikevich", n, neuron, {"in": Delta()}, {"v": V_m, "u": U_m}, others)


def parrot_neuron(n: int, **others: Any) -> Population:
    """A population that sends on what arrives: connect to it with the weight 1, which NEST's parrot does not look at.

    It sends in the step of the arrival; NEST's parrot likewise, in the step to which the spike was delayed.
    """
    return made("parrot_neuron", n, Parrot(), {"in": Delta()}, {}, others)
