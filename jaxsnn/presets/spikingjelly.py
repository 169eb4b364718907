"""SpikingJelly: `LIFNode`, `ParametricLIFNode` and `IFNode`, for a network with `dt=1.0`.

    layer = Population(spikingjelly.LIFNode(tau=2.0), 128)

A node's input is a current: with `decay_input`, SpikingJelly's default, a `1 / tau` of it reaches the membrane. Weights
go to the membrane whole, through the port `Delta`; give them divided by `tau`, or feed a current.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .._types import as_number, check
from ..neurons.gains import PerStep, Resistance
from ..neurons.lif import LIF
from ..neurons.resets import Subtract, ToValue
from ..neurons.surrogates import AbstractSurrogate, Sigmoid
from ._discrete import of_difference, time_constant
from ._refuse import refuse, refused_names

_REASONS = {
    "step_mode": "which says how the input is laid out; here a run goes from step to step",
    **dict.fromkeys(("store_v_seq", "backend"), "which says how a run is computed; here a probe records the membrane"),
}


def _node(
    tau: Array,
    decays: bool,
    v_threshold: Any,
    v_reset: Any,
    surrogate: AbstractSurrogate | None,
    detach: bool,
) -> LIF:
    rest = 0.0 if v_reset is None else v_reset
    with jax.ensure_compile_time_eval():
        unit = as_number(v_threshold) - as_number(rest)
    return LIF(
        tau=tau,
        v_rest=rest,
        v_th=v_threshold,
        v_reset=rest,
        gain=Resistance(1.0) if decays else PerStep(),
        reset_mechanism=Subtract(detach) if v_reset is None else ToValue(detach),
        surrogate=of_difference(Sigmoid(4.0) if surrogate is None else surrogate, unit),
    )


def LIFNode(
    tau: Any = 2.0,
    decay_input: bool = True,
    v_threshold: Any = 1.0,
    v_reset: Any = 0.0,
    surrogate_function: AbstractSurrogate | None = None,
    detach_reset: bool = False,
    *,
    dt: float = 1.0,
    **others: Any,
) -> LIF:
    """`v <- v + (x - (v - v_reset)) / tau`, or `v - (v - v_reset) / tau + x`; a spike where `v >= v_threshold`.

    **Arguments:** `tau`: in steps, more than 1. `v_reset`: None for a soft reset. `surrogate_function`: of
    `v - v_threshold`; `Sigmoid(4.0)` by default. `dt`: the time step of the network, ms.
    """
    refuse("spikingjelly.LIFNode", others, _REASONS)
    tau = as_number(tau)
    check(lambda: tau > 1.0, f"spikingjelly.LIFNode.tau is {tau} steps; expected more than 1.")
    with jax.ensure_compile_time_eval():
        factor = 1.0 - 1.0 / tau
    exact = time_constant(factor, dt, "1 - 1 / tau of spikingjelly.LIFNode")
    return _node(exact, decay_input, v_threshold, v_reset, surrogate_function, detach_reset)


def ParametricLIFNode(
    init_tau: Any = 2.0,
    decay_input: bool = True,
    v_threshold: Any = 1.0,
    v_reset: Any = 0.0,
    surrogate_function: AbstractSurrogate | None = None,
    detach_reset: bool = False,
    *,
    dt: float = 1.0,
    **others: Any,
) -> LIF:
    """`LIFNode` whose time constant is learnt: every number is a leaf here, so name it, `wrt=("*.weight", "*.tau")`.

    SpikingJelly learns `w` with `1 / tau = 1 / (1 + exp(-w))`; here the time constant itself is learnt.
    """
    refuse("spikingjelly.ParametricLIFNode", others, _REASONS)
    return LIFNode(init_tau, decay_input, v_threshold, v_reset, surrogate_function, detach_reset, dt=dt)


def IFNode(
    v_threshold: Any = 1.0,
    v_reset: Any = 0.0,
    surrogate_function: AbstractSurrogate | None = None,
    detach_reset: bool = False,
    **others: Any,
) -> LIF:
    """`v <- v + x`, a spike where `v >= v_threshold`: a membrane without leak."""
    refuse("spikingjelly.IFNode", others, _REASONS)
    return _node(jnp.inf, False, v_threshold, v_reset, surrogate_function, detach_reset)  # type: ignore


__getattr__ = refused_names(
    "snn.presets.spikingjelly",
    {
        "EIFNode": "one Euler step of the exponential neuron in steps; use snn.EIF(integrator=snn.integrators.Euler())",
        "QIFNode": "one Euler step of the quadratic neuron in steps; use snn.QIF(integrator=snn.integrators.Euler())",
        "IzhikevichNode": "its equations are in steps; use snn.Izhikevich",
        "GatedLIFNode": "its gates are learnt for each step, which no neuron here has",
        "KLIFNode": "a ReLU of the membrane before the threshold, which no neuron here has",
        "PSN": "it has no state from step to step",
        "MultiStepLIFNode": "a name of older versions for LIFNode",
    },
)
