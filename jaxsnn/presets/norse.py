"""Norse 1.1: `LIFCell`, `LIFRefracCell` and `LIFBoxCell`, with its rates in 1/s and its Euler steps.

    layer = Population(norse.LIFCell(tau_mem_inv=100.0), 128)      # in a network with dt=1.0 (ms), Norse's 0.001 (s)

Weights go to the default port, `Delta`.
"""

from __future__ import annotations

from typing import Any

import jax
from jaxtyping import Array

from .._types import as_number, check
from ..neurons.cuba import CubaLIF
from ..neurons.gains import Resistance
from ..neurons.lif import LIF
from ..neurons.recursions import EulerDecay
from ..neurons.surrogates import AbstractSurrogate, FastSigmoid, Tanh, Triangle
from ..neurons.thresholds import Greater
from ._discrete import of_difference, time_constant
from ._refuse import refuse, refused_names

_REASONS = {
    **dict.fromkeys(("p", "params"), "a tuple of parameters; give its fields as arguments"),
    "activation": "which replaces the step of the neuron; write a neuron of your own",
    "reset_method": "which is the reset to v_reset here; use snn.LIF(reset_mechanism=...)",
}


def _surrogate(method: str, alpha: Any, unit: Any) -> AbstractSurrogate:
    """Norse's derivative of a threshold. Norse 1.1 does not use the `alpha` of its SuperSpike."""
    methods = {"super": lambda: FastSigmoid(1.0), "tanh": lambda: Tanh(alpha), "triangle": lambda: Triangle(alpha, 1.0)}
    if method not in methods:
        raise ValueError(f"norse got method = {method!r}, expected one of {', '.join(map(repr, methods))}.")
    return of_difference(methods[method](), unit)


def _tau(inverse: Any, name: str) -> Array:
    """A time constant in ms of a rate in 1/s."""
    inverse = as_number(inverse)
    check(lambda: inverse > 0, f"{name} is {inverse} 1/s; expected more than 0.")
    with jax.ensure_compile_time_eval():
        return 1e3 / inverse


def _unit(v_th: Any, v_reset: Any) -> Array:
    with jax.ensure_compile_time_eval():
        return as_number(v_th) - as_number(v_reset)


def LIFCell(
    *,
    tau_syn_inv: Any = 200.0,
    tau_mem_inv: Any = 100.0,
    v_leak: Any = 0.0,
    v_th: Any = 1.0,
    v_reset: Any = 0.0,
    method: str = "super",
    alpha: Any = 100.0,
    **others: Any,
) -> CubaLIF:
    """`i <- i + x`, `v <- v + dt tau_mem_inv (v_leak - v + i)`, then `i` decays; a spike where `v > v_th`.

    `CubaLIF` decays `i` at the start of a step instead: its `i` is Norse's of before the decay.
    """
    refuse("norse.LIFCell", others, _REASONS)
    return _cuba(tau_syn_inv, tau_mem_inv, v_leak, v_th, v_reset, method, alpha, 0.0)


def LIFRefracCell(
    *,
    rho_reset: float = 5.0,
    dt: float = 1.0,
    tau_syn_inv: Any = 200.0,
    tau_mem_inv: Any = 100.0,
    v_leak: Any = 0.0,
    v_th: Any = 1.0,
    v_reset: Any = 0.0,
    method: str = "super",
    alpha: Any = 100.0,
    **others: Any,
) -> CubaLIF:
    """`LIFCell` whose membrane is held for `rho_reset` steps of `dt` ms after a spike.

    Norse has a surrogate derivative for its refractory counter, too; here a counter has none.
    """
    refuse("norse.LIFRefracCell", others, _REASONS)
    with jax.ensure_compile_time_eval():
        t_ref = as_number(rho_reset) * dt
    return _cuba(tau_syn_inv, tau_mem_inv, v_leak, v_th, v_reset, method, alpha, t_ref)


def _cuba(
    tau_syn_inv: Any, tau_mem_inv: Any, v_leak: Any, v_th: Any, v_reset: Any, method: str, alpha: Any, t_ref: Any
) -> CubaLIF:
    return CubaLIF(
        tau_syn=_tau(tau_syn_inv, "norse.tau_syn_inv"),
        tau=_tau(tau_mem_inv, "norse.tau_mem_inv"),
        v_rest=v_leak,
        v_th=v_th,
        v_reset=v_reset,
        t_ref=t_ref,
        decay=EulerDecay(),
        gain=Resistance(1.0),
        surrogate=_surrogate(method, alpha, _unit(v_th, v_reset)),
    )


def LIFBoxCell(
    *,
    tau_mem_inv: Any = 100.0,
    v_leak: Any = 0.0,
    v_th: Any = 1.0,
    v_reset: Any = 0.0,
    method: str = "super",
    alpha: Any = 100.0,
    dt: float = 1.0,
    **others: Any,
) -> LIF:
    """`v <- v + dt tau_mem_inv (v_leak - v + x)`, a spike where `v > v_th`: its input is a current, held for a step.

    **Arguments:** `dt`: the time step of the network, ms.
    """
    refuse("norse.LIFBoxCell", others, _REASONS)
    with jax.ensure_compile_time_eval():
        factor = 1.0 - dt / _tau(tau_mem_inv, "norse.tau_mem_inv")
    return LIF(
        tau=time_constant(factor, dt, "1 - dt tau_mem_inv of norse.LIFBoxCell"),
        v_rest=v_leak,
        v_th=v_th,
        v_reset=v_reset,
        gain=Resistance(1.0),
        comparator=Greater(),
        surrogate=_surrogate(method, alpha, _unit(v_th, v_reset)),
    )


_RECURRENT = "recurrent connections are Connections of the population with itself, and not part of a neuron"
__getattr__ = refused_names(
    "snn.presets.norse",
    {
        "LIFRecurrentCell": _RECURRENT,
        "LIFRefracRecurrentCell": _RECURRENT,
        "LSNNRecurrentCell": _RECURRENT,
        "LSNNCell": "its membrane lags its current by a step and its threshold adapts; use snn.ALIF",
        "LICell": "a current and a membrane by Euler; snn.LI with the port snn.Exponential is the exact solution",
        "LIFAdExCell": "its spike is reset at the threshold of LIFCell; use snn.AdEx",
        "IzhikevichCell": "its spike is reset at 30 mV after one Euler step; use snn.Izhikevich(integrator=...)",
    },
)
