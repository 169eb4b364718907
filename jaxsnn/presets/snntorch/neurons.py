"""snnTorch's neurons: the factors a step as time constants, its reset a step late and without a derivative."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ..._types import as_number
from ...neurons.cuba import CubaLIF
from ...neurons.gains import PerStep
from ...neurons.lapicque import Lapicque as _Lapicque
from ...neurons.lif import LIF
from ...neurons.resets import AbstractReset, AbstractResetTime, NextStep, NoReset, SameStep, Subtract, ToValue
from ...neurons.surrogates import AbstractSurrogate, ATan
from ...neurons.thresholds import Greater
from .._discrete import of_difference, time_constant
from .._refuse import refuse

_LEARN = "which is a choice of the estimator here: every number is a leaf; name it in wrt=, e.g. '*.neuron.tau'"
_REASONS = {
    **dict.fromkeys(("learn_alpha", "learn_beta", "learn_threshold", "learn_graded_spikes_factor"), _LEARN),
    **dict.fromkeys(("init_hidden", "output"), "which says where the state is kept; here the run keeps it"),
    "inhibition": "by which only the largest membrane fires; connect the population with itself by negative weights",
    "state_quant": "rounding of the state; lower the network to a chip for integers",
    "graded_spikes_factor": "which scales spikes; scale the weights they travel over",
    "surrogate_disable": "which has no derivative; leave the parameters out of wrt=",
}


def _reset(mechanism: str, *, late: bool, model: str) -> AbstractReset:
    """snnTorch's late reset is made of a detached spike; the one in the same step has a derivative."""
    if mechanism == "subtract" and not late:
        raise ValueError(
            f"{model} got reset_delay = False with reset_mechanism = 'subtract', for which snnTorch resets a "
            "membrane a second time that is still above threshold; use snn.LIF(reset_mechanism=snn.resets.Subtract())."
        )
    resets = {"subtract": Subtract, "zero": ToValue, "none": NoReset}
    if mechanism not in resets:
        raise ValueError(f"{model} got reset_mechanism = {mechanism!r}, expected 'subtract', 'zero' or 'none'.")
    return resets[mechanism](detach=late)


def Leaky(
    beta: Any,
    threshold: Any = 1.0,
    spike_grad: AbstractSurrogate | None = None,
    *,
    reset_mechanism: str = "subtract",
    reset_delay: bool = True,
    dt: float = 1.0,
    **others: Any,
) -> LIF:
    """`v <- beta v + x`, a spike where `v > threshold`: `LIF(gain=PerStep())`.

    With `reset_delay`, snnTorch's default, the reset comes a step later, with that step's leak and input; to zero it
    comes before them, so that only the membrane that a probe shows is another. Without it, "zero" and "none" are there.

    **Arguments:** `beta`: the factor of `v` a step of `dt` ms, above 0 and at most 1. `spike_grad`: a surrogate, e.g.
    `snntorch.surrogate.fast_sigmoid()`; `atan()` by default.
    """
    refuse("snntorch.Leaky", others, _REASONS)
    late: AbstractResetTime = NextStep() if reset_delay and reset_mechanism == "subtract" else SameStep()
    return LIF(
        tau=time_constant(beta, dt, "snntorch.Leaky.beta"),
        v_th=threshold,
        gain=PerStep(),
        comparator=Greater(),
        reset_mechanism=_reset(reset_mechanism, late=reset_delay, model="snntorch.Leaky"),
        reset_time=late,
        surrogate=of_difference(ATan(2.0) if spike_grad is None else spike_grad, threshold),
    )


def Synaptic(
    alpha: Any,
    beta: Any,
    threshold: Any = 1.0,
    spike_grad: AbstractSurrogate | None = None,
    *,
    reset_mechanism: str = "subtract",
    reset_delay: bool = True,
    dt: float = 1.0,
    **others: Any,
) -> CubaLIF:
    """`i <- alpha i + x`, `v <- beta v + i`, a spike where `v > threshold`: `CubaLIF` with snnTorch's choices.

    **Arguments:** `alpha`, `beta`: factors of current and membrane a step of `dt` ms. The rest as of `Leaky`.
    """
    refuse("snntorch.Synaptic", others, _REASONS)
    return CubaLIF(
        tau_syn=time_constant(alpha, dt, "snntorch.Synaptic.alpha"),
        tau=time_constant(beta, dt, "snntorch.Synaptic.beta"),
        v_th=threshold,
        reset_mechanism=_reset(reset_mechanism, late=reset_delay, model="snntorch.Synaptic"),
        reset_time=NextStep() if reset_delay else SameStep(),
        surrogate=of_difference(ATan(2.0) if spike_grad is None else spike_grad, threshold),
    )


def Lapicque(
    beta: Any = None,
    R: Any = None,
    C: Any = None,
    time_step: float = 1.0,
    threshold: Any = 1.0,
    spike_grad: AbstractSurrogate | None = None,
    *,
    reset_mechanism: str = "subtract",
    **others: Any,
) -> _Lapicque:
    """`v <- v + time_step (I - v / R) / C`, a spike where `v > threshold`: the resistor and capacitor of the textbook.

    Its input is a current: a drive such as `StepCurrent`, or a population with a current port.

    **Arguments:** `R` and `C`, or `beta` with at most one of them, where `beta = exp(-time_step / (R C))`. `time_step`:
    that of the network.
    """
    refuse("snntorch.Lapicque", others, _REASONS)
    given = [name for name, value in (("beta", beta), ("R", R), ("C", C)) if value is not None]
    if given == ["beta", "R", "C"] or (beta is None and len(given) < 2):
        got = ", ".join(given) or "nothing"
        raise ValueError(f"snntorch.Lapicque got {got}; expected R and C, or beta and at most one of them.")
    if beta is not None:
        tau = time_constant(beta, time_step, "snntorch.Lapicque.beta")
        with jax.ensure_compile_time_eval():
            R = tau / as_number(C) if C is not None else jnp.ones_like(tau) if R is None else as_number(R)
            C = tau / R
    return _Lapicque(
        resistance=R,
        capacitance=C,
        v_th=threshold,
        comparator=Greater(),
        reset_mechanism=_reset(reset_mechanism, late=True, model="snntorch.Lapicque"),
        reset_time=NextStep(),
        surrogate=of_difference(ATan(2.0) if spike_grad is None else spike_grad, threshold),
    )
