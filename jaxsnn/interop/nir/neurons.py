"""The neuron of a node of NIR: its class, its numbers, and the weight of one unit of input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from ...neurons.base import AbstractNeuron
from ...neurons.cuba import CubaLIF
from ...neurons.gains import PerStep
from ...neurons.lif import LIF
from ...neurons.readout import LI
from ...neurons.recursions import AbstractDecay, EulerDecay, ExactDecay
from ...neurons.resets import NoReset
from .conventions import Convention
from .fields import field, numbers
from .flat import Unreset, kind_of


class Made(NamedTuple):
    """A neuron, and what one unit of input does: `gain` becomes part of the weights.

    `bias`: what has to arrive in every step, where the neuron has no parameter for it. `init`: of its population.
    """

    neuron: AbstractNeuron
    gain: np.ndarray
    bias: np.ndarray | None = None
    init: Mapping[str, Any] = MappingProxyType({})


class Numbers:
    """The parameters of a node, of shape `()` or `(n,)`; times in ms. `looped`: whether its spikes return to it."""

    def __init__(self, name: str, node: Any, n: int, looped: bool, convention: Convention):
        self.node, self.n, self.unit, self.dt = node, n, convention.unit, convention.dt_ms
        self.looped = looped
        self.what = f"Node {name!r} ({kind_of(node)})"

    def __call__(self, name: str) -> np.ndarray:
        found = numbers(field(self.node, name, self.what), f"{self.what}, parameter {name}").reshape(-1)
        if found.size not in (1, self.n):
            raise ValueError(f"{self.what} has {found.size} numbers {name}, expected 1 or {self.n}, one a neuron.")
        return found[0] if np.all(found == found[0]) else found

    def tau(self, name: str) -> np.ndarray:
        found = self(name) * self.unit
        if np.any(found <= 0):
            raise ValueError(f"{self.what} has {name} = {np.min(found) / self.unit:g}, expected more than 0.")
        return found

    def resets(self, convention: Convention, *, current: bool) -> dict[str, Any]:
        """What a spike does, and when; nothing where a graph has a membrane and a threshold behind it."""
        if isinstance(self.node, Unreset):
            return {"reset_mechanism": NoReset()}
        time = convention.reset_time_of(current=current, looped=self.looped)
        return {"reset_mechanism": convention.reset_mechanism, "reset_time": time}

    def exact(self, name: str, decay: AbstractDecay) -> np.ndarray:
        """The time constant of `LIF`, which decays exactly, for the decay of the convention."""
        tau = self.tau(name)
        if isinstance(decay, ExactDecay):
            return tau
        if np.any(tau <= self.dt):
            raise ValueError(
                f"{self.what} has {name} = {np.min(tau) / self.unit:g}, not more than a step of "
                f"{self.dt / self.unit:g}: 1 - dt / tau is not positive; take a shorter dt, or decay=ExactDecay()."
            )
        return -self.dt / np.log1p(-self.dt / tau)


def neuron_of(name: str, node: Any, n: int, bias: np.ndarray | None, convention: Convention, *, looped: bool) -> Made:
    """`node` for `n` neurons, at which `bias` arrives in every step, and their own spikes where it is `looped`."""
    return _KINDS[kind_of(node)](Numbers(name, node, n, looped, convention), bias, convention)


def read_out(n: int, bias: np.ndarray | None, convention: Convention) -> Made:
    """A population whose `v` is what arrives in the step."""
    return _memoryless(np.inf, 0.0 if bias is None else bias, convention)


def _memoryless(v_th: Any, bias: Any, convention: Convention) -> Made:
    dt = convention.dt_ms
    cell = CubaLIF(tau_syn=dt, tau=dt, v_th=v_th, bias=bias, decay=EulerDecay(), comparator=convention.comparator)
    return Made(cell, np.ones(()))


def _threshold(of: Numbers, bias: Any, convention: Convention) -> Made:
    return _memoryless(of("threshold"), 0.0 if bias is None else bias, convention)


def _leaky(of: Numbers, bias: Any, convention: Convention) -> Made:
    gain = convention.membrane_gain(of("r"), of.tau("tau") / of.dt)
    constant = 0.0 if bias is None else gain * bias
    return Made(_lif(of, of.exact("tau", convention.decay), of("v_leak"), constant, convention), gain)


def _integrating(of: Numbers, bias: Any, convention: Convention) -> Made:
    gain = convention.integrator_gain(of("r"))
    return Made(_lif(of, np.inf, 0.0, 0.0 if bias is None else gain * bias, convention), gain)


def _lif(of: Numbers, tau: Any, v_leak: Any, bias: Any, convention: Convention) -> LIF:
    fires = hasattr(of.node, "v_threshold")
    return LIF(
        tau=tau,
        v_rest=v_leak,
        v_th=of("v_threshold") if fires else np.inf,
        v_reset=of("v_reset") if fires else 0.0,
        bias=bias,
        gain=PerStep(),
        comparator=convention.comparator,
        **of.resets(convention, current=False),
    )


def _read_out_leaky(of: Numbers, bias: Any, convention: Convention) -> Made:
    tau, gain = of.exact("tau", convention.decay), convention.membrane_gain(of("r"), of.tau("tau") / of.dt)
    if bias is None:
        return Made(LI(tau=tau, v_rest=of("v_leak"), gain=PerStep()), gain)
    shift = gain * bias / -np.expm1(-of.dt / tau)  # a constant input moves the rest
    return Made(LI(tau=tau, v_rest=of("v_leak") + shift, gain=PerStep()), gain, init={"v": of("v_leak")})


def _current_based(of: Numbers, bias: Any, convention: Convention) -> Made:
    tau = of.tau("tau_mem")
    for name in ("tau_syn", "tau_mem") if isinstance(convention.decay, EulerDecay) else ():
        if np.any(of.tau(name) < of.dt):
            raise ValueError(f"{of.what} has {name} below a step of {of.dt / of.unit:g}; take a shorter dt.")
    fires = hasattr(of.node, "v_threshold")
    gain = convention.membrane_gain(of("r"), tau / of.dt)  # `i` counts in what it adds to `v` in a step
    gain = gain * convention.current_gain(of("w_in"), of.tau("tau_syn") / of.dt)
    cell = CubaLIF(
        tau_syn=of.tau("tau_syn"),
        tau=tau,
        v_rest=of("v_leak"),
        v_th=of("v_threshold") if fires else np.inf,
        v_reset=of("v_reset") if fires else 0.0,
        decay=convention.decay,
        gain=PerStep(),
        comparator=convention.comparator,
        **of.resets(convention, current=True),
    )
    return Made(cell, gain, None if bias is None else gain * bias)


_KINDS: dict[str, Callable[[Numbers, Any, Convention], Made]] = {
    "LIF": _leaky,
    "LI": _read_out_leaky,
    "IF": _integrating,
    "I": _integrating,
    "CubaLIF": _current_based,
    "CubaLI": _current_based,
    "Threshold": _threshold,
}
