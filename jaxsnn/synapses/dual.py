"""Currents and conductances that rise and decay: the difference of two exponentials."""

from __future__ import annotations

import abc
import math
from types import MappingProxyType
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._linear import Current, phi, phi_between
from .._types import Param, Requirement, param, shown
from .base import AbstractHold, AbstractSynapse, ExactIntegral, ZeroOrderHold, membrane_rate


class AbstractNormalisation(eqx.Module):
    """The normalisation of the time course `exp(-t / tau_decay) - exp(-t / tau_rise)` of an arrival."""

    @abc.abstractmethod
    def jump(self, tau_rise: Array, tau_decay: Array) -> Array:
        """The jump of the slope at an arrival of weight 1, 1/ms."""


class UnitPeak(AbstractNormalisation):
    """The peak is the weight."""

    def jump(self, tau_rise, tau_decay):
        excess = jnp.minimum(tau_decay / tau_rise, 2.0**100) - 1.0  # of infinity the power is 0, as it is of 2^100
        far = jnp.abs(excess) > 1e-5
        safe, near = jnp.where(far, excess, 1.0), jnp.where(far, 0.0, excess)
        # (tau_decay / tau_rise) ** (1 / excess), which is e where both are equal
        power = jnp.where(far, jnp.log1p(safe) / safe, 1.0 - near * (0.5 - near / 3.0))
        return jnp.exp(power) / tau_rise


class UnitArea(AbstractNormalisation):
    """The integral over time is the weight: a charge, with currents in charge per ms. `tau_decay` must be finite."""

    def jump(self, tau_rise, tau_decay):
        return 1.0 / (tau_rise * tau_decay)


class Unnormalised(AbstractNormalisation):
    """The weight is the factor of the difference as it stands; it is zero where both time constants are equal."""

    def jump(self, tau_rise, tau_decay):
        return 1.0 / tau_rise - 1.0 / tau_decay


def _ends(port: DualExponential | DualConductance) -> tuple[Requirement, ...]:
    """That what arrives ends, where its integral is the weight."""
    if not isinstance(port.size, UnitArea):
        return ()
    kind = type(port).__name__
    return (
        Requirement(
            lambda: port.tau_decay < math.inf,
            lambda: (
                f"{kind}.tau_decay is {shown(port.tau_decay)} ms; expected a finite time with size=UnitArea(), as the "
                "integral of what never decays is no number: take UnitPeak()."
            ),
        ),
    )


def risen(s: Array, slope: Array, dt: float, tau_rise: Array, tau_decay: Array) -> tuple[Array, Array]:
    """`ds/dt = slope - s / tau_decay`, `dslope/dt = -slope / tau_rise` over a step, exact at any two time constants."""
    s = s + dt * phi(dt / tau_decay - dt / tau_rise) * slope
    return s + s * jnp.expm1(-dt / tau_decay), slope + slope * jnp.expm1(-dt / tau_rise)


class DualCurrentState(NamedTuple):
    """The synaptic current, and the part of its slope that makes it rise."""

    i: Float[Array, "..."]
    y: Float[Array, "..."]


class DualExponential(AbstractSynapse):
    """`di/dt = y - i / tau_decay`, `dy/dt = -y / tau_rise`, `y <- y + w k` at an arrival.

    That is `w k (exp(-t / tau_decay) - exp(-t / tau_rise)) / (1 / tau_rise - 1 / tau_decay)`. `k` makes the weight the
    peak, by default; at equal time constants this is `Alpha`. With `a = dt/tau_m - dt/tau_decay` and
    `b = dt/tau_m - dt/tau_rise` the constant current with the same effect over a step is
    `(i phi(a) + dt y (phi(b) - phi(a)) / (b - a)) / phi(dt/tau_m)`: right to rounding at any three time constants.

    **Arguments:** `tau_rise`, `tau_decay`: ms, shape `()` or `(n,)`. `size`: what a weight of 1 is, `UnitPeak()`,
    `UnitArea()` or `Unnormalised()`. `hold`: `ExactIntegral()` or `ZeroOrderHold()`.
    """

    tau_rise: Param = param(1.0, unit="ms", gt=0.0, finite=True)
    tau_decay: Param = param(5.0, unit="ms", gt=0.0)
    size: AbstractNormalisation = eqx.field(default_factory=UnitPeak)
    hold: AbstractHold = eqx.field(default_factory=ExactIntegral)

    weight_unit = "current"

    def requirements(self):
        return _ends(self)

    def init(self, shape, dtype):
        return DualCurrentState(jnp.zeros(shape, dtype), jnp.zeros(shape, dtype))

    def advance(self, s, v, dt, tau_m):
        decayed = DualCurrentState(*risen(s.i, s.y, dt, self.tau_rise, self.tau_decay))
        if isinstance(self.hold, ZeroOrderHold):
            return decayed, Current(s.i)
        m = membrane_rate(dt, tau_m)
        a, b = m - dt / self.tau_decay, m - dt / self.tau_rise
        return decayed, Current(s.i * (phi(a) / phi(m)) + s.y * (dt * phi_between(a, b) / phi(m)))

    def receive(self, s, arrivals):
        return s._replace(y=s.y + arrivals * self.size.jump(self.tau_rise, self.tau_decay)), None


class DualConductanceState(NamedTuple):
    """The synaptic conductance, and the part of its slope that makes it rise."""

    g: Float[Array, "..."]
    y: Float[Array, "..."]


class DualConductance(AbstractSynapse):
    """`I = g (e_rev - v)`, where `g` rises and decays as the current of `DualExponential` does.

    The current over a step is affine in `v` with the conductance at the start of the step, as that of `Conductance`.

    **Arguments:** `tau_rise`, `tau_decay`: ms. `e_rev`: reversal potential, mV. Shape `()` or `(n,)`. `size`: what a
    weight of 1 is, `UnitPeak()`, `UnitArea()` or `Unnormalised()`.
    """

    tau_rise: Param = param(1.0, unit="ms", gt=0.0, finite=True)
    tau_decay: Param = param(5.0, unit="ms", gt=0.0)
    e_rev: Param = param(0.0, unit="mV", finite=True)
    size: AbstractNormalisation = eqx.field(default_factory=UnitPeak)

    signed = False
    weight_unit = "conductance"
    ranges = MappingProxyType({"g": (0.0, math.inf), "y": (0.0, math.inf)})

    def requirements(self):
        if not isinstance(self.size, Unnormalised):
            return _ends(self)
        return (
            Requirement(
                lambda: self.tau_rise < self.tau_decay,
                lambda: (
                    f"DualConductance.tau_rise is {shown(self.tau_rise)} ms; expected less than tau_decay, "
                    f"{shown(self.tau_decay)} ms: the bare difference would be negative. Take UnitPeak()."
                ),
            ),
        )

    def init(self, shape, dtype):
        return DualConductanceState(jnp.zeros(shape, dtype), jnp.zeros(shape, dtype))

    def advance(self, s, v, dt, tau_m):
        decayed = DualConductanceState(*risen(s.g, s.y, dt, self.tau_rise, self.tau_decay))
        return decayed, Current(s.g * self.e_rev, -s.g)

    def receive(self, s, arrivals):
        return s._replace(y=s.y + arrivals * self.size.jump(self.tau_rise, self.tau_decay)), None
